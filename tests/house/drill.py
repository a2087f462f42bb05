#!/usr/bin/env python3
"""
The drill: breaks every rule of the house once, in a copy of the tree, and expects the test of that rule to fail and to
name the fault. A test that has never failed is only a hope. Needs an x86-64 machine and clang. usage: drill.py ROOT [FOLDER]
"""

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap

SOURCE = 'dispatch/select.c'

# Tests that look at finished libraries. The others read sources, which need not compile.
LIBRARY_TESTS = ('symbols', 'size', 'instruction sets')


def code(instruction):
    return f'__asm__(".text\\n{instruction}");\n'


# test, file, what is added at its end, words that must be in what the test prints
FAULTS = (
    ('floors', 'kernels/scalar/plain.c', '#include "dispatch/cpu.h"\n', 'includes dispatch/cpu.h'),
    ('floors', 'kernels/scalar/plain.c', '#include <stdlib.h>\n', 'includes stdlib.h'),
    ('floors', 'kernels/codec.c', '#include <stdio.h>\n', 'includes stdio.h'),
    ('floors', 'kernels/avx2/plain.c', '#include "kernels/avx512/scales.h"\n', 'avx2 does not include avx512'),
    ('floors', 'model/model.c', '#include "kernels/kernel.h"\n', 'includes kernels/kernel.h'),
    ('floors', 'tools/lsq.c', '#include "model/model.h"\n', 'includes model/model.h'),
    ('floors', 'bindings/blas/next.c', '#include "dispatch/cpu.h"\n', 'includes dispatch/cpu.h'),
    ('floors', SOURCE, '#include <immintrin.h>\n', 'intrinsics belong to'),
    ('floors', SOURCE, '#include <hwloc.h>\n', 'library belongs to'),
    ('style', SOURCE, '/* na\u00efve */\n', 'not ASCII'),
    ('style', SOURCE, '/* see /ho' + 'me/somebody/notes */\n', 'a path of one machine'),
    ('style', SOURCE, '/* TO' + 'DO */\n', 'unfinished'),
    ('style', SOURCE, '/* see docs/noth' + 'ing.md */\n', 'which is not there'),
    ('style', SOURCE, 'extern int lsq_planted; \n', 'blanks at the end'),
    ('format', SOURCE, 'extern  int lsq_planted;\n', 'select.c'),
    ('lsq.h gcc', 'include/lsq/lsq.h', 'LSQ_API void lsq_planted(FILE *file);\n', 'FILE'),
    ('lsq.h clang', 'include/lsq/lsq.h', 'static inline int lsq_planted(size_t n) { return n; }\n',
     'implicit conversion'),
    ('lsq.h g++', 'include/lsq/lsq.h', 'LSQ_API void lsq_planted(int class);\n', 'class'),
    ('lsq_model.h clang++', 'include/lsq/lsq_model.h', 'LSQ_API void lsq_planted(int new);\n', 'new'),
    ('symbols of liblsq', SOURCE, '__attribute__((visibility("default"))) extern const int lsq_planted;\n'
     'const int lsq_planted = 1;\n', 'exports lsq_planted'),
    ('symbols of liblsq', 'include/lsq/lsq.h', 'LSQ_API void lsq_planted(void);\n', 'does not export it'),
    ('symbols of liblsq', SOURCE, 'extern const int planted;\nconst int planted = 1;\n', 'names with external linkage'),
    ('symbols of liblsq', SOURCE, '#include <stdio.h>\nvoid lsq_planted(void);\nvoid lsq_planted(void)\n'
     '{\n    puts("planted");\n}\n', 'calls puts, which prints'),
    ('symbols of liblsq', SOURCE, '#include <stdlib.h>\nvoid lsq_planted(void);\nvoid lsq_planted(void)\n'
     '{\n    abort();\n}\n', 'calls abort, which ends the process'),
    ('symbols of liblsq-model', 'model/model.c', '#include <stdlib.h>\nchar *lsq_planted(void);\n'
     'char *lsq_planted(void)\n{\n    return getenv("HOME");\n}\n', 'calls getenv'),
    ('symbols of liblsqblas', 'bindings/blas/interpose.c', '__attribute__((visibility("default"))) void sgemm(void);\n'
     'void sgemm(void)\n{\n}\n', 'exports sgemm'),
    ('symbols of liblsqblas', 'include/lsq/lsq_blas.h', 'LSQ_API void sgemm(void);\n', 'public names begin with lsq_'),
    ('symbols of liblsqblas', 'debian/liblsq0.symbols', ' lsq_planted@LSQ_0 0.1.0\n', 'lists lsq_planted@LSQ_0, which'),
    ('size of liblsq', SOURCE, 'extern const char lsq_planted[1 << 20];\nconst char lsq_planted[1 << 20] = {1};\n',
     'over the budget'),
    ('instruction sets', SOURCE, code('vpxor %xmm0, %xmm0, %xmm0'), '(baseline): vpxor'),
    ('instruction sets', SOURCE, code('pshufb %xmm0, %xmm0'), '(baseline): pshufb'),
    ('instruction sets', 'kernels/scalar/plain.c', code('popcnt %rax, %rax'), '(baseline): popcnt'),
    ('instruction sets', 'kernels/sse41/plain.c', code('vpxor %xmm0, %xmm0, %xmm0'), '(sse41): vpxor'),
    ('instruction sets', 'kernels/sse41/plain.c', code('pcmpgtq %xmm0, %xmm0'), '(sse41): pcmpgtq'),
    ('instruction sets', 'kernels/avx2/plain.c', code('vpxord %zmm0, %zmm0, %zmm0'), '(avx2): vpxord'),
    ('instruction sets', 'kernels/avx2/plain.c', code('{vex} vpdpbusd %ymm0, %ymm0, %ymm0'), '(avx2): vpdpbusd'),
    ('instruction sets', 'kernels/avx512/plain.c', code('vpermb %zmm0, %zmm0, %zmm0'), '(avx512): vpermb'),
    ('instruction sets', 'kernels/avx512icl/plain.c', code('vpmadd52luq %zmm0, %zmm0, %zmm0'),
     '(avx512icl): vpmadd52luq'),
)


