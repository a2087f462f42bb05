"""Help, versions, wrong usage, and what goes to which stream."""

import os
import pty
import re
import unittest

from command import CHECK, FIXTURE, IO, USAGE, WRAPPER, Case, normal, safetensors

COMMANDS = ('compress', 'info', 'verify', 'diff', 'export', 'plan', 'cpu')


class Help(Case):
    def test_help_goes_to_standard_output(self):
        for args in (['--help'], ['-h'], ['help'], *([c, '--help'] for c in COMMANDS), *(['help', c] for c in COMMANDS)):
            out, _ = self.lsq(*args)
            self.assertTrue(out.startswith('Usage: lsq '), args)

    def test_help_wins_over_missing_operands(self):
        self.lsq('compress', '-h')

    def test_version(self):
        for option in ('--version', '-V'):
            out, _ = self.lsq(option)
            self.assertRegex(out, r'\Alsq \d+\.\d+\.\d+\n')
            self.assertIn('Apache-2.0', out)
            self.assertRegex(out, r'\nBuilt with jansson \d\S+, SLEEF \d\S+, xxHash \d\S+, (zlib \d\S+|no zlib), (nettle \d\S+|no nettle)\n')
            self.assertRegex(out, r'\nKernels: scalar(, \w+)*\n')
            self.assertEqual('no zlib' in out, '.npz' not in out)

    def test_every_command_is_listed(self):
        out, _ = self.lsq('--help')
        self.assertEqual(tuple(re.findall(r'^  (\w+)  ', out, re.M)), COMMANDS)


class WrongUsage(Case):
    WRONG = (
        [],
        ['nonsense'],
        ['--nonsense'],
        ['help', 'nonsense'],
        ['info'],
        ['info', 'a', 'b'],
        ['info', '--nonsense', FIXTURE],
        ['info', '-Z', FIXTURE],
        ['info', '--quiet=3', FIXTURE],
        ['info', '--color', 'sometimes', FIXTURE],
        ['info', FIXTURE, '--color'],
        ['cpu', 'a'],
        ['cpu', 's4', '4x4', '4'],
        ['cpu', '--trans'],
        ['compress', FIXTURE],
        ['compress', FIXTURE, '-o'],
        ['compress', FIXTURE, '-o', ''],
        ['compress', FIXTURE, '-o', '-'],
        ['compress', FIXTURE, '-o', 'o', '--codec', 'x4'],
        ['compress', FIXTURE, '-o', 'o', '--codec', 's1'],
        ['compress', FIXTURE, '-o', 'o', '--codec', 't4' * 200],
        ['compress', FIXTURE, '-o', 'o', '--codec', 't4', '--states', '5'],
        ['compress', FIXTURE, '-o', 'o', '--codec', 's4', '--states', '8'],
        ['compress', FIXTURE, '-o', 'o', '--codec', 't4', '--scale', 'none'],
        ['compress', FIXTURE, '-o', 'o', '--codec', 's4', '--scale', 'huge'],
        ['compress', FIXTURE, '-o', 'o', '--codec', 's4', '--rounding', 'nearest'],
        ['compress', FIXTURE, '-o', 'o', '--codec', 'c4', '--rounding', 'up'],
        ['compress', FIXTURE, '-o', 'o', '--bits-per-weight', '4', '--target-snr', '30'],
        ['compress', FIXTURE, '-o', 'o', '--max-size', '1M', '--codec', 't4'],
        ['compress', FIXTURE, '-o', 'o', '--target-snr', '30', '--states', '8'],
        ['compress', FIXTURE, '-o', 'o', '--bits-per-weight', '0'],
        ['compress', FIXTURE, '-o', 'o', '--bits-per-weight', '4K'],
        ['compress', FIXTURE, '-o', 'o', '--target-snr', '-3'],
        ['compress', FIXTURE, '-o', 'o', '--target-snr', 'inf'],
        ['compress', FIXTURE, '-o', 'o', '--max-size', '1Q'],
        ['compress', FIXTURE, '-o', 'o', '--max-size', 'K'],
        ['compress', FIXTURE, '-o', 'o', '--max-size', '1Ki'],
        ['compress', FIXTURE, '-o', 'o', '--max-size', '1M', '--file-version', '1'],
        ['compress', FIXTURE, '-o', 'o', '--rule', 'a=s4', '--file-version', '1'],
        ['compress', FIXTURE, '-o', 'o', '--rule', 'a'],
        ['compress', FIXTURE, '-o', 'o', '--rule', '(=s4'],
        ['compress', FIXTURE, '-o', 'o', '--rule', 'a=x4'],
        ['compress', FIXTURE, '-o', 'o', '--outliers', '0.2'],
        ['compress', FIXTURE, '-o', 'o', '--outliers', '0.01', '--bits-per-weight', '4'],
        ['compress', FIXTURE, '-o', 'o', '--calibration', FIXTURE, '--target-snr', '30'],
        ['compress', FIXTURE, '-o', 'o', '--outliers', '1%'],
        ['compress', FIXTURE, '-o', 'o', '--outliers', 'nan'],
        ['compress', FIXTURE, '-o', 'o', '--outliers', '0.01', '--file-version', '1'],
        ['compress', FIXTURE, '-o', 'o', '--output-axis', '1'],
        ['compress', FIXTURE, '-o', 'o', '--file-version', '3'],
        ['compress', FIXTURE, '-o', 'o', '--file-version', '1', '--codec', 't4'],
        ['compress', FIXTURE, '-o', 'o', '--file-version', '1', '--codec', 'c4.row'],
        ['compress', FIXTURE, '-o', 'o', '--file-version', '1', '--output-axis', 'last'],
        ['verify', FIXTURE, '--min-snr', '3'],
        ['verify', FIXTURE, '--against', FIXTURE, '--min-snr', 'much'],
        ['verify', FIXTURE, '--against', FIXTURE, '--min-snr', 'nan'],
        ['decode', FIXTURE],
        ['decode', FIXTURE, '-o', 'o.txt'],
        ['decode', FIXTURE, '-o', '.npy'],
        ['decode', FIXTURE, '-o', 'o.npy'],
        ['decode', FIXTURE, '-o', 'o.npy', '--tensor', 'nonsense'],
        ['decode', FIXTURE, '-o', 'o.safetensors', '--tensor', 'nonsense'],
        ['export', FIXTURE, '-o', 'o.npz', '--dtype', 'f64'],
        ['export', FIXTURE, '-o', 'o.h', '--dtype', 'f16'],
        ['export', FIXTURE, '-o', 'o.npz', '--like', FIXTURE],
        ['export', FIXTURE, '-o', 'o.gguf', '--like', FIXTURE],
    )

    def test_in_words(self):
        for args in self.WRONG:
            out, err = self.lsq(*args, code=USAGE)
            self.assertEqual(out, '', args)
            self.assertRegex(err, r"\Alsq[^\n]*: [^\n]+\nTry 'lsq[ a-z]* --help'\.\n\Z", args)
        self.assertEqual(self.listing(), [])

    def test_in_json(self):
        for args in self.WRONG:
            if args and args[0] in COMMANDS and args[-1] not in ('-o', '--color'):
                self.assertEqual(self.error(*args, code=USAGE)['error'], 'usage', args)

    def test_settings_that_cannot_be_honoured(self):
        self.lsq('cpu', env={'LSQ_STRICT': '1', 'LSQ_MAX_ISA': 'nonsense'}, code=USAGE)
        _, err = self.lsq('cpu', env={'LSQ_MAX_ISA': 'nonsense'})
        self.assertIn('warning', err)


