#!/usr/bin/env python3
"""
Instruction sets: an object of kernels/<isa>/ uses only what its level allows, every other one only the baseline,
so that no call can fault on a CPU that the dispatcher judged rightly. usage: isa.py OBJDUMP BUILD

On x86 the first byte after the prefixes decides: in 64-bit mode C4 and C5 are always VEX, 62 is always EVEX, and the old
maps 0F 38 and 0F 3A begin with SSSE3. Within an encoding, extensions are told apart by mnemonic.
"""

import os
import re
import subprocess
import sys

import tree

SSE3 = r'addsubp[sd]|h(add|sub)p[sd]|lddqu|mov(d|sh|sl)dup|fisttp\w*'
PAST_SSE41 = r'pcmpgtq|pcmp[ei]str\w+|crc32\w*|aes\w+|pclmul\w+|movbe\w*|sha(1|256)\w+|ad[co]x\w*|gf2p8\w+|popcnt\w*'
CRYPTO = r'vaes\w+|vpclmul\w+|vgf2p8\w+|vsha\w+|vsm[34]\w+'
BITS = r'andn[lq]?|bextr\w*|bls(i|r|msk)\w*|bzhi\w*|mulx\w*|pdep\w*|pext[lq]?|rorx\w*|s(ar|hl|hr)x\w*|lzcnt\w*'
ICELAKE = r'vperm(b|[it]2b)|vpmultishiftqb|vp(compress|expand)[bw]|vpsh[lr]d\w*|vpdp\w+'
PAST_ICELAKE = (r'vpopcnt[bwdq]|vpshufbitqmb|vpmadd52\w+|vpconflict\w+|vplzcnt\w+|vpbroadcastm\w+|vcvtne\w+|vdpbf16ps'
                r'|vp2intersect\w+|vexp2\w+|vrcp28\w+|vrsqrt28\w+|v(gather|scatter)pf\w+|v4f\w+|vp4dp\w+')

# level: the encodings it may use, and mnemonics that it may not all the same
X86 = {
    'baseline': (('old',), f'{SSE3}|{PAST_SSE41}|lzcnt\\w*'),
    'sse41': (('old', '0f38'), f'{PAST_SSE41}|lzcnt\\w*'),
    'avx2': (('old', '0f38', 'vex'), f'{CRYPTO}|{BITS}|{PAST_ICELAKE}|vpdp\\w+|k\\w+'),
    'avx512': (('old', '0f38', 'vex', 'evex'), f'{CRYPTO}|{BITS}|{PAST_ICELAKE}|{ICELAKE}'),
    'avx512icl': (('old', '0f38', 'vex', 'evex'), f'{CRYPTO}|{BITS}|{PAST_ICELAKE}'),
}

PAST_DOT = (r'(us|su)dot|[us]?mmla|usmmla|bf\w+|sqrdml[as]h|fml[as]l2?|fcmla|fcadd|crc32\w+|aes\w+|sha\d\w+|pmull2?'
            r'|(ld|st)(add|clr|set|eor|smax|smin|umax|umin)a?l?[bh]?|swpa?l?[bh]?|casp?a?l?[bh]?|ptrue|whilelo')
ARM = {'baseline': f'[us]dot|{PAST_DOT}', 'neon': f'[us]dot|{PAST_DOT}', 'neondot': PAST_DOT}
# Programs that choose vectors for themselves, by asking the CPU: no library code is in these folders.
ELSEWHERE = ('bench/', 'tests/', 'meson-')

BITFIELD_MOVES = ('bfi', 'bfxil', 'bfm', 'bfc')

LINE = re.compile(r'^\s*[0-9a-f]+:\t([0-9a-f ]+?)\s*\t([^\t]+)\t?(.*)$')
PREFIXES = (0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3)
PREFIX_WORDS = ('rep', 'repz', 'repnz', 'lock', 'notrack', 'bnd', 'data16', 'addr32', 'cs', 'ds', 'es', 'ss', 'fs',
                'gs', '{vex}', '{evex}', 'rex.W')


def encoding(code):
    """Of the bytes of one x86 instruction; evex-fp16 are the maps 5 and 6."""
    i = 0
    while i < len(code) - 1 and code[i] in PREFIXES:
        i += 1
    if code[i] in (0xc4, 0xc5):
        return 'vex'
    if code[i] == 0x62:
        return 'evex' if code[i + 1] & 7 <= 3 else 'evex-fp16'
    if i < len(code) - 1 and 0x40 <= code[i] <= 0x4f:
        i += 1
    return '0f38' if code[i] == 0x0f and i + 1 < len(code) and code[i + 1] in (0x38, 0x3a) else 'old'


def fault_x86(level, code, name, _):
    allowed, refused = X86[level]
    found = encoding(code)
    if found not in allowed:
        return f'encoding {found}'
    if re.fullmatch(refused, name):
        return 'an extension that the level does not include'
    if found == 'vex' and name.startswith('vpdp'):
        return 'AVX-VNNI, which no level includes'
    return None


def fault_arm(level, _, name, operands):
    if re.fullmatch(ARM[level], name) and name not in BITFIELD_MOVES:
        return 'an extension that the level does not include'
    if re.search(r'\bz\d+\.|\bp\d+/', operands):
        return 'SVE'
    if name.startswith('f') and re.search(r'\.[48]h\b', operands) and not name.startswith('fcvt'):
        return 'arithmetic on halves'
    return None


def instructions(objdump, path):
    """(bytes, mnemonic, operands) of every instruction of an object."""
    out = subprocess.run([objdump, '-d', '-w', path], check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in out.splitlines():
        found = LINE.match(line)
        if found:
            words = [word for word in f'{found[2]} {found[3]}'.split() if word not in PREFIX_WORDS] or ['']
            yield bytes.fromhex(found[1]), words[0], ' '.join(words[1:])


def level_of(path):
    found = re.search(r'kernels/liblsq_(\w+)\.a\.p/', path)
    return found[1] if found and found[1] != 'scalar' else 'baseline'


def is_arm(objdump, path):
    out = subprocess.run([objdump, '-f', path], check=True, stdout=subprocess.PIPE, text=True).stdout
    return 'aarch64' in out


def main(objdump, build):
    objects = [path for path in tree.files(build, ('.o',)) if not path.startswith(ELSEWHERE)]
    if not objects:
        return tree.report('instruction sets', [f'{build}: no objects found'])
    arm = is_arm(objdump, os.path.join(build, objects[0]))
    levels, fault_of = (ARM, fault_arm) if arm else (X86, fault_x86)
    faults, read = [], {}
    for path in objects:
        level = level_of(path)
        if level not in levels:
            faults.append(f'{path}: this test knows nothing of the level {level}')
            continue
        for code, name, operands in instructions(objdump, os.path.join(build, path)):
            read[level] = read.get(level, 0) + 1
            fault = fault_of(level, code, name, operands)
            if fault:
                faults.append(f'{path} ({level}): {name} {operands}: {fault}')
    print('instructions read:', ', '.join(f'{level} {count}' for level, count in sorted(read.items())))
    if 'baseline' not in read:
        faults.append(f'{build}: nothing of the baseline could be read')
    return tree.report('instruction sets', faults)


sys.exit(main(*sys.argv[1:]))
