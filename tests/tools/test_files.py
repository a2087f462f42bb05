"""What compress, info, verify and decode make of models."""

import math
import struct
import unittest

from command import CHECK, FIXTURE, Case, floats, normal, read_safetensors, safetensors, without_curve

CODECS = ('c3', 'c9.row', 's2', 's4', 's9.tensor', 't1', 't4', 't6.st64.nib32', 'b1')


def snr(original, decoded):
    signal = sum(w * w for w in original)
    noise = sum((w - v) ** 2 for w, v in zip(original, decoded))
    return 10 * math.log10(signal / noise)


class RoundTrips(Case):
    def test_fixture(self):
        originals, metadata = read_safetensors(FIXTURE)
        for codec in ('s4', 't4'):
            report = self.json('compress', FIXTURE, '-o', f'{codec}.lsq', '-c', codec)
            self.lsq('decode', f'{codec}.lsq', '-o', f'{codec}.safetensors')
            decoded, kept_metadata = read_safetensors(self.path(f'{codec}.safetensors'))
            self.assertEqual(kept_metadata, metadata)
            self.assertEqual(decoded.keys(), originals.keys())
            for tensor in report['tensors']:
                name = tensor['name']
                self.assertEqual(decoded[name][:2], originals[name][:2])
                if not tensor['quantised']:
                    self.assertEqual(decoded[name], originals[name])
                    continue
                measured = snr(floats(originals[name][2]), floats(decoded[name][2]))
                self.assertAlmostEqual(measured, tensor['snr_db'], places=6)
                self.assertGreater(measured, 20)

    def test_every_kind_of_codec(self):
        safetensors(self.path('in.safetensors'), {'w': normal(40, 96), 'b': normal(40)})
        for codec in CODECS:
            report = self.json('compress', 'in.safetensors', '-o', f'{codec}.lsq', '-c', codec)
            info = self.json('info', f'{codec}.lsq')
            self.assertEqual(info['format'], 'lsq2')
            written = {t['name']: t for t in report['tensors']}['w']
            read = {t['name']: t for t in info['tensors']}['w']
            self.assertEqual(read['codec'] if '.curve' in codec else without_curve(read['codec']), codec)
            self.assertEqual((read['dtype'], read['shape'], read['rows'], read['columns']), ('F32', [40, 96], 40, 96))
            self.assertEqual(read['bits_per_weight'], read['bytes'] * 8 / (40 * 96))
            self.assertEqual(read['format']['code_bits'], int(codec[1]))
            check = self.json('verify', f'{codec}.lsq', '--against', 'in.safetensors')
            found = {t['name']: t for t in check['tensors']}['w']
            self.assertAlmostEqual(found['snr_db'], written['snr_db'])
            self.assertAlmostEqual(found['rmse'], written['rmse'])
            self.assertEqual(found['max_error'], written['max_error'])
            # y = W x has about the noise of W, and that of rounding x to 8 bits.
            expected = 10 ** (-found['snr_db'] / 20)
            self.assertLess(found['product_relative_error'], 2 * expected + 0.02)
            self.assertGreater(found['product_relative_error'], expected / 3)

    def test_qualifiers_are_the_same_as_options(self):
        safetensors(self.path('in.safetensors'), {'w': normal(40, 96)})
        self.lsq('compress', 'in.safetensors', '-o', 'a.lsq', '-c', 't3.nib32.st8')
        self.lsq('compress', 'in.safetensors', '-o', 'b.lsq', '-c', 't3', '--scale', 'nib32', '--states', '8')
        self.assertEqual(self.read('a.lsq'), self.read('b.lsq'))

    def test_rounding(self):
        safetensors(self.path('in.safetensors'), {'w': normal(40, 96)})
        values = {how: self.json('compress', 'in.safetensors', '-o', f'{how}.lsq', '-c', 'c4', '--rounding', how)
                  ['totals']['snr_db'] for how in ('published', 'nearest')}
        self.assertGreater(values['nearest'], values['published'])

    def test_outliers(self):
        dtype, shape, data = normal(48, 200)
        heavy = [w * (8 if i % 150 == 7 else 1) for i, w in enumerate(floats(data))]
        safetensors(self.path('in.safetensors'), {'w': (dtype, shape, struct.pack(f'<{len(heavy)}f', *heavy))})
        plain = self.json('compress', 'in.safetensors', '-o', 'plain.lsq', '-c', 't4.nib32')['tensors'][0]
        some = self.json('compress', 'in.safetensors', '-o', 'some.lsq', '-c', 't4.nib32', '--outliers', '0.01')
        tensor = some['tensors'][0]
        self.assertEqual((plain['outliers'], plain['outlier_bytes']), (0, 0))
        self.assertTrue(0 < tensor['outliers'] <= 96)
        self.assertEqual(tensor['bytes'], plain['bytes'] + tensor['outlier_bytes'])
        self.assertGreater(tensor['snr_db'], plain['snr_db'] + 1)
        info = self.json('info', 'some.lsq')
        self.assertEqual(info['totals']['bytes'], tensor['bytes'])
        for key in ('outliers', 'outlier_bytes', 'bytes', 'bits_per_weight'):
            self.assertEqual(info['tensors'][0][key], tensor[key])
        self.assertIn(' % outliers', self.lsq('info', '-v', 'some.lsq')[0])
        check = self.json('verify', 'some.lsq', '--against', 'in.safetensors')['tensors'][0]
        self.assertAlmostEqual(check['snr_db'], tensor['snr_db'])
        self.assertLess(check['product_relative_error'], 0.1)
        self.lsq('decode', 'some.lsq', '-o', 'out.safetensors')
        decoded = read_safetensors(self.path('out.safetensors'))[0]['w'][2]
        self.assertAlmostEqual(snr(heavy, floats(decoded)), tensor['snr_db'], places=6)
        self.lsq('compress', 'some.lsq', '-o', 'copy.lsq', '-c', 't4.nib32')
        self.assertEqual(self.read('copy.lsq'), self.read('some.lsq'))

    def test_same_input_same_bytes(self):
        self.lsq('compress', FIXTURE, '-o', 'a.lsq')
        self.lsq('compress', FIXTURE, '-o', 'b.lsq', env={'LSQ_MAX_ISA': 'scalar', 'LC_ALL': 'de_DE.UTF-8'})
        self.assertEqual(self.read('a.lsq'), self.read('b.lsq'))

    def test_npy(self):
        _, shape, data = normal(48, 64)
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (48, 64), }"
        header += b' ' * (-(len(header) + 11) % 64) + b'\n'
        self.write('in.npy', b'\x93NUMPY\1\0' + struct.pack('<H', len(header)) + header + data)
        report = self.json('compress', 'in.npy', '-o', 'a.lsq', '-c', 's6')
        self.assertEqual(report['input_format'], 'npy')
        self.lsq('decode', 'a.lsq', '-o', 'out.npy')
        out = self.read('out.npy')
        self.assertEqual(out[:6], b'\x93NUMPY')
        self.assertIn(b'(48, 64)', out)
        self.assertAlmostEqual(snr(floats(data), floats(out[-len(data):])), report['tensors'][0]['snr_db'], places=6)

    def test_onnx(self):
        """A weight of MatMul, 48 inputs x 64 outputs, in a file beside the model."""
        def field(number, value):
            return bytes([number << 3 | 2, len(value) & 127 | 128, len(value) >> 7]) + value

        _, _, data = normal(48, 64)
        pairs = [field(13, field(1, b'location') + field(2, b'weights')), field(13, field(1, b'offset') + field(2, b'5'))]
        tensor = b'\x08\x30\x08\x40\x10\x01' + field(8, b'w') + b''.join(pairs) + b'\x70\x01'
        self.write('in.onnx', b'\x08\x08' + field(7, field(5, tensor)) + field(8, b'\x10\x11'))
        self.write('weights', b'other' + data)
        report = self.json('compress', 'in.onnx', '-o', 'a.lsq', '-c', 's6', '--output-axis', 'last')
        self.assertEqual(report['input_format'], 'onnx')
        self.assertEqual((report['tensors'][0]['rows'], report['tensors'][0]['columns']), (64, 48))
        self.lsq('decode', 'a.lsq', '-o', 'out.npy')
        out = self.read('out.npy')
        self.assertIn(b'(48, 64)', out)
        self.assertAlmostEqual(snr(floats(data), floats(out[-len(data):])), report['tensors'][0]['snr_db'], places=6)

    def test_one_tensor_of_many(self):
        self.lsq('compress', FIXTURE, '-o', 'a.lsq', '-c', 's4')
        self.lsq('decode', 'a.lsq', '-t', 'use.layer1.ffn.norm.bias', '-o', 'out.npy')
        expected = read_safetensors(FIXTURE)[0]['use.layer1.ffn.norm.bias'][2]
        self.assertTrue(self.read('out.npy').endswith(expected))