class Streams(Case):
    def test_options_mix_with_operands(self):
        plain, _ = self.lsq('info', FIXTURE)
        self.assertEqual(self.lsq('info', '--', FIXTURE)[0], plain)
        self.assertEqual(self.lsq('info', FIXTURE, '--color=never')[0], plain)

    def test_what_is_no_codec_is_named(self):
        for args in ('compress', FIXTURE, '-o', 'a.lsq', '-c', 'q4'), ('plan', '-p', '1e6', '-c', 'q4'), ('cpu', 'q4', '8x8'):
            self.assertIn(f"lsq {args[0]}: 'q4': not a format: expected c3..c9", self.lsq(*args, code=USAGE)[1])

    def test_quiet(self):
        self.assertEqual(self.lsq('info', '-q', FIXTURE), ('', ''))
        self.assertEqual(self.lsq('cpu', '-q', env={'LSQ_MAX_ISA': 'nonsense'}), ('', ''))
        self.assertEqual(self.lsq('compress', '-q', FIXTURE, '-o', 'a.lsq', '-c', 's4'), ('', ''))
        self.assertEqual(self.lsq('verify', '-q', 'a.lsq', '--against', FIXTURE), ('', ''))
        _, err = self.lsq('verify', '-q', 'a.lsq', '--against', FIXTURE, '--min-snr', '99', code=CHECK)
        self.assertNotEqual(err, '')

    def test_documents(self):
        for name, args in {
            'lsq.compress/1': ['compress', FIXTURE, '-o', 'a.lsq', '-c', 's4'],
            'lsq.info/1': ['info', 'a.lsq'],
            'lsq.verify/1': ['verify', 'a.lsq', '--against', FIXTURE],
            'lsq.export/1': ['export', 'a.lsq', '-o', 'a.gguf'],
            'lsq.plan/1': ['plan', 'a.lsq', '--disk-rate', '1G'],
            'lsq.context/1': ['cpu'],
            'lsq.product/1': ['cpu', 's4', '64x64'],
        }.items():
            document = self.json(*args)
            self.assertEqual(document['schema'], name)
            self.assertEqual(document['warnings'], [])

    @unittest.skipIf(WRAPPER, 'an emulator opens files of its own in the gaps')
    def test_full_disk_and_closed_output(self):
        self.lsq('compress', FIXTURE, '-o', 'a.lsq', '-c', 's4')
        for args in (['--help'], ['--version'], ['info', '--help'], ['info', 'a.lsq'], ['info', 'a.lsq', '--json'],
                     ['verify', 'a.lsq'], ['cpu'], ['cpu', 's4', '64x64']):
            with open('/dev/full', 'wb') as full:
                self.lsq(*args, code=IO, stdout=full)
            self.lsq(*args, code=IO, stdout=None, before=lambda: os.close(1))

    @unittest.skipIf(WRAPPER, 'an emulator opens files of its own in the gaps')
    def test_closed_streams_do_not_reach_the_file(self):
        safetensors(self.path('in.safetensors'), {'w': normal(32, 64), 'nan': ('F32', (32, 64), b'\xff' * 8192)})
        self.lsq('compress', 'in.safetensors', '-o', 'a.lsq')
        # Were the gaps not filled, the file would become descriptor 2, and the warning of the NaN part of it.
        self.lsq('compress', 'in.safetensors', '-o', 'b.lsq', before=lambda: (os.close(0), os.close(2)), stderr=None)
        self.assertEqual(self.read('a.lsq'), self.read('b.lsq'))

    def test_reader_that_goes_away(self):
        reader, writer = os.pipe()
        os.close(reader)
        self.lsq('info', FIXTURE, code=-13, stdout=writer)
        os.close(writer)


