#!/usr/bin/env python3
"""Compressing within limits: memory, size of the file, error of products; and what is said of them."""

import os
import random
import re
import signal
import subprocess
import time
import unittest

from command import CHECK, SLOW, USAGE, Case, noise, normal, safetensors

MIB = 1 << 20
PUBLISHED = {'model_path', 'all_targets_achieved', 'ram_target_achieved', 'storage_target_achieved',
             'quality_target_achieved', 'compression_ratio', 'quality_loss', 'projected_ram_mb', 'projected_storage_gb'}
SUMMARY = {'average_compression_ratio', 'average_quality_loss_percent', 'total_weights_processed', 'outliers_preserved',
           'normal_weights_quantized', 'layers_compressed', 'max_ram_usage_mb'}
TARGETS = {'projected_ram_mb', 'ram_target_achieved', 'projected_storage_gb', 'storage_target_achieved',
           'both_targets_achieved'}


class Published(Case):
    """The names of Loop Singular Bit, with figures that are so."""

    def setUp(self):
        super().setUp()
        safetensors(self.path('m.safetensors'), {'a': normal(256, 512), 'b': normal(300, 256, seed=2), 'c': normal(64)})

    def test_names_and_figures(self):
        d = self.json('compress', 'm.safetensors', '-o', 'm.lsq', '-c', 'b1', '--outliers', '0.02')
        self.assertLessEqual(PUBLISHED, set(d))
        self.assertEqual((SUMMARY, TARGETS), (set(d['compression_summary']), set(d['target_projections'])))
        sizes = [os.stat(self.path(name)).st_size for name in ('m.safetensors', 'm.lsq')]
        self.assertAlmostEqual(d['compression_ratio'], sizes[0] / sizes[1], places=9)
        self.assertAlmostEqual(d['projected_storage_gb'], sizes[1] / 2**30, places=12)
        summary = d['compression_summary']
        weights = 256 * 512 + 300 * 256
        outliers = 256 * 512 // 50 + 300 * 256 // 50
        self.assertEqual(summary['total_weights_processed'], weights)
        self.assertEqual(summary['normal_weights_quantized'], weights - summary['outliers_preserved'])
        self.assertLessEqual(abs(summary['outliers_preserved'] - outliers), 0.01 * outliers)
        self.assertTrue(d['all_targets_achieved'])  # none was asked for

    def test_share_of_outliers_tells(self):
        sizes, snrs = [], []
        for share in (0, 0.01, 0.02, 0.05, 0.1):
            d = self.json('compress', 'm.safetensors', '-fo', 'm.lsq', '-c', 'b1', '--outliers', str(share))
            sizes.append(d['totals']['file_bytes'])
            snrs.append(d['totals']['snr_db'])
        self.assertEqual(sizes, sorted(sizes))
        self.assertEqual(snrs, sorted(snrs))
        # With outliers in half precision they would be 5.38, 6.34 and 7.66 dB; these take half the bits or less.
        for got, expected in zip(snrs, (4.40, 4.98, 5.32, 6.17, 7.37)):
            self.assertAlmostEqual(got, expected, delta=0.1)

    def test_little_is_said_to_be_little(self):
        out, err = self.lsq('compress', 'm.safetensors', '-o', 'm.lsq', '-c', 'b1')
        self.assertIn('t4', err)
        self.assertIn('lost', err)
        self.assertIn('relative output error', out)
        self.lsq('compress', 'm.safetensors', '-fo', 'm.lsq', '-c', 't4')  # no warning, which lsq() looks for

    def test_output_error_is_that_of_products(self):
        d = self.json('compress', 'm.safetensors', '-o', 'm.lsq', '-c', 't4')
        self.assertAlmostEqual(d['quality_loss'], 100 * 10 ** (-d['totals']['snr_db'] / 20), delta=0.15 * d['quality_loss'])


