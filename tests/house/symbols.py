#!/usr/bin/env python3
"""
Symbols: a library exports what its headers declare and nothing else, its own names begin with lsq_ and have the version of
include/lsq.map, Debian's list of them is complete, and it calls nothing that prints, ends the process or depends on hidden state.
usage: symbols.py NM LIBRARY DEBIAN_SYMBOLS HEADER...
"""

import glob
import os
import re
import subprocess
import sys

import tree

# What liblsq must not call, and why. Names with __ are what fortified headers make of them.
FORBIDDEN = {
    'ends the process': 'exit _exit _Exit quick_exit abort raise kill __assert_fail __assert',
    'prints': 'printf vprintf puts putchar perror dprintf vdprintf syslog psignal stdout stderr '
              '__printf_chk __vprintf_chk __dprintf_chk __vdprintf_chk',
    'reads what set-uid programs must not (secure_getenv does)': 'getenv',
    'changes the process': 'setenv putenv unsetenv setlocale uselocale chdir fchdir signal sigaction umask '
                           'fesetenv fesetround feenableexcept feupdateenv feclearexcept',
    'reads the current directory': 'getcwd getwd get_current_dir_name realpath __getcwd_chk __realpath_chk',
    'starts programs': 'system popen fork vfork execve execvp posix_spawn',
    'keeps its state in a hidden global': 'strerror strtok rand srand random drand48 localtime gmtime ctime '
                                        'asctime tmpnam',
    'reads numbers as the locale writes them': 'strtod strtof strtold atof',
}
WHY = {name: why for why, names in FORBIDDEN.items() for name in names.split()}


# What headers may declare: names of ours, also in the manner of CBLAS, and the four of BLAS that liblsqblas takes over.
OURS = re.compile(r'(cblas_)?lsq_\w+')
PUBLIC = re.compile(OURS.pattern + r'|cblas_sgem[mv]|sgem[mv]_')
VERSION = 'LSQ_0'


def symbols(nm, *arguments):
    """(name, type) of each symbol; the name of an exported one may have a version, name@@version."""
    out = subprocess.run([nm, '--portability', *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = [line.split() for line in out.splitlines() if line and not line.endswith(':')]
    return [(row[0], row[1]) for row in rows if len(row) >= 2]


def declared(header):
    with open(header, encoding='utf-8') as file:
        source = re.sub(r'/\*.*?\*/|^\s*#.*?$', '', file.read(), flags=re.S | re.M)
    return set(re.findall(r'\bLSQ_API\b[^;()]*?\b(\w+)\s*\(', source))


def debian_faults(path, library, exported):
    """The list has lines "name@version minimum", under one that names the library: whatever is exported, and nothing else."""
    soname = re.sub(r'\.so\..*', '.so.', os.path.basename(library))
    part = re.search(rf'^{re.escape(soname)}\d+ [^\n]*\n((?:[ *][^\n]*\n)*)', tree.text('', path), re.M)
    listed = {line.split()[0] for line in part[1].splitlines() if line.startswith(' ')} if part else set()
    actual = {f'{name}@{VERSION if OURS.fullmatch(name) else "Base"}' for name in exported}
    actual.add(f'{VERSION}@{VERSION}')
    yield from (f'{path} lacks " {name} MINIMUM" of {library}' for name in sorted(actual - listed))
    yield from (f'{path} lists {name}, which {library} does not export' for name in sorted(listed - actual))


def main(nm, library, debian_symbols, *headers):
    rows = symbols(nm, '--dynamic', '--defined-only', library)
    exported = {name.split('@')[0] for name, kind in rows if kind != 'A'}
    faults, wanted = [], set()
    faults += [f'{library} exports {name} without the version {VERSION}' for name, kind in rows
               if OURS.fullmatch(name.split('@')[0]) and not name.endswith('@@' + VERSION)]
    faults += debian_faults(debian_symbols, library, exported)
    for header in headers:
        names = declared(header)
        wanted |= names
        faults += [f'{header} declares {name}, {library} does not export it' for name in sorted(names - exported)]
        faults += [f'{header} declares {name}: public names begin with lsq_' for name in sorted(names)
                   if not PUBLIC.fullmatch(name)]
        if not names:
            faults.append(f'{header} declares nothing')
    faults += [f'{library} exports {name}, no header declares it' for name in sorted(exported - wanted)]

    for name, _ in symbols(nm, '--dynamic', '--undefined-only', library):
        name = name.split('@')[0]
        if name in WHY:
            faults.append(f'{library} calls {name}, which {WHY[name]}')

    objects = glob.glob(library + '.p/*.o')
    if not objects:
        faults.append(f'{library}.p: no objects found')
    for path in sorted(objects):
        # Names with two underscores are the compiler's own (thunks, sanitizers, DWARF).
        for name, _ in symbols(nm, '--extern-only', '--defined-only', path):
            if name not in wanted and not name.startswith(('lsq_', '__')):
                faults.append(f'{path} defines {name}: names with external linkage begin with lsq_')
    return tree.report('symbols', faults)


sys.exit(main(*sys.argv[1:]))
