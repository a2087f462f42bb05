#!/usr/bin/env python3
"""Size: what a library puts into memory stays within its budget. usage: size.py READELF LIBRARY BUDGET_IN_BYTES"""

import re
import subprocess
import sys

import tree


def loaded_bytes(readelf, library):
    """The segments that are mapped, as they lie in the file: code, tables, data; no symbols or debug information."""
    out = subprocess.run([readelf, '-lW', library], check=True, stdout=subprocess.PIPE, text=True).stdout
    return sum(int(size, 16) for size in re.findall(r'^\s*LOAD\s+\S+\s+\S+\s+\S+\s+(0x[0-9a-f]+)', out, re.M))


def main(readelf, library, budget):
    size = loaded_bytes(readelf, library)
    print(f'{library}: {size} bytes loaded, budget {budget}')
    faults = []
    if size == 0:
        faults.append(f'{library}: no loaded segments found')
    if size > int(budget):
        faults.append(f'{library}: {size - int(budget)} bytes over the budget')
    return tree.report('size', faults)


sys.exit(main(*sys.argv[1:]))