class Limits(Case):
    def setUp(self):
        super().setUp()
        safetensors(self.path('m.safetensors'), {'a': normal(256, 512), 'b': normal(300, 256, seed=2), 'c': normal(64)})

    def test_size_is_known_before(self):
        bytes_needed = self.json('compress', 'm.safetensors', '-o', 'm.lsq')['totals']['file_bytes']
        os.unlink(self.path('m.lsq'))
        _, err = self.lsq('compress', 'm.safetensors', '-o', 'm.lsq', '--storage-limit', str(bytes_needed - 1), code=CHECK)
        self.assertIn(str(bytes_needed - 1), err)
        d = self.json('compress', 'm.safetensors', '-o', 'm.lsq', '--storage-limit', str(bytes_needed - 1), code=CHECK)
        self.assertFalse(d['all_targets_achieved'])
        self.assertEqual(self.listing(), ['m.safetensors'])
        d = self.json('compress', 'm.safetensors', '-o', 'm.lsq', '--storage-limit', str(bytes_needed))
        self.assertTrue(d['storage_target_achieved'])

    def test_outliers_that_are_too_many(self):
        without = self.json('compress', 'm.safetensors', '-o', 'm.lsq', '-c', 'b1')['totals']['file_bytes']
        os.unlink(self.path('m.lsq'))
        self.lsq('compress', 'm.safetensors', '-o', 'm.lsq', '-c', 'b1', '--outliers', '0.1', '--storage-limit',
                 str(without + 1000), code=CHECK)
        self.assertEqual(self.listing(), ['m.safetensors'])

    def test_error_is_known_at_the_end(self):
        loss = self.json('compress', 'm.safetensors', '-o', 'm.lsq')['quality_loss']
        d = self.json('compress', 'm.safetensors', '-fo', 'm.lsq', '--max-loss', str(loss * 0.99), code=CHECK)
        self.assertFalse(d['all_targets_achieved'] or d['quality_target_achieved'])
        self.assertTrue(d['storage_target_achieved'] and d['ram_target_achieved'])
        self.lsq('verify', 'm.lsq')
        out, _ = self.lsq('compress', 'm.safetensors', '-fo', 'm.lsq', '--max-loss', str(loss * 0.99), code=CHECK)
        self.assertIn('MISSED', out)
        out, _ = self.lsq('compress', 'm.safetensors', '-fo', 'm.lsq', '--max-loss', str(loss * 1.01))
        self.assertIn('kept', out)

    def test_automatic(self):
        for limit in (70000, 120000):
            d = self.json('compress', 'm.safetensors', '-fo', 'm.lsq', '--auto', '--storage-limit', str(limit))
            self.assertLessEqual(d['totals']['file_bytes'], limit)
            self.assertGreater(d['totals']['file_bytes'], 0.8 * limit)
            kept = [t['name'] for t in d['tensors'] if not t['quantised']]
            self.assertEqual(kept, ['c'])
        for loss in (20, 2):
            d = self.json('compress', 'm.safetensors', '-fo', 'm.lsq', '--auto', '--max-loss', str(loss))
            self.assertLessEqual(d['quality_loss'], loss)
            self.assertGreater(d['quality_loss'], 0.5 * loss)

    def test_automatic_finds_nothing(self):
        for args, said in ((('--storage-limit', '1000'), 'smallest possible'), (('--max-loss', '0.001'), 'the most is')):
            for dry in ((), ('--dry-run',)):
                d = self.json('compress', 'm.safetensors', '-o', 'm.lsq', '--auto', *args, *dry, code=CHECK)
                self.assertEqual((d['schema'], d['all_targets_achieved']), ('lsq.compress/1', False))
                self.assertIn(said, d['reason'])
                _, err = self.lsq('compress', 'm.safetensors', '-o', 'm.lsq', '--auto', *args, *dry, code=CHECK)
                self.assertIn(d['reason'], err)
        self.assertEqual(self.listing(), ['m.safetensors'])

    def test_dry_runs_know_limits(self):
        bytes_needed = self.json('compress', 'm.safetensors', '--dry-run')['totals']['file_bytes']
        self.json('compress', 'm.safetensors', '--dry-run', '--storage-limit', str(bytes_needed), '--max-loss', '0.1')
        for limit in (('--storage-limit', str(bytes_needed - 1)), ('--ram-limit', '1M')):
            d = self.json('compress', 'm.safetensors', '--dry-run', *limit, code=CHECK)
            self.assertFalse(d['all_targets_achieved'])
            self.assertIn(limit[0], d['reason'])

    def test_automatic_is_no_worse_than_uniform(self):
        uniform = self.json('compress', 'm.safetensors', '-fo', 'm.lsq', '-c', 't3')['totals']
        d = self.json('compress', 'm.safetensors', '-fo', 'm.lsq', '--auto', '--storage-limit',
                      str(uniform['file_bytes'] + 64))
        self.assertGreaterEqual(d['totals']['snr_db'], uniform['snr_db'] - 0.05)

    def test_wrong_arguments(self):
        for args in (('--ram-limit', 'x'), ('--ram-limit', '0'), ('--storage-limit', '-1'), ('--max-loss', '0'),
                     ('--max-loss', 'nan'), ('--max-loss', '101'), ('--auto',), ('--auto', '--max-loss', '1', '-c', 't4'),
                     ('--auto', '--max-loss', '1', '--target-snr', '30'), ('--outliers', '0.11'),
                     ('--file-version', '1', '--storage-limit', '1M')):
            self.lsq('compress', 'm.safetensors', '-o', 'm.lsq', *args, code=USAGE)
        self.assertEqual(self.listing(), ['m.safetensors'])

    def test_too_little_memory(self):
        _, err = self.lsq('compress', 'm.safetensors', '-o', 'm.lsq', '--ram-limit', '1M', code=CHECK)
        self.assertIn('--ram-limit', err)
        self.assertFalse(self.json('compress', 'm.safetensors', '-o', 'm.lsq', '--ram-limit', '1M', code=CHECK)
                         ['all_targets_achieved'])
        safetensors(self.path('kept.safetensors'), {'norm': normal(64)})
        self.lsq('compress', 'kept.safetensors', '-o', 'm.lsq', '--ram-limit', '1M', code=CHECK)
        self.assertEqual(self.listing(), ['kept.safetensors', 'm.safetensors'])


