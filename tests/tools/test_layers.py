"""lsq verify --layers: groups, sums, limits, and the published metric beside what tells more."""

import array
import math
import os
import random
import unittest

from command import CHECK, FIXTURE, USAGE, WRAPPER, Case, floats, normal, read_safetensors, safetensors


def heavy(rows, columns):
    """Numbers of which a few are very large, as in a network whose weights have outliers."""
    source = random.Random(7)
    numbers = array.array('f', (source.gauss(0, 0.01) for _ in range(rows * columns)))
    for i in range(0, len(numbers), 4001):
        numbers[i] = 3 if i % 2 else -3
    return 'F32', (rows, columns), numbers.tobytes()


class Layers(Case):
    def setUp(self):
        super().setUp()
        self.tensors = {'model.embed.weight': normal(96, 64)}
        for i in (0, 1, 2, 10):
            self.tensors[f'model.layers.{i}.fc.weight'] = normal(64, 64, seed=i)
            self.tensors[f'model.layers.{i}.proj.weight'] = normal(48, 64, seed=20 + i, sigma=0.1)
            self.tensors[f'model.layers.{i}.norm'] = normal(64, seed=40 + i)
        safetensors(self.path('in.safetensors'), self.tensors)
        self.lsq('compress', '-q', 'in.safetensors', '-o', 'a.lsq', '-c', 't4')

    def layers(self, *args, **options):
        document = self.json('verify', '--layers', *args, **options)
        self.assertEqual(document['schema'], 'lsq.verify/1')
        return {layer['name']: layer for layer in document['layers']}, document

    def against(self, *args, **options):
        return self.layers('a.lsq', '--against', 'in.safetensors', *args, **options)

    def plant(self):
        """A file whose layer 2 has been quantised to 1 bit, the others to 6."""
        self.lsq('compress', '-q', 'in.safetensors', '-f', '-o', 'a.lsq', '-c', 't6', '-r', r'layers\.2\.proj=t1')


class Grouping(Layers):
    NAMES = {'model.layers.12.attn.weight': 'model.layers.12', 'model.layers.12': 'model.layers.12', 'h.0.mlp.1.w': 'h.0',
             'gpt2.h.3.w': 'gpt2.h.3', 'model/block_3/w': 'model/block_3', 'conv1.weight': 'conv1', 'norm.weight': 'other',
             'w': 'other', '7': '7', 'a..b1x': 'other', 'layers.1/2': 'layers.1'}

    def test_names(self):
        tensors = {name: normal(4, seed=i) for i, name in enumerate(self.NAMES)}
        safetensors(self.path('names.safetensors'), tensors)
        found, document = self.layers('names.safetensors')
        expected = {}
        for layer in self.NAMES.values():
            expected[layer] = expected.get(layer, 0) + 1
        self.assertEqual({name: layer['tensors'] for name, layer in found.items()}, expected)
        self.assertEqual(list(found), list(dict.fromkeys(self.NAMES.values())))
        self.assertEqual(document['totals']['tensors'], len(self.NAMES))

    def test_sums(self):
        found, document = self.against()
        info = {t['name']: t for t in self.json('info', 'a.lsq')['tensors']}
        self.assertEqual(list(found), ['other', *(f'model.layers.{i}' for i in (0, 1, 2, 10))])
        for name, layer in found.items():
            mine = [t for t in info.values() if t['name'].startswith(name + '.') or name == 'other' and 'embed' in t['name']]
            self.assertEqual(layer['tensors'], len(mine))
            self.assertEqual(layer['weights'], sum(t['elements'] for t in mine))
            self.assertEqual(layer['bytes'], sum(t['bytes'] for t in mine))
            self.assertAlmostEqual(layer['bits_per_weight'], 8 * layer['bytes'] / layer['weights'])
            self.assertEqual((layer['source_dtype'], layer['source_bytes']), ('F32', 4 * layer['weights']))
            self.assertAlmostEqual(layer['ratio'], layer['source_bytes'] / layer['bytes'])
        self.assertEqual(document['totals']['weights'], sum(layer['weights'] for layer in found.values()))
        self.assertGreater(document['peak_resident_bytes'], 1 << 20)

    def test_qualities(self):
        """All of them again, from the decoded file; the product within what rounding of activations adds."""
        self.lsq('decode', 'a.lsq', '-o', 'out.safetensors')
        decoded = read_safetensors(self.path('out.safetensors'))[0]
        found, document = self.against()
        per_tensor = {t['name']: t for t in document['tensors']}
        for i in (0, 10):
            names = [f'model.layers.{i}.{kind}.weight' for kind in ('fc', 'proj')]
            signal = noise = published = 0
            for name in names:
                w, v = floats(self.tensors[name][2]), floats(decoded[name][2])
                errors = [a - b for a, b in zip(w, v, strict=True)]
                signal += sum(a * a for a in w)
                noise += sum(e * e for e in errors)
                each = 100 * sum(map(abs, errors)) / len(w) / (max(w) - min(w))
                self.assertAlmostEqual(per_tensor[name]['mae_over_range_percent'], each)
                published += each / 2
            layer = found[f'model.layers.{i}']
            self.assertAlmostEqual(layer['snr_db'], 10 * math.log10(signal / noise))
            self.assertAlmostEqual(layer['published']['percent'], published)
            losses = [100 * per_tensor[name]['product_relative_error'] for name in names]
            self.assertTrue(min(losses) <= layer['output_error_percent'] <= max(losses))
            self.assertAlmostEqual(layer['output_error_percent'] / (100 * 10 ** (-layer['snr_db'] / 20)), 1, delta=0.3)

    def test_types(self):
        data = normal(64, 64)[2]
        half = b''.join(data[i + 2:i + 4] for i in range(0, len(data), 4))  # BF16 by truncation
        safetensors(self.path('in.safetensors'), {'l.0.w': ('BF16', (64, 64), half), 'l.1.w': ('BF16', (64, 64), half),
                                                  'l.1.n': normal(64)})
        self.lsq('compress', '-q', 'in.safetensors', '-f', '-o', 'a.lsq', '-c', 's4')
        found, document = self.against()
        self.assertEqual((found['l.0']['source_dtype'], found['l.0']['source_bytes']), ('BF16', 2 * 4096))
        self.assertEqual((found['l.1']['source_dtype'], found['l.1']['source_bytes']), ('mixed', 2 * 4096 + 4 * 64))
        self.assertEqual(document['totals']['source_dtype'], 'mixed')


