#!/usr/bin/env python3
"""Format: clang-format 14 would change nothing. usage: format.py CLANG_FORMAT ROOT"""

import os
import subprocess
import sys

import tree


def main(clang_format, root):
    paths = [os.path.join(root, path) for path in tree.files(root, ('.c', '.h', '.cc'))]
    if not paths:
        return tree.report('format', [f'{root}: no sources found'])
    command = [clang_format, '--style=file', '--dry-run', '-Werror', *paths]
    run = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    faults = [line for line in run.stderr.splitlines() if 'error:' in line]
    if run.returncode and not faults:
        faults = run.stderr.splitlines() or ['clang-format failed and did not say why']
    return tree.report('format', faults)


sys.exit(main(*sys.argv[1:]))
