#!/usr/bin/env python3
"""
Style that a formatter does not see: ASCII, ends of lines, no words that belong to one machine or one day instead of to the
project, no mention of a text that is not there, no name that says nothing. Long files are listed, not refused.
usage: style.py ROOT
"""

import os
import re
import sys

import tree

SUFFIXES = ('.c', '.h', '.cc', '.inc', '.py', '.sh', '.md', '.ini', '.txt', 'meson.build', 'run')
CODE = ('.c', '.h', '.cc', '.inc', '.py', '.sh')
LONG = 400

# The brackets keep a pattern from finding itself.
STRAY = (
    (re.compile(r'/(hom[e]|roo[t]|Use[r]s|wor[k]|far[m])/\w'), 'a path of one machine'),
    (re.compile(r'\.librar[y]\b|\.\./share[d]\b'), 'a path of one machine'),
    (re.compile(r'\bses[s]ions?\b', re.I), 'about how it was made'),
    (re.compile(r'\b(TOD[O]|FIXM[E]|XX[X]|HAC[K]|not ye[t] implemented)\b'), 'unfinished'),
)
TEXT = re.compile(r'\bdocs/[\w-]+\.md\b')
EMPTY_NAMES = re.compile(r'(^|/)(util[s]?|commo[n]|mis[c]|imp[l]|helper[s]?)(/|\.\w+$)')


def line_faults(root, path, number, line):
    if not line.isascii():
        yield f'{path}:{number}: not ASCII: {line.strip()[:80]!a}'
    if line != line.rstrip():
        yield f'{path}:{number}: blanks at the end of the line'
    if '\t' in line:
        yield f'{path}:{number}: a tab'
    for pattern, why in STRAY:
        if pattern.search(line):
            yield f'{path}:{number}: {why}: {line.strip()[:80]}'
    for name in TEXT.findall(line):
        if not os.path.exists(os.path.join(root, name)):
            yield f'{path}:{number}: mentions {name}, which is not there'


def main(root):
    faults, count = [], 0
    for path in tree.files(root, SUFFIXES):
        count += 1
        source = tree.text(root, path)
        lines = source.split('\n')
        if EMPTY_NAMES.search(path):
            faults.append(f'{path}: a name that says nothing')
        if source and not source.endswith('\n'):
            faults.append(f'{path}: no newline at the end')
        for number, line in enumerate(lines, 1):
            faults.extend(line_faults(root, path, number, line))
        if path.endswith(CODE) and len(lines) - 1 > LONG:
            print(f'note: {path} has {len(lines) - 1} lines: is there a second idea in it?')
    if count == 0:
        faults.append(f'{root}: no sources found')
    return tree.report('style', faults)


sys.exit(main(sys.argv[1]))