def run(build, *tests):
    """Exit code and output of these tests."""
    rebuild = [] if any(test.startswith(LIBRARY_TESTS) for test in tests) else ['--no-rebuild']
    command = ['meson', 'test', '-C', build, '--print-errorlogs', *rebuild, *tests]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors='replace')
    return done.returncode, done.stdout


def indented(output):
    """So that meson's own sums are not taken for ours."""
    return textwrap.indent(output, ' ' * 8)


def plant(tree, build, test, path, addition, words):
    """None if the fault was found, otherwise what happened instead."""
    target = os.path.join(tree, path)
    if not os.path.exists(target):
        return 'there is no such file to plant a fault in'
    with open(target, encoding='utf-8') as file:
        original = file.read()
    with open(target, 'a', encoding='utf-8') as file:
        file.write(addition)
    status, output = run(build, test)
    with open(target, 'w', encoding='utf-8') as file:
        file.write(original)
    if status == 0:
        return 'the test passed all the same'
    # What the test itself printed; a build that fails is not a fault found.
    if words not in output or 'ninja: build stopped' in output:
        return f'the test failed, but did not say "{words}":\n{indented(output)}'
    return None


def drill(root, folder):
    tree, build = os.path.join(folder, 'tree'), os.path.join(folder, 'objects')
    shutil.copytree(root, tree, symlinks=True, ignore=shutil.ignore_patterns('.git', 'build*', '__pycache__'))
    subprocess.run(['meson', 'setup', build, tree], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    found = missed = 0
    status, output = run(build, *sorted({fault[0] for fault in FAULTS}))
    if status != 0:
        print(f'{indented(output)}\nthe tree has faults of its own: nothing can be learned from planting more')
        missed += 1
    else:
        for fault in FAULTS:
            problem = plant(tree, build, *fault)
            print(f'{"missed" if problem else "found "}  {fault[0]}: {fault[3]} in {fault[1]}')
            if problem:
                print(f'        {problem}')
            missed, found = missed + bool(problem), found + (not problem)
    print(f'Ok: {found}\nFail: {missed}')
    return 1 if missed else 0


def main(root, folder=None):
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        return drill(root, os.path.abspath(folder))
    with tempfile.TemporaryDirectory() as fresh:
        return drill(root, fresh)


sys.exit(main(*sys.argv[1:]))
