#!/usr/bin/env python3
"""Writes npz/*.npz with NumPy: make_npz.py FOLDER"""

import os
import sys

import numpy


class Pipe:
    """A file that cannot go back: entries are followed by descriptors."""

    def __init__(self, path):
        self.out = open(path, 'wb')
        self.write, self.flush, self.close = self.out.write, self.out.flush, self.out.close

    def read(self, *_):
        raise OSError


def main(folder):
    os.makedirs(folder, exist_ok=True)
    path = lambda name: os.path.join(folder, name + '.npz')
    rows = numpy.arange(6, dtype=numpy.float32).reshape(2, 3)
    arrays = {'rows': rows, 'columns': numpy.asfortranarray(rows), 'layer/bias': numpy.array([-2, 7], 'i2'),
              'number': numpy.float64(0.5), 'none': numpy.zeros((0, 3), 'f4')}
    numpy.savez(path('stored'), **arrays)
    numpy.savez_compressed(path('deflated'), **arrays)
    numpy.savez(path('empty'))
    pipe = Pipe(path('piped'))
    numpy.savez(pipe, **arrays)
    pipe.close()


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