class WhatIsKept(Case):
    def kept(self, *args):
        report = self.json('compress', 'in.safetensors', '-o', 'out.lsq', *args)
        return {t['name']: t.get('kept') for t in report['tensors']}, report

    def test_reasons(self):
        dtype, shape, data = normal(32, 64)
        safetensors(self.path('in.safetensors'), {
            'weight': (dtype, shape, data),
            'bias': normal(32),
            'count': ('I64', (2, 16), bytes(256)),
            'empty': ('F32', (0, 3), b''),
            'mask': ('F32', (32, 64), struct.pack('<f', -math.inf) + data[4:]),
            'one': ('F32', (), bytes(4)),
            'small': normal(2, 2),
        }, {'made by': 'hand'})
        kept, report = self.kept()
        self.assertEqual(kept, {
            'weight': None, 'bias': 'fewer than two dimensions', 'count': 'not floating point', 'empty': 'empty',
            'mask': 'holds a NaN or an infinity', 'one': 'fewer than two dimensions',
            'small': 'packing would not make it smaller'})
        self.assertEqual(len(report['warnings']), 1)
        self.assertIn('mask', report['warnings'][0])
        self.lsq('decode', 'out.lsq', '-o', 'out.safetensors')
        before, after = read_safetensors(self.path('in.safetensors')), read_safetensors(self.path('out.safetensors'))
        self.assertEqual(after[1], {'made by': 'hand'})
        for name in kept:
            if kept[name]:
                self.assertEqual(after[0][name], before[0][name])
        out, err = self.lsq('compress', 'in.safetensors', '-o', 'again.lsq')
        for name, reason in kept.items():
            if reason:
                self.assertRegex(out, rf'(?m)^{name} .*{reason}$')
        self.assertIn('warning', err)

    def test_shorter_types(self):
        data = b''.join(struct.pack('<f', w)[2:] for w in floats(normal(64, 64)[2]))  # BF16 by truncation
        safetensors(self.path('in.safetensors'), {'w': ('BF16', (64, 64), data)})
        self.assertEqual(self.kept('-c', 's4')[0], {'w': None})
        self.assertEqual(self.json('info', 'out.lsq')['tensors'][0]['dtype'], 'BF16')
        check = self.json('verify', 'out.lsq', '--against', 'in.safetensors', '--min-snr', '20')
        self.assertTrue(check['ok'])

    def test_zeros_are_exact(self):
        safetensors(self.path('in.safetensors'), {'w': ('F32', (32, 64), bytes(8192))})
        tensor = self.kept()[1]['tensors'][0]
        self.assertEqual((tensor['exact'], tensor['snr_db'], tensor['rmse']), (True, None, 0))
        self.assertTrue(self.json('verify', 'out.lsq', '--against', 'in.safetensors', '--min-snr', '100')['ok'])