class Terminals(Case):
    def on_terminal(self, *args, **options):
        """What `lsq` writes to standard output when that is a terminal."""
        leader, follower = pty.openpty()
        process = self.start(*args, stdout=follower, **options)
        os.close(follower)
        text = b''
        try:
            while piece := os.read(leader, 4096):
                text += piece
        except OSError:  # how Linux reports that the last one closed it
            pass
        os.close(leader)
        self.assertEqual(process.wait(), 0)
        return text

    def test_colour(self):
        self.assertNotIn('\033', self.lsq('info', FIXTURE)[0])
        self.assertIn('\033', self.lsq('info', FIXTURE, '--color=always')[0])
        self.assertIn(b'\033', self.on_terminal('info', FIXTURE))
        self.assertNotIn(b'\033', self.on_terminal('info', FIXTURE, '--color=never'))
        self.assertNotIn(b'\033', self.on_terminal('info', FIXTURE, env={'NO_COLOR': '1'}))
        self.assertNotIn(b'\033', self.on_terminal('info', FIXTURE, env={'TERM': 'dumb'}))
        self.assertNotIn('\033', self.lsq('cpu')[0])

    def test_no_file_is_written_to_a_terminal(self):
        leader, follower = pty.openpty()
        self.lsq('compress', FIXTURE, '-f', '-o', os.ttyname(follower), code=USAGE)
        os.close(follower)
        os.close(leader)


class Names(Case):
    def test_unusual_paths(self):
        with open(FIXTURE, 'rb') as file:
            data = file.read()
        for name in ('-in', 'two\nlines', 'a b', '\033[31mred', 'caf\u00e9'):
            self.write(name, data)
            document = self.json('info', '--', name)
            self.assertEqual(document['file'], name)

    def test_messages_stay_on_their_line(self):
        _, err = self.lsq('info', 'no\nsuch\033[2Jfile', code=IO)
        self.assertEqual(err.count('\n'), 1)
        self.assertNotIn('\033', err)
        self.write('one\ntwo\033[2J\\', b'')
        _, err = self.lsq('compress', FIXTURE, '-o', 'one\ntwo\033[2J\\', code=IO)
        self.assertIn(r'one\ntwo\x1b[2J\\', err)

    def test_names_that_are_not_utf8(self):
        name = os.fsdecode(b'\xff.lsq')
        self.write(name, b'')
        document = self.error('compress', FIXTURE, '-o', name, code=IO)
        self.assertIn('\\xff.lsq', document['message'])
        document = self.json('compress', FIXTURE, '-f', '-o', name)
        self.assertEqual(document['output'], '\\xff.lsq')


if __name__ == '__main__':
    unittest.main()
