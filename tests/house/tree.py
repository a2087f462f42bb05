"""The files that the rules are about: those of the source tree, without build folders and what git ignores."""

import os

SKIP = ('.git', '__pycache__', 'corpus', 'golden')


def files(root, suffixes, folders=('',)):
    """Yields paths relative to root, sorted, of all files with one of the suffixes in one of the folders."""
    for folder in folders:
        for at, names, leaves in os.walk(os.path.join(root, folder)):
            names[:] = sorted(n for n in names if n not in SKIP and not n.startswith('build'))
            for leaf in sorted(leaves):
                if leaf.endswith(suffixes):
                    yield os.path.relpath(os.path.join(at, leaf), root)


def text(root, path):
    with open(os.path.join(root, path), encoding='utf-8', errors='surrogateescape') as file:
        return file.read()


def report(rule, faults):
    """Prints every fault and returns the exit code."""
    for fault in faults:
        print(fault)
    print(f'{rule}: {len(faults)} faults' if faults else f'{rule}: kept')
    return 1 if faults else 0