class Views(Case):
    def view(self, *shape, options=()):
        safetensors(self.path('in.safetensors'), {'w': normal(*shape)})
        report = self.json('compress', 'in.safetensors', '-f', '-o', 'out.lsq', '-c', 's4', *options)
        check = self.json('verify', 'out.lsq', '--against', 'in.safetensors', '--min-snr', '18')
        self.assertIn('product_relative_error', check['tensors'][0])
        tensor = report['tensors'][0]
        return tensor['output_axis'], tensor['rows'], tensor['columns']

    def test_automatic(self):
        self.assertEqual(self.view(64, 32, 3, 3), (0, 64, 288))    # PyTorch
        self.assertEqual(self.view(3, 3, 32, 64), (3, 64, 288))    # TensorFlow
        self.assertEqual(self.view(3, 3, 1, 64), (3, 64, 9))
        self.assertEqual(self.view(3, 512), (0, 3, 512))           # the other way round would fit worse
        self.assertEqual(self.view(3, 64, 3, 3), (0, 3, 576))
        self.assertEqual(self.view(48, 64), (0, 48, 64))
        self.assertEqual(self.view(40, 50), (0, 40, 50))           # pads a little either way
        self.assertEqual(self.view(36, 5, 32), (0, 36, 160))       # the last axis would save a fifth: not enough
        self.assertEqual(self.view(1, 1, 48, 64), (3, 64, 48))

    def test_asked_for(self):
        self.assertEqual(self.view(48, 64, options=['--output-axis', 'last']), (1, 64, 48))
        self.assertEqual(self.view(3, 3, 32, 64, options=['--output-axis', 'first']), (0, 3, 6144))

    def test_decoding_restores_the_order(self):
        self.view(3, 3, 8, 64)
        self.lsq('decode', 'out.lsq', '-o', 'out.safetensors')
        before, after = (read_safetensors(self.path(n))[0]['w'] for n in ('in.safetensors', 'out.safetensors'))
        self.assertEqual(after[:2], before[:2])
        self.assertGreater(snr(floats(before[2]), floats(after[2])), 18)


