#!/usr/bin/env python3
"""Floors: a file includes only what is on its own floor or below it. usage: layers.py ROOT"""

import re
import sys

import tree

# What may stand between the quotes or angles, as folders; '<lsq/' are the public headers.
FLOORS = {
    'include/lsq/': ('<lsq/',),
    'kernels/': ('<lsq/', 'kernels/'),
    'dispatch/': ('<lsq/', 'dispatch/', 'kernels/'),
    'model/': ('<lsq/', 'model/'),
    'tuner/': ('<lsq/', 'tuner/', 'bench/', 'dispatch/', 'kernels/'),
    'bench/': ('<lsq/', 'bench/', 'dispatch/', 'kernels/'),
    'tools/': ('<lsq/', 'tools/'),
    'bindings/': ('<lsq/', 'bindings/'),
    'examples/': ('<lsq/',),
}

# Lower floors live with little of the C library: kernels are pure, what prepares for them may compute and allocate.
PUBLIC_SYSTEM = r'std(def|int)\.h'
KERNEL_SYSTEM = r'(std(def|int)|string)\.h|\w*mmintrin\.h|arm_neon\.h'
CODEC_SYSTEM = r'(std(def|int|bool|lib)|string|limits|float|math)\.h|sleef\.h'

# Libraries, and the folders that may know them. Tests may know all.
LIBRARIES = {
    'jansson.h': ('dispatch/', 'model/', 'tools/', 'tuner/', 'bench/'),
    'sleef.h': ('kernels/', 'dispatch/', 'bench/'),
    'xxhash.h': ('model/',),
    'zlib.h': ('model/',),
    'hwloc.h': ('tuner/', 'bench/'),
    'benchmark/benchmark.h': ('bench/',),
    'cblas.h': ('bench/', 'examples/'),
    'oneapi/dnnl/dnnl.h': ('bench/',),
    'check.h': (),
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


# Each level has all of those before it in its line, and may use their inlines.
LEVELS = (('scalar',), ('sse41', 'avx2', 'avx512', 'avx512icl'), ('neon', 'neondot'))


def level_of(path):
    """kernels/avx2/plain.c -> avx2; None for what belongs to no level."""
    parts = path.split('/')
    return parts[1] if parts[0] == 'kernels' and len(parts) > 2 else None


def has_level(level, other):
    return any(level in line and other in line[:line.index(level) + 1] for line in LEVELS)


def system_of(path, floor):
    if floor == 'kernels/':
        return KERNEL_SYSTEM if level_of(path) else CODEC_SYSTEM
    return PUBLIC_SYSTEM if floor == 'include/lsq/' else r'.*'


def fault_of(path, floor, mark, name):
    own = mark == '"'
    if own or name.startswith('lsq/'):
        if not any((name if own else '<' + name).startswith(may) for may in FLOORS[floor]):
            return f'{floor} may include {" ".join(FLOORS[floor])}'
        if own and level_of(name) and not has_level(level_of(path), level_of(name)):
            return f'{level_of(path) or "code of no level"} does not include {level_of(name)}'
        return None
    if name in LIBRARIES and floor not in LIBRARIES[name]:
        return f'this library belongs to {" ".join(LIBRARIES[name]) or "the tests"}'
    if re.search(r'mmintrin|arm_neon', name) and level_of(path) is None and floor != 'bench/':
        return 'intrinsics belong to kernels/<isa>/'
    if not re.fullmatch(system_of(path, floor), name):
        return f'this place lives with {system_of(path, floor)}'
    return None


def main(root):
    faults, seen = [], 0
    for floor in FLOORS:
        for path in tree.files(root, ('.c', '.h', '.cc', '.inc'), (floor,)):
            seen += 1
            source = tree.text(root, path)
            for found in INCLUDE.finditer(source):
                fault = fault_of(path, floor, found[1], found[2])
                if fault:
                    line = source.count('\n', 0, found.start()) + 1
                    faults.append(f'{path}:{line}: includes {found[2]}: {fault}')
    if seen == 0:
        faults.append(f'{root}: no sources found')
    return tree.report('floors', faults)


sys.exit(main(sys.argv[1]))
