"""lsq compress --calibration: what it changes, and files that do not fit."""

import array
import struct
import unittest

from command import IO, MALFORMED, UNSUPPORTED, USAGE, Case, normal, safetensors

K = 64


def inputs(count, columns=K):
    """Inputs whose columns follow one another."""
    _, _, data = normal(count, columns, seed=5, sigma=1)
    x = array.array('f', data)
    for i in range(len(x)):
        if i % columns:
            x[i] = 0.95 * x[i - 1] + 0.3 * x[i]
    return 'F32', (count, columns), x.tobytes()


def numbers(*values):
    return 'F32', (len(values),), array.array('f', values).tobytes()


class Calibration(Case):
    def setUp(self):
        super().setUp()
        safetensors(self.path('m.safetensors'), {'a': normal(32, K), 'b': normal(32, K, seed=2)})

    def compress(self, *more, out='out.lsq', **options):
        return self.json('compress', 'm.safetensors', '-c', 's3', '-f', '-o', out, *more, **options)

    def calibration(self, tensors):
        safetensors(self.path('c.safetensors'), tensors)
        return '--calibration', 'c.safetensors'

    def test_products_gain_and_others_stay(self):
        importance = self.calibration({'a': numbers(*[1 + i % 7 for i in range(K)])})
        weighted = self.compress(*importance)
        self.compress(out='plain.lsq')
        fed = self.compress(*self.calibration({'a': inputs(200)}), out='fed.lsq')
        self.assertEqual(fed['totals']['calibrated'], 1)
        for document in weighted, fed:
            a, b = document['tensors']
            self.assertIsNone(b['product_snr_db'])
            self.assertGreater(a['product_snr_db'], a['snr_db'])
        self.assertGreater(fed['tensors'][0]['product_snr_db'], weighted['tensors'][0]['product_snr_db'] + 2)
        for document in 'plain.lsq', 'fed.lsq':
            self.lsq('decode', document, '-o', document + '.safetensors')
        plain, changed = (self.read(d + '.safetensors') for d in ('plain.lsq', 'fed.lsq'))
        half = 32 * K * 4
        self.assertEqual(plain[-half:], changed[-half:])
        self.assertNotEqual(plain[-2 * half:-half], changed[-2 * half:-half])

    def test_report(self):
        out, _ = self.lsq('compress', 'm.safetensors', '-o', 'out.lsq', *self.calibration({'a': inputs(9)}))
        self.assertIn('of products', out)
        self.assertIn('1 of them calibrated by c.safetensors', out)
        out, _ = self.lsq('compress', 'm.safetensors', '-f', '-o', 'out.lsq')
        self.assertNotIn('of products', out)

    def test_few_inputs_or_none_that_matter(self):
        for x in inputs(1), ('F32', (3, K), bytes(3 * K * 4)), numbers(*[0] * K):
            self.compress(*self.calibration({'a': x, 'b': x}))

    def test_what_does_not_fit(self):
        odd = (numbers(1, 2), inputs(3, K - 1), ('F32', (0, K), b''), ('F32', (1, 1, K), bytes(4 * K)), ('F32', (), bytes(4)),
               ('I32', (K,), bytes(4 * K)))
        for entry in odd:
            error = self.error('compress', 'm.safetensors', '-o', 'out.lsq', *self.calibration({'b': entry}), code=USAGE)
            for word in 'c.safetensors', 'calibration for b', f'{K} importance factors':
                self.assertIn(word, error['message'])
            self.assertEqual(self.listing(), ['c.safetensors', 'm.safetensors'])

    def test_numbers_that_cannot_be(self):
        for bad in -1, float('nan'), float('inf'), 1e30:
            entry = numbers(*[1] * (K - 1), bad)
            error = self.error('compress', 'm.safetensors', '-o', 'out.lsq', *self.calibration({'b': entry}), code=MALFORMED)
            self.assertIn(f'c.safetensors: calibration for b: number {K - 1}', error['message'])
            self.assertEqual(self.listing(), ['c.safetensors', 'm.safetensors'])
        entry = 'F32', (2, K), struct.pack('<f', float('nan')) * 2 * K
        self.error('compress', 'm.safetensors', '-o', 'out.lsq', *self.calibration({'b': entry}), code=MALFORMED)

    def test_strangers(self):
        document = self.compress(*self.calibration({'z': inputs(3)}))
        self.assertIn('there is no tensor z', document['warnings'][0])
        self.assertEqual(document['totals']['calibrated'], 0)

    def test_files_that_are_none(self):
        self.error('compress', 'm.safetensors', '-o', 'out.lsq', '--calibration', 'nowhere', code=IO)
        self.write('c', b'not a model')
        self.error('compress', 'm.safetensors', '-o', 'out.lsq', '--calibration', 'c', code=UNSUPPORTED)
        self.calibration({'a': inputs(9)})
        self.write('c.safetensors', self.read('c.safetensors')[:-5])
        self.error('compress', 'm.safetensors', '-o', 'out.lsq', '--calibration', 'c.safetensors', code=MALFORMED)
        self.assertNotIn('out.lsq', self.listing())

    def test_npy(self):
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': (9, {K}), }}"
        header += ' ' * (-(len(header) + 11) % 64) + '\n'
        self.write('c.npy', b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode() + inputs(9)[2])
        error = self.error('compress', 'm.safetensors', '-o', 'out.lsq', '--calibration', 'c.npy', code=USAGE)
        self.assertIn('a model of one tensor', error['message'])
        safetensors(self.path('one.safetensors'), {'a': normal(32, K)})
        document = self.json('compress', 'one.safetensors', '-o', 'out.lsq', '--calibration', 'c.npy')
        self.assertEqual(document['totals']['calibrated'], 1)


if __name__ == '__main__':
    unittest.main()
