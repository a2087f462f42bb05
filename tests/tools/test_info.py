"""The tree, sums and distributions of lsq info."""

import collections
import hashlib
import math
import os
import unittest

from command import FIXTURE, UNSUPPORTED, USAGE, Case, floats, normal, read_safetensors, safetensors


class Tree(Case):
    def rows(self, *args):
        """[depth, name, the other words] of the tree, whose lines all fit; and the lines."""
        lines = self.lsq('info', *args)[0].splitlines()
        for line in lines:
            self.assertLessEqual(len(line), 80, line)
        tree = lines[1:lines.index('')]
        rows = []
        for line in tree:
            if not line.startswith('('):
                name, *words = line.split()
                rows.append(((len(line) - len(line.lstrip())) // 2, name, ' '.join(words)))
        return rows, lines

    def test_layers_are_folded(self):
        """Those that have the same names and shapes, wherever they stand; sums are of all of them."""
        tensors = {'embed.weight': normal(32, 64)}
        for i in range(12):
            tensors[f'model.layers.{i}.mlp.weight'] = normal(64, 32)
            tensors[f'model.layers.{i}.norm'] = normal(32)
        for i in (3, 5):
            for e in range(3):
                tensors[f'model.layers.{i}.experts.{e}.w'] = normal(16, 32)
        tensors['model.layers.11.mlp.weight'] = normal(64, 64)
        safetensors(self.path('a.safetensors'), tensors)
        rows, lines = self.rows('a.safetensors')
        self.assertIn('(a range', ' '.join(lines))
        self.assertEqual(rows, [
            (0, 'embed.weight', '32x64 F32 32.00 8.2 KB'),
            (0, 'model.layers', '32.00 120.3 KB'),
            (1, '0..2,4,6..10', '32.00 74.9 KB'),
            (2, 'mlp.weight', '64x32 F32 32.00 73.7 KB'),
            (2, 'norm', '32 F32 32.00 1.2 KB'),
            (1, '3,5', '32.00 28.9 KB'),
            (2, 'mlp.weight', '64x32 F32 32.00 16.4 KB'),
            (2, 'norm', '32 F32 32.00 256 B'),
            (2, 'experts.0..2.w', '16x32 F32 32.00 12.3 KB'),
            (1, '11', '32.00 16.5 KB'),
            (2, 'mlp.weight', '64x64 F32 32.00 16.4 KB'),
            (2, 'norm', '32 F32 32.00 128 B')])

    def test_ways_of_storing_are_named(self):
        safetensors(self.path('a.safetensors'), {f'l.{i}.{w}': normal(64, 64, seed=i) for i in range(4) for w in 'ab'})
        self.lsq('compress', '-q', 'a.safetensors', '-o', 'a.lsq', '--rule', '1.a=s4', '--rule', 'b=keep')
        rows, lines = self.rows('a.lsq')
        found = {name: words.rsplit(maxsplit=2)[0] for depth, name, words in rows if depth == 1}
        self.assertRegex(found['a'], r'^64x64 (t4 s4|s4 t4) ')
        self.assertEqual(found['b'], '64x64 F32 32.00')
        self.assertIn('not quantised: 50.00 % of the numbers', ' '.join(lines))

    def test_no_two_tensors_are_taken_for_one(self):
        """Separators, prefixes of names, numbers that are none, and other shapes under the same hash of names."""
        names = ['a', 'a.b', 'a/b', 'a.b.0', 'a.b.00', 'a.b.1', 'a.b.01', 'a..b', '.a', 'a.', '0', '1', '1.', '.'.join('abcdefghijklmnopqrst'),
                 '.'.join('abcdefghijklmnopqrsu'), '1234567890.x', '1234567891.x']
        safetensors(self.path('a.safetensors'), {name: normal(1 + i, 16) for i, name in enumerate(names)})
        document = self.json('info', 'a.safetensors')
        self.assertEqual(sorted(t['name'] for t in document['tensors']), sorted(names))
        rows, _ = self.rows('a.safetensors')
        leaves = [row for row in rows if ' F32 ' in row[2]]
        self.assertEqual(len(leaves), len(names))

    def test_names_are_harmless(self):
        names = {'a\u202eb\\': normal(2), 'x' * 300: normal(3), '\u00e9' * 200 + '.b': normal(2)}
        safetensors(self.path('a.safetensors'), names)
        out, _ = self.lsq('info', 'a.safetensors')
        self.assertIn(r'a\u202eb\\', out)
        self.assertNotIn('\u202e', out)
        for whole in ('x' * 300, '\u00e9' * 200): # no terminal, no cut
            self.assertIn(whole, out)
            self.assertIn(whole, self.lsq('info', '-v', 'a.safetensors')[0])

    def test_many_tensors(self):
        safetensors(self.path('a.safetensors'), {f'l.{i}.e.{j}.w': ('U8', (1,), b'\0') for i in range(100) for j in range(100)})
        rows, _ = self.rows('a.safetensors')
        self.assertEqual(rows, [(0, 'l.0..99.e.0..99.w', '1 U8 8.00 10.0 KB')])

    def test_sums(self):
        self.lsq('compress', '-q', FIXTURE, '-o', 'a.lsq', '-c', 's4')
        document = self.json('info', 'a.lsq')
        total, tensors = document['totals'], document['tensors']
        self.assertEqual(total['file_bytes'], os.path.getsize(self.path('a.lsq')))
        for key in ('elements', 'bytes'):
            kept = [t[key] for t in tensors if 'codec' not in t]
            self.assertEqual(total[f'kept_{key}'], sum(kept))
            self.assertEqual(total[key], sum(kind[key] for kind in document['kinds']))
            self.assertEqual(total[key], sum(t[key] for t in tensors))
        self.assertEqual({k['stored_as']: k['tensors'] for k in document['kinds']},
                         collections.Counter('F32' if 'codec' not in t else t['codec'].split('.curve')[0] for t in tensors))


class Tensor(Case):
    def test_magnitudes(self):
        special = floats(b''.join(normal(1000)[2:]))
        special[:6] = type(special)('f', [0.0, -0.0, math.inf, math.nan, 2.0 ** -149, -3.0])
        safetensors(self.path('a.safetensors'), {'w': ('F32', (10, 100), special.tobytes()), 'other': normal(4)})
        found = self.json('info', 'a.safetensors', '--tensor', 'w')
        self.assertEqual([t['name'] for t in found['tensors']], ['w'])
        d, finite = found['distribution'], [w for w in special if math.isfinite(w)]
        octaves = collections.Counter(math.frexp(w)[1] - 1 for w in finite if w)
        self.assertEqual({o['exponent']: o['count'] for o in d['octaves']}, octaves)
        self.assertEqual((d['zeros'], d['not_finite'], d['codes']), (2, 2, None))
        self.assertEqual((d['least'], d['most']), (min(finite), max(finite)))
        mean = sum(finite) / len(finite)
        self.assertAlmostEqual(d['mean'], mean)
        self.assertAlmostEqual(d['deviation'], math.sqrt(sum((w - mean) ** 2 for w in finite) / len(finite)))
        out, _ = self.lsq('info', 'a.safetensors', '-t', 'w')
        self.assertRegex(out, r'(?m)^below 2\^-\d+ +1 ')
        self.assertNotIn('other', out)
        self.assertTrue(all(len(line) <= 80 for line in out.splitlines()))

    def test_codes(self):
        """As many as there are weights; each one's count is that of a number in the decoded tensor if there is one scale."""
        safetensors(self.path('a.safetensors'), {'w': normal(70, 96)})
        for codec, bits in (('b1.tensor', 1), ('s3.tensor', 3), ('c4.tensor', 4), ('s8.tensor', 8), ('t3', 3)):
            self.lsq('compress', '-q', '-f', 'a.safetensors', '-o', 'a.lsq', '-c', codec)
            d = self.json('info', 'a.lsq', '-t', 'w')['distribution']
            self.assertEqual((len(d['codes']), sum(d['codes'])), (1 << bits, 70 * 96), codec)
            shares = [n / (70 * 96) for n in d['codes'] if n]
            self.assertAlmostEqual(d['entropy_bits'], -sum(p * math.log2(p) for p in shares))
            out, _ = self.lsq('info', 'a.lsq', '-t', 'w')
            self.assertTrue(all(len(line) <= 80 for line in out.splitlines()))
            bars = [line.split() for line in out.split('\n\n')[2].splitlines()[1:]]
            self.assertEqual(len(bars), min(1 << bits, 32))
            if 'tensor' in codec:
                self.lsq('decode', '-q', '-f', 'a.lsq', '-o', 'b.safetensors')
                decoded = floats(read_safetensors(self.path('b.safetensors'))[0]['w'][2])
                values = collections.Counter((v, math.copysign(1, v)) for v in decoded)  # c codes have two zeros
                counts = [values[v] for v in sorted(values)]
                self.assertEqual(sorted(counts), sorted(n for n in d['codes'] if n), codec)
                if bits < 6: # in the order of what they stand for, whichever way round the scale makes it
                    drawn = [int(bar[1]) for bar in bars if int(bar[1])]
                    self.assertIn(drawn, (counts, counts[::-1]))

    def test_empty_and_unknown(self):
        safetensors(self.path('a.safetensors'), {'none': ('F32', (0, 4), b''), 'one': ('I32', (), b'\1\0\0\0')})
        self.assertEqual(self.json('info', 'a.safetensors', '-t', 'none')['distribution']['octaves'], [])
        self.assertEqual(self.json('info', 'a.safetensors', '-t', 'one')['distribution']['octaves'], [{'exponent': 0, 'count': 1}])
        self.lsq('info', 'a.safetensors', '-t', 'none')
        self.error('info', 'a.safetensors', '-t', 'two', code=USAGE)


class Digest(Case):
    def test_sha256(self):
        self.write('a.npy', b'\x93NUMPY\1\0v\0' + b"{'descr': '<f4', 'fortran_order': False, 'shape': (700000,)}".ljust(117) + b'\n' + bytes(2800000))
        process = self.start('info', '--sha256', 'a.npy', '--json', stdout=-1, stderr=-1)
        out, err = process.communicate()
        if process.returncode == UNSUPPORTED and b'nettle' in err:
            self.skipTest('built without nettle')
        with open(self.path('a.npy'), 'rb') as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        self.assertIn(f'"sha256": "{digest}"', out.decode())
        self.assertTrue(self.lsq('info', '-s', 'a.npy')[0].endswith(f'\nsha256: {digest}\n'))


if __name__ == '__main__':
    unittest.main()