@unittest.skipIf(SLOW, 'memory is that of an emulator or of a sanitizer')
class Memory(Case):
    """A file four times as large as the memory allowed, and one tensor in it that is larger by itself."""

    LIMIT = 48 * MIB

    def setUp(self):
        super().setUp()
        large = {'embedding': noise(80 * MIB), **{f'w{i}': noise(32 * MIB) for i in range(3)}}
        large['rest'] = ('I64', (3 * MIB,), bytes(24 * MIB))
        safetensors(self.path('large.safetensors'), large)
        self.assertGreater(os.stat(self.path('large.safetensors')).st_size, 4 * self.LIMIT)

    def run_within(self, *args):
        """Its peak. What the system reports to the parent would count this interpreter, which the process is a copy of at first."""
        d = self.json('compress', 'large.safetensors', '-fo', 'out.lsq', *args)
        return d['totals']['peak_resident_bytes']

    def test_stays_below(self):
        whole = None
        for limit in (('--ram-limit', str(self.LIMIT)), ()):
            peak = self.run_within('-c', 'b1', '--outliers', '0.01', *limit)
            if limit:
                self.assertLessEqual(peak, self.LIMIT)
            self.lsq('verify', 'out.lsq')
            whole, before = self.read('out.lsq'), whole
        self.assertEqual(before, whole)  # the same bytes, however much memory there is

    def test_what_cannot_stay_below_says_so(self):
        _, err = self.lsq('compress', 'large.safetensors', '-o', 'out.lsq', '-c', 's4', '--outliers', '0.01', '--ram-limit',
                          str(self.LIMIT), code=CHECK)
        self.assertIn('embedding', err)
        self.assertIn('; b1, and', err)
        self.assertEqual(self.listing(), ['large.safetensors'])
        # Of the least there is: what would do, and it does.
        _, err = self.lsq('compress', 'large.safetensors', '-o', 'out.lsq', '-c', 'b1', '--outliers', '0.01', '--ram-limit', '17M',
                          code=CHECK)
        self.assertNotIn('; b1, and', err)
        told = int(re.search(r'--ram-limit (\d+)M would do$', err.strip())[1])
        self.assertLess(told, 100)
        self.assertLessEqual(self.run_within('-c', 'b1', '--outliers', '0.01', '--ram-limit', f'{told}M'), told * MIB)


