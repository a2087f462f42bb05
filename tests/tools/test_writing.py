"""Output files appear whole or not at all, and replace nothing unasked."""

import os
import resource
import signal
import unittest

from command import FIXTURE, IO, Case, noise, normal, safetensors

WRITERS = (
    ['compress', FIXTURE, '-c', 's4', '-o', 'out.safetensors'],
    ['compress', FIXTURE, '--file-version', '1', '-q', '-o', 'out.safetensors'],
    ['decode', FIXTURE, '-o', 'out.safetensors'],
)


class Replacing(Case):
    def test_only_with_force(self):
        self.write('out.safetensors', b'precious')
        for args in WRITERS:
            _, err = self.lsq(*args, code=IO)
            self.assertIn('--force', err)
            self.assertEqual(self.read('out.safetensors'), b'precious')
            self.assertEqual(self.listing(), ['out.safetensors'])
        for args in WRITERS:
            self.write('out.safetensors', b'precious')
            self.lsq(*args, '--force')
            self.assertNotEqual(self.read('out.safetensors'), b'precious')
            self.assertEqual(self.listing(), ['out.safetensors'])

    def test_input_may_be_the_output(self):
        safetensors(self.path('a.safetensors'), {'w': normal(32, 64)})
        self.lsq('compress', 'a.safetensors', '-o', 'b.lsq')
        self.lsq('compress', 'a.safetensors', '-f', '-o', 'a.safetensors')
        self.assertEqual(self.read('a.safetensors'), self.read('b.lsq'))

    def test_links_are_followed(self):
        os.mkdir(self.path('elsewhere'))
        self.write('elsewhere/file', b'precious')
        for args in WRITERS:
            os.symlink('elsewhere/file', self.path('out.safetensors'))
            self.lsq(*args, '-f')
            self.assertTrue(os.path.islink(self.path('out.safetensors')))
            self.assertNotEqual(self.read('elsewhere/file'), b'precious')
            self.assertEqual(os.listdir(self.path('elsewhere')), ['file'])
            os.unlink(self.path('out.safetensors'))

    def test_only_ordinary_files_are_replaced(self):
        os.mkdir(self.path('out.safetensors'))
        for args in WRITERS:
            self.lsq(*args, '-f', code=IO)
        os.rmdir(self.path('out.safetensors'))
        os.mkfifo(self.path('out.safetensors'))
        for args in WRITERS:
            self.lsq(*args, '-f', code=IO)
        self.lsq('compress', FIXTURE, '-f', '-o', '/dev/null', code=IO)
        self.lsq('compress', FIXTURE, '-f', '-o', '/dev/stdout', code=IO)
        self.assertEqual(self.listing(), ['out.safetensors'])

    def test_no_such_folder(self):
        self.lsq('compress', FIXTURE, '-o', 'nowhere/a.lsq', code=IO)
        self.lsq('compress', FIXTURE, '--file-version', '1', '-o', 'nowhere/a.lsq', code=IO)
        self.lsq('decode', FIXTURE, '-o', 'nowhere/a.safetensors', code=IO)
        self.assertEqual(self.listing(), [])

    def test_full_disk(self):
        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
        for args in WRITERS:
            self.lsq(*args, code=IO, before=small_files)
            self.assertEqual(self.listing(), [])


class Interrupting(Case):
    """In the middle of a run of minutes, were it left to itself."""

    SLOW = ('-c', 't6.st64')

    def setUp(self):
        super().setUp()
        safetensors(self.path('large.safetensors'), {f'w{i}': noise(1 << 18) for i in range(96)})

    def test_nothing_is_left(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.start('compress', 'large.safetensors', '-o', 'out.lsq', *self.SLOW)
            self.wait_for_output(process, ['large.safetensors'])
            process.send_signal(number)
            self.assertEqual(process.wait(), -number)
            self.assertEqual(self.listing(), ['large.safetensors'])

    def test_nothing_is_left_of_version_one(self):
        process = self.start('compress', 'large.safetensors', '-o', 'out.lsq', '--file-version', '1', '-c', 'c9')
        self.wait_for_output(process, ['large.safetensors'])
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(), -signal.SIGINT)
        self.assertEqual(self.listing(), ['large.safetensors'])

    def test_a_file_that_was_there_stays(self):
        self.write('out.lsq', b'precious')
        process = self.start('compress', 'large.safetensors', '-f', '-o', 'out.lsq', *self.SLOW)
        self.wait_for_output(process, ['large.safetensors', 'out.lsq'])
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(), -signal.SIGINT)
        self.assertEqual(self.listing(), ['large.safetensors', 'out.lsq'])
        self.assertEqual(self.read('out.lsq'), b'precious')

    def test_who_ignores_signals_is_not_interrupted(self):
        safetensors(self.path('large.safetensors'), {'w': noise(1 << 18)})
        process = self.start('compress', 'large.safetensors', '-q', '-o', 'out.lsq', '-c', 't4',
                             before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        self.wait_for_output(process, ['large.safetensors'])
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.wait(), 0)
        self.lsq('verify', 'out.lsq')


if __name__ == '__main__':
    unittest.main()