class Again(Case):
    def test_same_format_is_a_copy(self):
        self.lsq('compress', FIXTURE, '-o', 'a.lsq', '-c', 's4')
        report = self.json('compress', 'a.lsq', '-o', 'b.lsq', '-c', 's4')
        self.assertEqual(self.read('a.lsq'), self.read('b.lsq'))
        self.assertEqual((report['totals']['quantised'], report['warnings']), (0, []))

    def test_another_format_warns(self):
        safetensors(self.path('in.safetensors'), {'w': normal(3, 3, 8, 64)})
        self.lsq('compress', 'in.safetensors', '-o', 'a.lsq', '-c', 's8')
        report = self.json('compress', 'a.lsq', '-o', 'b.lsq', '-c', 's4')
        self.assertEqual(report['tensors'][0]['output_axis'], 3)
        self.assertIn('s8', report['warnings'][0])
        _, err = self.lsq('compress', 'a.lsq', '-f', '-o', 'b.lsq', '-c', 's4')
        self.assertRegex(err, r'\Alsq compress: warning: w was quantised before, as s8')


class VersionOne(Case):
    GOLDEN = bytes.fromhex('4c53510104010000000900' '66632e776569676874' '02020000000300000004000000' '08a8ffa0' '02')

    def test_golden_file(self):
        weights = struct.pack('<6f', 0, .25, -.5, 1, -1, .75)
        safetensors(self.path('in.safetensors'), {'fc.weight': ('F32', (2, 3), weights), 'fc.bias': normal(2)})
        report = self.json('compress', 'in.safetensors', '-o', 'out.lsq', '--file-version', '1', '-c', 'c5')
        self.assertEqual(self.read('out.lsq'), self.GOLDEN)
        self.assertEqual(self.listing(), ['in.safetensors', 'out.lsq'])
        self.assertEqual((report['file_version'], report['totals']['left_out']), (1, 1))
        self.assertEqual({t['name']: t.get('left_out', False) for t in report['tensors']},
                         {'fc.weight': False, 'fc.bias': True})
        info = self.json('info', 'out.lsq')
        self.assertEqual((info['format'], info['tensors'][0]['codec'], info['tensors'][0]['bytes']),
                         ('lsq1', 'c5.none', 4))

    def test_read(self):
        self.write('old.lsq', self.GOLDEN)
        out, err = self.lsq('verify', 'old.lsq')
        self.assertIn('checksums', err)
        self.lsq('decode', 'old.lsq', '-o', 'out.npy')
        decoded = floats(self.read('out.npy')[-24:])
        for value, code in zip(decoded, (1, 2, 20, 15, 31, 8), strict=True):
            self.assertAlmostEqual(value, (-1) ** (code >> 4) * math.log2(code & 15) / 4, places=6)

    def test_count_that_is_too_large(self):
        self.write('empty.lsq', bytes.fromhex('4c5351010766000000'))
        info = self.json('info', 'empty.lsq')
        self.assertEqual(info['tensors'], [])
        self.assertEqual(len(info['warnings']), 1)