@unittest.skipIf(SLOW, 'memory is that of an emulator or of a sanitizer')
class Trellis(Case):
    """Its encoders take the most memory, on each thread: without a limit all is twice the largest tensor and 64 MiB."""

    def test_memory_and_bytes(self):
        size = 24 * MIB
        large = bytearray(os.urandom(size))
        large[1::2] = large[1::2].translate(bytes([0x3c, 0xbc] * 128))  # BF16 of some hundredths
        safetensors(self.path('m.safetensors'), {'large': ('BF16', (size // 8192, 4096), large), 'w': noise(2 * MIB)})
        whole = None
        for threads, most, limit in (('1', 44 * MIB, True), ('5', 64 * MIB, True), ('5', 2 * size + 64 * MIB, False)):
            d = self.json('compress', 'm.safetensors', '-fo', 'out.lsq', '-c', 't2',
                          *(['--ram-limit', str(most)] if limit else []), env={'LSQ_NUM_THREADS': threads})
            self.assertLessEqual(d['compression_summary']['max_ram_usage_mb'] * MIB, most)
            whole, before = self.read('out.lsq'), whole
            self.assertIn(before, (None, whole))  # the same bytes, on any number of threads


@unittest.skipIf(SLOW, 'memory is that of an emulator or of a sanitizer')
class Goal(Case):
    """A signal to noise ratio that may ask for another format: what becomes of a tensor stays in memory until it is known, its numbers do not."""

    def test_memory_and_bytes(self):
        size = 32 * MIB
        large = bytearray(os.urandom(size))
        large[1::2] = large[1::2].translate(bytes([0x3c, 0xbc] * 128))  # BF16 of some hundredths
        safetensors(self.path('m.safetensors'), {'large': ('BF16', (size // 8192, 4096), large)})
        whole = None
        for threads, most, limit in (('1', 2 * size + 64 * MIB, False), ('5', 2 * size + 64 * MIB, False), ('2', 56 * MIB, True)):
            d = self.json('compress', 'm.safetensors', '-fo', 'out.lsq', '--target-snr', '30',
                          *(['--ram-limit', str(most)] if limit else []), env={'LSQ_NUM_THREADS': threads})
            self.assertLessEqual(d['compression_summary']['max_ram_usage_mb'] * MIB, most)
            self.assertGreaterEqual(d['totals']['snr_db'], 30)
            whole, before = self.read('out.lsq'), whole
            self.assertIn(before, (None, whole))


@unittest.skipIf(SLOW, 'memory is that of an emulator or of a sanitizer')
class Outliers(Case):
    """Where they pay, a tensor is in memory as float32, but once, and its packed form twice."""

    def test_memory_and_bytes(self):
        size = 32 * MIB
        large = bytearray(os.urandom(size))
        large[1::2] = large[1::2].translate(bytes([0x3c, 0xbc] * 127 + [0x3e, 0xbe]))  # BF16: some are four times as large or more
        safetensors(self.path('m.safetensors'), {'large': ('BF16', (size // 8192, 4096), large)})
        whole = None
        for threads in ('1', '5'):
            d = self.json('compress', 'm.safetensors', '-fo', 'out.lsq', '-c', 's4', '--outliers', '0.01',
                          env={'LSQ_NUM_THREADS': threads})
            self.assertGreater(d['compression_summary']['outliers_preserved'], 0)
            self.assertLessEqual(d['compression_summary']['max_ram_usage_mb'] * MIB, 2 * size + 64 * MIB)
            whole, before = self.read('out.lsq'), whole
            self.assertIn(before, (None, whole))


class Killed(Case):
    """By a signal that nobody can answer, as the system sends it when memory is out."""

    TIMES = 5 if SLOW else 50

    def test_leaves_nothing(self):
        safetensors(self.path('m.safetensors'), {f'w{i}': noise(MIB // 4 if SLOW else MIB) for i in range(4 if SLOW else 8)})
        begun = time.monotonic()
        self.lsq('compress', 'm.safetensors', '-o', 'out.lsq', '-c', 's2')
        whole, complete = time.monotonic() - begun, self.read('out.lsq')
        os.unlink(self.path('out.lsq'))
        source = random.Random(1)
        for _ in range(self.TIMES):
            process = self.start('compress', 'm.safetensors', '-o', 'out.lsq', '-c', 's2', stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            try:
                process.wait(source.uniform(0, 1.1 * whole))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
            if os.path.exists(self.path('out.lsq')):
                self.assertEqual(self.read('out.lsq'), complete)
                os.unlink(self.path('out.lsq'))
            # Where files must have names, and at the moment when one gets its name, that is left.
            self.assertEqual([name for name in self.listing() if not name.endswith('.part')], ['m.safetensors'])


if __name__ == '__main__':
    unittest.main()
