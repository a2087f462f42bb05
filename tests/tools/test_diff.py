#!/usr/bin/env python3
"""lsq diff: what differs between two files, and by how much."""

import math
import unittest

from command import CHECK, FIXTURE, IO, USAGE, Case, floats, normal, safetensors


class Diff(Case):
    def setUp(self):
        super().setUp()
        self.a = {'same': normal(20, 30), 'off': normal(300, 70, seed=2), 'vector': normal(5, seed=3),
                  'gone': normal(4, 4, seed=4), 'shape': normal(2, 6, seed=5), 'none': ('F32', (0, 3), b'')}
        dtype, shape, data = self.a['off']
        numbers = floats(data)
        self.moved = numbers[:]
        self.moved[20999] += 0.5
        self.b = {**self.a, 'off': (dtype, shape, self.moved.tobytes()), 'shape': ('F32', (6, 2), self.a['shape'][2]),
                  'new': normal(3, 3, seed=6)}
        del self.b['gone']
        safetensors(self.path('a'), self.a)
        safetensors(self.path('b'), self.b)

    def test_results(self):
        d = self.json('diff', 'a', 'b', code=CHECK)
        results = {t['name']: t['result'] for t in d['tensors']}
        self.assertEqual(results, {'same': 'same', 'vector': 'same', 'none': 'same', 'off': 'differs', 'shape': 'other shape',
                                   'gone': 'only in A', 'new': 'only in B'})
        self.assertEqual(d['differ'], 4)
        off = next(t for t in d['tensors'] if t['name'] == 'off')
        before, after = floats(self.a['off'][2])[20999], self.moved[20999]
        signal, noise = sum(x * x for x in floats(self.a['off'][2])), (after - before) ** 2
        self.assertAlmostEqual(off['snr_db'], 10 * math.log10(signal / noise), places=6)
        self.assertAlmostEqual(off['max_error'], abs(after - before), places=6)
        self.assertEqual(d['a_bytes'], sum(len(t[2]) for t in self.a.values()))
        self.assertEqual(d['b_bytes'], sum(len(t[2]) for t in self.b.values()))

    def test_words(self):
        out, _ = self.lsq('diff', 'a', 'b', code=CHECK)
        self.assertIn('4 of 7 tensors differ', out)
        self.assertNotIn('\nsame ', out)
        self.assertIn('\nsame ', self.lsq('diff', '-v', 'a', 'b', code=CHECK)[0])
        self.assertEqual(self.lsq('diff', '-q', 'a', 'b', code=CHECK)[0], '')

    def test_nothing(self):
        out, _ = self.lsq('diff', 'a', 'a')
        self.assertEqual(out.count('\n'), 1)
        self.assertEqual(self.json('diff', 'a', 'a')['differ'], 0)

    def test_other_formats(self):
        """As verify measures them."""
        self.lsq('compress', '-q', FIXTURE, '-o', 'x.lsq', '-c', 't3')
        verified = {t['name']: t for t in self.json('verify', 'x.lsq', '--against', FIXTURE)['tensors']}
        d = self.json('diff', FIXTURE, 'x.lsq', code=CHECK)
        for t in d['tensors']:
            if 'codec' in t['b']:
                self.assertAlmostEqual(t['snr_db'], verified[t['name']]['snr_db'], places=6)
                self.assertLess(t['b']['bytes'], t['a']['bytes'])
            else:
                self.assertEqual(t['result'], 'same')

    def test_wrong_arguments(self):
        self.lsq('diff', 'a', code=USAGE)
        self.lsq('diff', 'a', 'b', 'b', code=USAGE)
        self.error('diff', 'a', 'nowhere', code=IO)


if __name__ == '__main__':
    unittest.main()