class Verification(Case):
    def setUp(self):
        super().setUp()
        safetensors(self.path('in.safetensors'), {'w': normal(32, 64), 'b': normal(32)})
        self.lsq('compress', 'in.safetensors', '-o', 'a.lsq', '-c', 's4')

    def test_least_snr(self):
        self.lsq('verify', 'a.lsq', '-a', 'in.safetensors', '-s', '15')
        out, err = self.lsq('verify', 'a.lsq', '-a', 'in.safetensors', '-s', '40', code=CHECK)
        self.assertRegex(out, r'(?m)^w .*SNR below --min-snr$')
        self.assertEqual(err, 'lsq verify: 1 of 2 tensors are not as they should be\n')

    def test_other_originals(self):
        w, b = normal(32, 64), normal(32)
        for tensors, wrong in (
            ({'w': w, 'b': normal(32, seed=2)}, {'b': 'differs from the original'}),
            ({'w': w, 'b': ('I32', (32,), b[2])}, {'b': 'the original has another type'}),
            ({'w': ('F32', (64, 32), w[2]), 'b': b}, {'w': 'the original has another shape'}),
            ({'w': w, 'c': b}, {'b': 'the original has no such tensor', 'c': 'missing'}),
        ):
            safetensors(self.path('other.safetensors'), tensors)
            document = self.json('verify', 'a.lsq', '--against', 'other.safetensors', code=CHECK)
            self.assertFalse(document['ok'])
            self.assertEqual({t['name']: t['wrong'] for t in document['tensors'] if not t['ok']}, wrong)

    def test_unrelated_weights_are_noticed(self):
        safetensors(self.path('other.safetensors'), {'w': normal(32, 64, seed=3), 'b': normal(32)})
        document = self.json('verify', 'a.lsq', '--against', 'other.safetensors')
        found = {t['name']: t for t in document['tensors']}['w']
        self.assertLess(found['snr_db'], 0)
        self.assertGreater(found['product_relative_error'], 1)


class Blocks(Case):
    """A .gguf file: its tensors are in blocks, and F32 wherever they go."""

    @staticmethod
    def gguf(tensors):
        """Blocks of Q8_0, 1/64 times a code: rows of so many codes."""
        infos, data = b'', b''
        for name, rows in tensors.items():
            data += b'\0' * (-len(data) % 32)
            shape = (len(rows[0]), len(rows)) if len(rows) > 1 else (len(rows[0]),)
            infos += struct.pack('<Q', len(name)) + name.encode() + struct.pack('<I', len(shape))
            infos += struct.pack(f'<{len(shape)}QIQ', *shape, 8, len(data))
            for row in rows:
                for i in range(0, len(row), 32):
                    data += struct.pack('<e32b', 1 / 64, *row[i:i + 32])
        head = b'GGUF' + struct.pack('<IQQ', 3, len(tensors), 0) + infos
        return head + b'\0' * (-len(head) % 32) + data

    def test_from_blocks_to_codes(self):
        weights = [[(r * 37 + c * 11) % 201 - 100 for c in range(128)] for r in range(48)]
        vector = [[c * 2 - 64 for c in range(64)]]
        self.write('in.gguf', self.gguf({'w': weights, 'v': vector}))
        info = self.json('info', 'in.gguf')
        self.assertEqual(info['format'], 'gguf')
        self.assertEqual([(t['name'], t['dtype'], t['shape'], t['blocks'], t['bytes']) for t in info['tensors']],
                         [('w', 'F32', [48, 128], 'Q8_0', 48 * 4 * 34), ('v', 'F32', [64], 'Q8_0', 2 * 34)])
        self.assertEqual(info['totals']['bytes'], (48 * 4 + 2) * 34)
        out, err = self.lsq('info', 'in.gguf')
        self.assertIn('Q8_0', out)
        self.assertIn('2 tensors are quantised already (Q8_0)', err)

        report = self.json('compress', 'in.gguf', '-o', 'out.lsq', '-c', 's4')
        found = {t['name']: t for t in report['tensors']}
        self.assertEqual((found['w']['quantised'], found['v']['quantised']), (True, False))
        self.assertEqual(found['v']['bytes'], 4 * 64)
        self.json('verify', 'out.lsq', '--against', 'in.gguf')
        self.json('verify', 'in.gguf', '--against', 'in.gguf')
        self.lsq('decode', 'in.gguf', '-o', 'out.safetensors')
        decoded, _ = read_safetensors(self.path('out.safetensors'))
        self.assertEqual(decoded['w'][:2], ('F32', [48, 128]))
        self.assertEqual(list(floats(decoded['w'][2])), [w / 64 for row in weights for w in row])
        self.json('verify', 'out.safetensors', '--against', 'in.gguf')

        for changed, where in ((weights, (47, 127)), (vector, (0, 63))):
            changed[where[0]][where[1]] ^= 1
            self.write('other.gguf', self.gguf({'w': weights, 'v': vector}))
            changed[where[0]][where[1]] ^= 1
            check = self.json('verify', 'other.gguf', '--against', 'in.gguf', code=CHECK)
            self.assertEqual([t.get('wrong') for t in check['tensors']].count('differs from the original'), 1)


if __name__ == '__main__':
    unittest.main()