class Limits(Layers):
    def test_all_pass(self):
        found, document = self.against('--min-snr', '20', '--max-loss', '10')
        self.assertTrue(document['ok'] and all(layer['ok'] for layer in found.values()))
        self.assertEqual((document['min_snr_db'], document['max_loss_percent'], document['wrong_layers']), (20, 10, 0))

    def test_planted_layer(self):
        self.plant()
        for limit, wrong in ((['--min-snr', '15'], 'SNR below --min-snr'), (['--max-loss', '15'], 'output error above --max-loss')):
            found, document = self.against(*limit, code=CHECK)
            self.assertFalse(document['ok'] or document['totals']['ok'])
            self.assertEqual({name: layer['wrong'] for name, layer in found.items() if not layer['ok']}, {'model.layers.2': wrong})
            out, err = self.lsq('verify', '-l', 'a.lsq', '-a', 'in.safetensors', *limit, code=CHECK)
            self.assertRegex(out, r'(?m)^model\.layers\.2 .* fails$')
            self.assertRegex(out, r'(?m)^model\.layers\.10 .* ok$')
            self.assertRegex(out, r'(?m)^all .* fails$')
            self.assertEqual(err, f'lsq verify: layer model.layers.2: {wrong}\nlsq verify: 1 of 5 layers fail\n')
        self.assertTrue(self.against('--min-snr', '4', '--max-loss', '60')[1]['ok'])

    def test_limits_of_tensors(self):
        """Without --layers each tensor must keep them."""
        self.plant()
        for limit in (['--min-snr', '15'], ['--max-loss', '15']):
            document = self.json('verify', 'a.lsq', '--against', 'in.safetensors', *limit, code=CHECK)
            self.assertNotIn('layers', document)
            self.assertEqual([t['name'] for t in document['tensors'] if not t['ok']], ['model.layers.2.proj.weight'])

    def test_broken_tensors_fail_their_layer(self):
        other = dict(self.tensors, **{'model.layers.1.norm': normal(64, seed=99), 'model.layers.3.norm': normal(64)})
        safetensors(self.path('in.safetensors'), other)
        found, document = self.against(code=CHECK)
        self.assertEqual([name for name, layer in found.items() if not layer['ok']], ['model.layers.1', 'model.layers.3'])
        self.assertEqual((found['model.layers.3']['tensors'], document['wrong']), (0, 2))
        data = bytearray(self.read('a.lsq'))
        data[70] ^= 1
        self.write('flipped.lsq', data)
        found, _ = self.layers('flipped.lsq', code=CHECK)
        self.assertEqual([name for name, layer in found.items() if not layer['ok']], ['other'])

    def test_usage(self):
        for args in (['--max-loss', '1'], ['--layers', '--min-snr', '1'],
                     *(['--against', FIXTURE, '--max-loss', n] for n in ('-1', 'nan', 'inf', 'much', '', '1%'))):
            self.assertEqual(self.error('verify', FIXTURE, *args, code=USAGE)['error'], 'usage', args)


