#!/usr/bin/env python3
"""
liblsqblas under an unmodified program: NumPy as Debian has it, on the system's BLAS. Registered matrices are multiplied by
liblsq, all others give the bits that they give without it. usage: test_numpy.py LIBLSQBLAS README
Exit code 77 (skipped) where there is no NumPy, or one with a BLAS of its own, as those of PyPI.
"""

import ctypes
import hashlib
import json
import multiprocessing
import os
import re
import subprocess
import sys
import threading
import unittest

M, K, N = 60, 100, 7
NO_TRANS, TRANS = 111, 112
# What NumPy computes by dot(), which copies matrices with gaps between their rows; matmul() does not.
BY_DOT = ('dot', 'dot of a vector', 'dot backwards', 'inner', 'tensordot', 'einsum')


def skip(why):
    print(f'skipped: {why}')
    sys.exit(77)


try:
    import numpy as np
except ImportError:
    skip(f'{sys.executable} has no numpy')


def numbers(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def products(w):
    """
    Products with w that BLAS computes, by name: the result, what w was (W or its transpose), the rows that were multiplied, and
    whether those of the result are rows too.
    """
    m, k = w.shape
    x, z, xs, zs = numbers(k), numbers(m), numbers(N, k), numbers(N, m)
    out_rows, out_columns, out_vector = np.empty((N, m), 'f'), np.empty((m, N), 'f'), np.empty(m, 'f')
    return {
        'w x': (w @ x, TRANS, x[None], True),
        'x w^T': (x @ w.T, TRANS, x[None], True),
        'w^T z': (w.T @ z, NO_TRANS, z[None], True),
        'z w': (z @ w, NO_TRANS, z[None], True),
        'X w^T': (xs @ w.T, TRANS, xs, True),
        'X w': (zs @ w, NO_TRANS, zs, True),
        'w X^T': (w @ xs.T, TRANS, xs, False),
        'w^T X^T': (w.T @ zs.T, NO_TRANS, zs, False),
        'a row': (xs[:1] @ w.T, TRANS, xs[:1], True),
        'a column': (w @ xs[1:2].T, TRANS, xs[1:2], False),
        'every second row': (numbers(2 * N, k)[::2] @ w.T, TRANS, numbers(2 * N, k)[::2], True),
        'every second number': (w @ numbers(2 * k)[::2], TRANS, numbers(2 * k)[None, ::2], True),
        'columns': (numbers(N, 2 * k)[:, k:] @ w.T, TRANS, numbers(N, 2 * k)[:, k:], True),
        'Fortran order': (np.asfortranarray(xs) @ w.T, TRANS, xs, True),
        'dot': (np.dot(xs, w.T, out=out_rows), TRANS, xs, True),
        'dot of a vector': (np.dot(w, x, out=out_vector), TRANS, x[None], True),
        'dot backwards': (np.dot(w, x[::-1]), TRANS, x[None, ::-1], True),
        'matmul': (np.matmul(w, xs.T, out=out_columns), TRANS, xs, False),
        'inner': (np.inner(xs, w), TRANS, xs, True),
        'tensordot': (np.tensordot(xs, w, (1, 1)), TRANS, xs, True),
        'einsum': (np.einsum('nk,mk->nm', xs, w, optimize=True), TRANS, xs, True),
        'stacked': ((np.stack([xs, xs]) @ w.T)[1], TRANS, xs, True),
    }


def parts(w):
    """Products with parts of w, and with other shapes of its memory."""
    m, k = w.shape
    x, xs = numbers(k), numbers(N, k)
    return {
        'first rows': w[:m // 2] @ x,
        'last rows': w[1:] @ x,
        'first columns': w[:, :k // 2] @ x[:k // 2],
        'last columns': w[:, 1:] @ x[1:],
        'every second row': w[::2] @ x,
        'every second column': w[:, ::2] @ x[::2],
        'upside down': w[::-1] @ x,
        'first rows, matrix': xs @ w[:m // 2].T,
        'columns, matrix': xs[:, :k // 2] @ w[:, :k // 2].T,
        'reshaped': w.reshape(2 * m, k // 2) @ x[:k // 2] if w.flags.c_contiguous else None,
        'by itself': w @ w.T,
        'a copy': w.copy() @ x,
        'double': w.astype(float) @ x,
    }


def unregistered():
    """A digest of every product that is not ours, with every kind of matrix."""
    matrices = {'rows': numbers(M, K), 'columns': np.asfortranarray(numbers(M, K)), 'padded': numbers(M, K + 5)[:, :K],
                'large': numbers(300, 500)}
    digests = {}
    for kind, w in matrices.items():
        results = {**{name: result[0] for name, result in products(w).items()}, **parts(w)}
        for name, y in results.items():
            digests[f'{kind}: {name}'] = hashlib.sha256(y.tobytes()).hexdigest() if y is not None else None
    return digests


class Weights:
    """What a program does that wants its matrix to be ours."""

    def __init__(self, w, name=b's4'):
        self.lsq = ctypes.CDLL(None)  # all of it is loaded already
        self.w, (m, k) = w, w.shape
        self.format, self.packed = (ctypes.c_uint8 * 5)(), ctypes.c_void_p()
        size, address = ctypes.c_size_t, ctypes.c_void_p(w.ctypes.data)
        ld = size(w.strides[0] // 4)
        assert self.lsq.lsq_format_parse(name, self.format, None) == 0
        assert self.lsq.lsq_quantize(None, self.format, size(m), size(k), address, ld, None,
                                     ctypes.byref(self.packed), None) == 0
        assert self.lsq.lsq_blas_register(address, size(m), size(k), ld, self.packed) == 0

    def unregister(self):
        return self.lsq.lsq_blas_unregister(ctypes.c_void_p(self.w.ctypes.data))

    def times(self, trans, rows):
        """rows W^T (TRANS, as NumPy writes it) or rows W, one lsq_sgemv() a row."""
        of_w = NO_TRANS if trans == TRANS else TRANS
        y = np.empty((len(rows), self.w.shape[0 if trans == TRANS else 1]), 'f')
        for row, result in zip(np.ascontiguousarray(rows), y):
            assert self.lsq.lsq_sgemv(None, of_w, ctypes.c_float(1), self.packed, ctypes.c_void_p(row.ctypes.data),
                                      ctypes.c_ssize_t(1), ctypes.c_float(0), ctypes.c_void_p(result.ctypes.data),
                                      ctypes.c_ssize_t(1)) == 0
        return y

    def gemm(self, rows):
        """rows W^T by one lsq_sgemm(): W rows^T, column-major."""
        y, rows = np.empty((len(rows), self.w.shape[0]), 'f'), np.ascontiguousarray(rows)
        size = ctypes.c_size_t
        assert self.lsq.lsq_sgemm(None, 102, NO_TRANS, NO_TRANS, size(len(rows)), ctypes.c_float(1), self.packed,
                                  ctypes.c_void_p(rows.ctypes.data), size(rows.shape[1]), ctypes.c_float(0),
                                  ctypes.c_void_p(y.ctypes.data), size(y.shape[1])) == 0
        return y


def in_child(w, expected, queue):
    """In a forked process: ours, then not, then ours."""
    weights, x = w, numbers(K)
    ours = (weights.w @ x == expected).all()
    gone = weights.unregister() == 0 and (weights.w @ x == weights.w.copy() @ x).all()
    queue.put(bool(ours and gone))


class Registered(unittest.TestCase):
    def check(self, w):
        weights = Weights(w)
        self.addCleanup(weights.unregister)
        for name, (y, trans, rows, by_rows) in products(w).items():
            if name in BY_DOT and not w.flags.c_contiguous:
                continue
            with self.subTest(name):
                expected = weights.times(trans, rows)
                np.testing.assert_array_equal(y if by_rows else y.T, expected if y.ndim == 2 else expected[0])
        np.testing.assert_array_equal(numbers(N, K) @ w.T, weights.gemm(numbers(N, K)))
        copy = np.zeros((2 * w.shape[0], w.shape[1] + 3), 'f')[::2, :w.shape[1]]  # lies elsewhere and otherwise
        copy[...] = w
        for name, y in parts(w).items():
            if y is not None:
                with self.subTest(name):
                    np.testing.assert_allclose(y, parts(np.ascontiguousarray(copy))[name], rtol=1e-4, atol=1e-4)

    def test_contiguous(self):
        self.check(numbers(M, K))

    def test_padded(self):
        self.check(numbers(M, K + 5)[:, :K])

    def test_comes_and_goes(self):
        w, x = numbers(M, K), numbers(K)
        plain = w @ x
        weights = Weights(w)
        self.assertFalse((w @ x == plain).all())
        self.assertEqual(weights.unregister(), 0)
        np.testing.assert_array_equal(w @ x, plain)

    def test_threads(self):
        w, other, xs = numbers(M, K), numbers(M, K), numbers(N, K)
        plain, weights, wrong = xs @ other.T, Weights(w), []
        self.addCleanup(weights.unregister)
        expected = weights.times(TRANS, xs)

        def work():
            for _ in range(200):
                if not ((xs @ w.T == expected).all() and (xs @ other.T == plain).all()):
                    wrong.append(1)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_fork(self):
        weights, x = Weights(numbers(M, K)), numbers(K)
        self.addCleanup(weights.unregister)
        expected = weights.times(TRANS, x[None])[0]
        fork = multiprocessing.get_context('fork')
        queue = fork.Queue()
        children = [fork.Process(target=in_child, args=(weights, expected, queue)) for _ in range(4)]
        for child in children:
            child.start()
        self.assertEqual([queue.get(timeout=60) for _ in children], [True] * 4)
        for child in children:
            child.join()
        np.testing.assert_array_equal(weights.w @ x, expected)


def uses_the_systems_blas():
    with open('/proc/self/maps', encoding='utf-8') as file:
        return re.search(r'/lib(c?blas|openblas)\.so', file.read()) is not None


def run(library, *arguments):
    """This interpreter again, with the library before everything else, or without."""
    env = dict(os.environ, OPENBLAS_NUM_THREADS='1')
    if library:
        env['LD_PRELOAD'] = library
    return subprocess.run([sys.executable, *arguments], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, check=True).stdout


def main(library, readme):
    if not uses_the_systems_blas():
        skip(f'the numpy of {sys.executable} has a BLAS of its own')
    plain, passed_on = (json.loads(run(which, __file__, 'unregistered')) for which in (None, library))
    faults = [name for name in plain if plain[name] != passed_on[name]]
    print(f'{len(plain)} products that are not ours, {len(faults)} of them otherwise than without the library')
    for name in faults:
        print(name)
    run(library, __file__, 'registered')
    with open(readme, encoding='utf-8') as file:
        lines = re.search(r'^```python\n(.*?)^```$', file.read(), re.S | re.M)[1]
    error = float(run(library, '-c', lines).split()[-1])
    print(f'the lines of {readme} say {error}')
    return 1 if faults or not 0.01 < error < 0.2 else 0


if __name__ == '__main__':
    if sys.argv[1:] == ['unregistered']:
        print(json.dumps(unregistered()))
    elif sys.argv[1:] == ['registered']:
        unittest.main(argv=sys.argv[:1])
    else:
        sys.exit(main(*sys.argv[1:]))