class Published(Layers):
    def test_grades_mislead(self):
        """One weight in 4001 is 300 times as large as the others, and 1 bit is left: EXCELLENT, and nothing is."""
        safetensors(self.path('in.safetensors'), {'layers.0.w': heavy(64, 512), 'layers.1.w': normal(64, 512)})
        self.lsq('compress', '-q', 'in.safetensors', '-f', '-o', 'a.lsq', '-c', 't1')
        found, _ = self.against()
        layer = found['layers.0']
        self.assertEqual(layer['published']['grade'], 'EXCELLENT')
        self.assertLess(layer['published']['percent'], 0.5)
        self.assertIn('mean |error| / (max - min)', layer['published']['metric'])
        self.assertLess(layer['snr_db'], 5)
        self.assertGreater(layer['output_error_percent'], 50)
        self.assertNotEqual(found['layers.1']['published']['grade'], 'EXCELLENT')
        self.assertGreater(found['layers.1']['snr_db'], layer['snr_db'])
        out, _ = self.lsq('verify', '-l', 'a.lsq', '-a', 'in.safetensors')
        self.assertRegex(out, r'MAE/range %  published grade')
        self.assertRegex(out, r'(?m)^layers\.0 .* EXCELLENT')

    def test_itself(self):
        found, document = self.layers('a.lsq', '--against', 'a.lsq', '--min-snr', '100')
        for layer in [*found.values(), document['totals']]:
            self.assertTrue(layer['exact'] and layer['ok'])
            self.assertEqual((layer['snr_db'], layer['published']['percent']), (None, 0))
            self.assertLess(layer['output_error_percent'], 2)  # what rounding of activations to 8 bits costs
        out, _ = self.lsq('verify', '-l', 'a.lsq', '-a', 'a.lsq')
        self.assertRegex(out, r'(?m)^model\.layers\.0 .* exact .* EXCELLENT +ok$')

    def test_without_an_original(self):
        found, document = self.layers('a.lsq')
        self.assertEqual((len(found), document['ok']), (5, True))
        self.assertNotIn('snr_db', document['totals'])
        out, _ = self.lsq('verify', '-l', 'a.lsq')
        self.assertIn('largest resident memory', out)
        self.assertEqual(self.lsq('verify', '-lq', 'a.lsq'), ('', ''))


class Memory(Layers):
    @unittest.skipIf(WRAPPER, 'an emulator has memory of its own')
    def test_one_tensor_at_a_time(self):
        """Sixteen tensors of 1 MiB of numbers take no more than one, but for the pages of the two files."""
        peaks, no_quarantine = [], os.environ.get('ASAN_OPTIONS', '') + ':quarantine_size_mb=0'
        for count in (1, 16):
            names = [f'layers.{i}.w' for i in range(count)]
            w = ('F32', (512, 512), normal(4, 512)[2] * 128)
            safetensors(self.path('in.safetensors'), {name: w for name in names})
            self.lsq('compress', '-q', 'in.safetensors', '-f', '-o', 'a.lsq', '-c', 's4')
            size = sum(os.path.getsize(self.path(n)) for n in ('in.safetensors', 'a.lsq'))
            peaks.append(self.against(env={'ASAN_OPTIONS': no_quarantine})[1]['peak_resident_bytes'] - size)
        self.assertLess(peaks[1] - peaks[0], 4 << 20)


if __name__ == '__main__':
    unittest.main()
