#!/usr/bin/env python3
"""
The command lsq-bench as its users run it: options, exit statuses, tables and documents. Times are never judged.
usage: test_bench.py LSQ_BENCH LSQ FIXTURE.safetensors [MANUAL.scd]
"""

import csv
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'tools'))
import schemas # pylint: disable=wrong-import-position

BENCH, LSQ, FIXTURE = sys.argv[1:4]
MANUAL = sys.argv[4] if len(sys.argv) > 4 else None
EMULATOR = os.environ.get('WRAPPER', '').split()


def run(*arguments, program=BENCH, **environment):
    done = subprocess.run([*EMULATOR, program, *arguments], capture_output=True, text=True, timeout=300,
                          env={**os.environ, **environment})
    if '--json' in arguments and done.stdout:
        schemas.check(json.loads(done.stdout))
    elif '--json' in arguments:
        schemas.check(json.loads(done.stderr.splitlines()[-1]))
    return done


class Options(unittest.TestCase):
    def test_help_and_version_go_to_stdout(self):
        for option in ('--help', '-h', '--version', '-V'):
            done = run(option)
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            self.assertTrue(done.stdout)
        self.assertIn('lsq-bench snr', run('snr', '--help').stdout)
        self.assertNotIn('lsq-bench gemm', run('snr', '--help').stdout)

    def test_wrong_usage_is_one_line_and_status_2(self):
        for arguments in (
            ['fly'], ['--fast'], ['gemv', 'surplus'], ['--filter', '('], ['--filter', 'no such kernel'], ['--filter'],
            ['--threads', '0'], ['--prefetch', '-1'], ['--prefetch', '2000000'], ['--svg'], ['--threads', '1x'], ['--samples', ''], ['--codec', 'z9'],
            ['gemm', 'surplus'], ['gemm', '--batch', '0'], ['gemm', '--batch', '65537'], ['gemm', '--size', '64'],
            ['gemm', '--size', '64x'], ['gemm', '--size', '0x64'], ['gemm', '--size', '64x64x64'], ['gemm', '--threads', '257'],
            ['gemm', '--activation', 'bytes'], ['gemm', '--codec', 's1'], ['gemm', '--samples', '1'], ['gemm', '--filter', '.'],
            ['gemm', *('--batch=2',) * 65], ['gemm', *('--codec=s2',) * 65], ['gemm', *('--threads=1',) * 65],
            ['layers', 'surplus'], ['layers', '--threads', '0'], ['layers', '--batch', '1'], ['layers', '--activation', ''],
            ['encode', 'surplus'], ['encode', '--size', '0x64'], ['encode', '--samples', '1'], ['encode', '--threads', '0'],
            ['encode', '--codec', 't9'], ['encode', *('--codec=c4',) * 65], ['encode', *('--threads=1',) * 65],
            ['peers', 'surplus'], ['peers', '--threads', '0'], ['peers', '--size', '0x64'], ['peers', '--batch', '0'], ['peers', '--trans'],
            ['peers', '--codec', 'z9'], ['peers', '--samples', '1'], ['overhead', 'surplus'], ['overhead', '--samples', '1'],
            ['overhead', '--threads', '2'], ['file', '--shapes'], ['file', '--threads', '0', FIXTURE], ['file', '--codec', 's4', FIXTURE],
            ['snr', '--source', 'cauchy'], ['snr', *('--source=sine54',) * 17], ['snr', '--svg'], ['snr', '--codec', 'c2'], ['file'], ['file', '--samples', '-1', FIXTURE],
            ['read'], ['read', '--threads', '1', FIXTURE], ['stream'], ['stream', FIXTURE], ['stream', '--memory', '1M'], ['stream', '--memory', '1M', FIXTURE, FIXTURE],
            ['stream', '--memory', '0', FIXTURE], ['stream', '--memory', '1T', FIXTURE], ['stream', '--memory', '1MB', FIXTURE],
            ['stream', '--memory', 'M', FIXTURE], ['stream', '--memory', '1073741825', FIXTURE], ['stream', '--make', '2x250', 'new'],
            ['stream', '--make', '0x256', 'new'], ['stream', '--make', '2', 'new'], ['stream', '--make', '2x256', '-c', 't2', '-c', 't3', 'new'],
            ['gemm', '--format', 'xml'], ['gemm', '--format'], ['compare'], ['compare', 'a.json'], ['compare', 'a', 'b', 'c'], ['compare', '--samples', '2', 'a', 'b'],
        ):
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ''), arguments)
            self.assertEqual(done.stderr.count('\n'), 1, done.stderr)
            self.assertIn("try 'lsq-bench --help'", done.stderr)

    def test_files_that_cannot_be_read(self):
        with tempfile.TemporaryDirectory() as folder:
            missing, broken = os.path.join(folder, 'missing.lsq'), os.path.join(folder, 'broken.lsq')
            with open(broken, 'wb') as file:
                file.write(b'\x89LSQ\r\n\x1a\n' + bytes(3))
            for command in ('snr', 'file'):
                self.assertEqual(run(command, missing).returncode, 5)
                self.assertIn(run(command, broken).returncode, (3, 4))
            self.assertEqual(run('file', FIXTURE).returncode, 4)

    def test_errors_are_documents_where_results_are(self):
        done = run('file', '--json', 'no\x1b[2J such file.lsq')
        self.assertEqual((done.returncode, done.stdout), (5, ''))
        error = json.loads(done.stderr)
        self.assertEqual((error['schema'], error['exit_code']), ('lsq.error/1', 5))
        self.assertNotIn('\x1b', error['message'])


class Stream(unittest.TestCase):
    """A file of a few layers, within less memory than it has bytes."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, 'network.lsq')
        self.addCleanup(self.folder.cleanup)

    def rows(self, *arguments):
        done = run('stream', '--samples', '2', '--json', *arguments, self.path)
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document['schema'], 'lsq.bench.stream/1')
        return document, document['rows']

    def test_makes_and_measures(self):
        document, rows = self.rows('--make', '3x256', '--codec', 's3', '--memory', '900K', '--threads', '1', '--threads', '2')
        self.assertEqual([row['way'] for row in rows], ['reading alone', 'reading ahead', 'not ahead'] * 2)
        self.assertEqual([row['threads'] for row in rows], [1] * 3 + [2] * 3)
        self.assertIn('all results have the bits', document['compared'])
        size = os.path.getsize(self.path)
        for row in rows:
            self.assertEqual(row['codec'], 's3')
            self.assertAlmostEqual(row['megabytes'], size / 1e6)
            self.assertAlmostEqual(row['limit'], 0.9216)
            self.assertLess(row['resident'], 0.9)
            self.assertEqual(len(row['sample_seconds']), 2)
            self.assertGreater(row['megabytes_per_second'], 0)
            self.assertLessEqual(row['percent_waited'], 100)
        self.assertIsNone(rows[0]['tokens_per_second'])
        self.assertEqual(rows[0]['percent_of_reading'], 100)

    def test_all_in_memory_reads_nothing_again(self):
        _, rows = self.rows('--make', '2x64', '--memory', '16M')
        self.assertEqual({row['megabytes_per_second'] for row in rows}, {0})

    def test_a_file_is_not_written_over_and_a_limit_is_one(self):
        self.assertEqual(run('stream', '--make', '2x64', self.path).returncode, 0)
        with open(self.path, 'rb') as file:
            before = file.read()
        self.assertEqual(run('stream', '--make', '2x64', self.path).returncode, 5)
        with open(self.path, 'rb') as file:
            self.assertEqual(before, file.read())
        done = run('stream', '--memory', '200K', self.path)
        self.assertEqual((done.returncode, done.stdout), (6, ''))
        self.assertIn('are not enough', done.stderr)
        self.assertEqual(run('stream', '--memory', '1M', FIXTURE).returncode, 4)
        self.assertEqual(run('stream', '--memory', '1M', self.path + '.missing').returncode, 5)


class Read(unittest.TestCase):
    def test_both_ways_of_a_file(self):
        done = run('read', '--samples', '2', '--json', FIXTURE)
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual((document['schema'], [row['cache'] for row in document['rows']]), ('lsq.bench.read/1', ['on disk', 'cached']))
        for row in document['rows']:
            self.assertEqual(row['format'], 'safetensors')
            self.assertAlmostEqual(row['megabytes'], os.path.getsize(FIXTURE) / 1e6)
            self.assertGreater(row['plain_megabytes_per_second'], 0)
            median = sum(row['sample_seconds']) / 2
            self.assertAlmostEqual(row['megabytes_per_second'] * median / row['megabytes'], 1)

    def test_what_cannot_be_read(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'network.lsq')
            self.assertEqual(run('stream', '--make', '2x64', path).returncode, 0)
            self.assertEqual(run('read', path).returncode, 4)
            self.assertEqual(run('read', path + '.missing').returncode, 5)


class Manual(unittest.TestCase):
    """--help and the manual tell of the same options, with the same letters."""

    def test_same_options(self):
        if not MANUAL:
            self.skipTest('no manual was given')
        with open(MANUAL, encoding='ascii') as file:
            page = file.read()
        commands = re.findall(r'(?m)^(?:usage:|      ) lsq-bench (\w+)', run('--help').stdout)
        self.assertGreaterEqual(len(commands), 7)
        synopses = {name: text for name, text in re.findall(r'(?m)^\*lsq-bench\*? ?\[?\*?(\w+)\*(.*)$', page)}
        self.assertEqual(sorted(synopses), sorted(commands))
        described = set(re.findall(r'(?m)^(?:\*(?:-\w)\*, )?\*(--[\w-]+)\*', page))
        told = set()
        for command in commands:
            text = run(command, '--help').stdout
            options = re.findall(r'(?m)^  (?:(-\w),|   ) (--[\w-]+) ', text)
            told.update(long for _, long in options)
            brief = {short or long for short, long in options if long not in ('--help', '--version')}
            self.assertEqual(set(re.findall(r'\*(--?[\w-]+)\*', synopses[command])), brief, command)
            for short, long in options:
                if short:
                    self.assertIn(f'*{short}*, *{long}*', page)
        self.assertEqual(described, told)


class Formats(unittest.TestCase):
    """The same results in every form."""

    COMMANDS = (
        ('gemv', '--filter', '^gemv_p4_i8_scalar_r1/s4/l2$', '--samples', '2'),
        ('gemm', '--size', '80x33', '--samples', '2', '--codec', 's4', '--batch', '1', '--batch', '2'),
        ('layers', '--samples', '2', '--codec', 's4'),
        ('encode', '--size', '33x70', '--samples', '2', '--codec', 'c4'),
        ('snr', '--source', 'sine54', '--codec', 'c4'),
        ('snr', '--peers', '--source', 'gauss', '--codec', 's4'),
    )

    def output(self, *arguments):
        done = run(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_csv_is_a_table_of_keys_and_numbers(self):
        for command in self.COMMANDS:
            done = subprocess.run([*EMULATOR, BENCH, *command, '--format', 'csv'], capture_output=True, timeout=300)
            text = done.stdout.decode()
            rows = list(csv.reader(io.StringIO(text, newline=''), strict=True))
            self.assertGreaterEqual(len(rows), 2)
            self.assertEqual({len(row) for row in rows}, {len(rows[0])}, command)
            self.assertEqual(len(set(rows[0])), len(rows[0]), command)
            self.assertIn('lsq_version', rows[0])
            self.assertNotRegex(text.replace('\r\n', ''), r'[\r\n]')
            if command[0] != 'gemv':
                document = json.loads(self.output(*command, '--json'))
                for row in document['rows']:
                    row.pop('sample_seconds', None)
                    self.assertEqual(list(row), rows[0][:len(row)])
                self.assertEqual(len(document['rows']), len(rows) - 1)

    def test_csv_has_every_digit(self):
        command = ('snr', '--source', 'gauss', '--codec', 's4')
        (row,) = csv.DictReader(io.StringIO(self.output(*command, '--format', 'csv'), newline=''))
        (same,) = json.loads(self.output(*command, '--json'))['rows']
        for key in ('snr', 'bits_per_weight', 'nf4'):
            self.assertAlmostEqual(float(row[key]), same[key], places=8)
            self.assertEqual(repr(float(row[key])), row[key])
        self.assertEqual(row['published'], '')

    def test_markdown_is_a_list_and_a_table(self):
        for command in self.COMMANDS:
            above, table = self.output(*command, '--format', 'md').split('\n\n')[:2]
            self.assertRegex(above, r'(?m)\A(- .+: .+\n?)+\Z')
            lines = [re.split(r'(?<!\\)\|', line) for line in table.splitlines()]
            self.assertGreaterEqual(len(lines), 3)
            self.assertEqual({len(line) for line in lines}, {len(lines[0])}, command)
            self.assertTrue(all(re.fullmatch(' ---:? ', cell) for cell in lines[1][1:-1]), lines[1])

    def test_text_and_json_are_the_usual_and_the_brief_one(self):
        for name in ('text', 'json'):
            text = self.output('snr', '--source', 'sine54', '--codec', 'c4', '--format', name)
            self.assertEqual(text, self.output('snr', '--source', 'sine54', '--codec', 'c4', *(('-j',) if name == 'json' else ())))

    def test_timed_rows_have_their_samples(self):
        for command in self.COMMANDS[1:4]:
            document = json.loads(self.output(*command, '--json'))
            self.assertIsInstance(document['warnings'], list)
            self.assertRegex(document['clock'], r'^\d+\.\d\d GHz$')
            for row in document['rows']:
                self.assertEqual((row['samples'], len(row['sample_seconds'])), (2, 2))
                middle = statistics.median(row['sample_seconds'])
                shown = row['microseconds'] * 1e-6 if 'microseconds' in row else row['milliseconds'] * 1e-3
                self.assertAlmostEqual(middle / shown, 1, places=8)
                spread = statistics.median(abs(x - middle) for x in row['sample_seconds'])
                self.assertAlmostEqual(row['spread'], 100 * spread / middle, places=6)
                self.assertTrue(set(document['row_keys']) <= set(row))

    def test_warnings_stand_in_the_document_too(self):
        for command in self.COMMANDS[:2]:
            done = run(*command, '--json')
            said = re.findall(r'(?m)^lsq-bench: warning: (.*)$', done.stderr)
            self.assertEqual(json.loads(done.stdout)['warnings'], said)


class Compare(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, document):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(document if isinstance(document, str) else json.dumps(document))
        return path

    def timed(self, name, **rows):
        """A document with samples of each row around so many microseconds."""
        return self.write(name, {'schema': 'lsq.bench.gemm/1', 'lsq_cpu': name, 'row_keys': ['format'], 'rows': [
            {'format': key, 'sample_seconds': [us * 1e-6 * (1 + i / 1000) for i in range(9)]} for key, us in rows.items()]})

    def compare(self, *arguments, code=0):
        done = run('compare', *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_rows_are_matched_and_judged(self):
        a, b = self.timed('a', s3=5, s4=10, t4=20, gone=1), self.timed('b', t4=40, s4=5, s3=5.0001, new=2)
        document = json.loads(self.compare(a, b, '--json').stdout)
        self.assertEqual(document['schema'], 'lsq.bench.compare/1')
        self.assertEqual(document['lsq_cpu'], 'A: a; B: b')
        rows = {row['row']: row for row in document['rows']}
        self.assertEqual([(key, row['verdict']) for key, row in rows.items()],
                         [('s3', 'equal'), ('s4', 'faster'), ('t4', 'slower'), ('gone', 'only in A'), ('new', 'only in B')])
        self.assertAlmostEqual(rows['s4']['times_a'], 2)
        self.assertAlmostEqual(rows['t4']['times_a'], 0.5)
        self.assertLess(rows['t4']['p'], 0.001)
        self.assertIsNone(rows['new']['p'])
        self.assertEqual(document['summary'], '1 faster, 1 slower, 1 equal, 1 only in A, 1 only in B; '
                         'geometric mean of all rows: 1.000 x the speed of A')
        for name in ('md', 'csv', 'text'):
            self.assertIn('only in B', self.compare(a, b, '--format', name).stdout)

    def test_few_samples_say_nothing(self):
        rows = [{'format': 's4', 'sample_seconds': [1e-6, 2e-6, 3e-6]}]
        a = self.write('a', {'schema': 'x', 'row_keys': ['format'], 'rows': rows})
        self.assertIn('1 too few samples', self.compare(a, a).stdout)

    def test_figures_are_subtracted(self):
        path = self.write('snr.json', run('snr', '--source', 'sine54', '--codec', 'c4', '--json').stdout)
        document = json.loads(self.compare(path, path, '--json').stdout)
        self.assertEqual({(row['difference'], row['verdict']) for row in document['rows']}, {(0, 'equal')})
        self.assertEqual(document['figure'], 'snr')

    def test_documents_of_every_command_can_be_compared(self):
        for command in Formats.COMMANDS:
            path = self.write('own.json', run(*command, '--json').stdout)
            self.assertIn(' equal' if command[0] == 'snr' else ' too few', self.compare(path, path).stdout)

    def test_google_benchmark_with_another_number_of_repetitions(self):
        paths = [self.write(n, run('gemv', '--filter', Gemv.CASE, '--samples', n, '--json').stdout) for n in ('5', '6')]
        (row,) = json.loads(self.compare(*paths, '--json').stdout)['rows']
        self.assertEqual((row['row'], row['a_samples'], row['b_samples']), ('gemv_p4_i8_scalar_r1/s4/l2', 5, 6))

    def test_what_cannot_be_compared(self):
        good, other = self.timed('a', s4=1), self.write('b', {'schema': 'other', 'row_keys': ['x'], 'rows': []})
        self.assertIn('nothing to compare', self.compare(good, other, code=2).stderr)
        for text, place in (('', 'line 1'), ('{"schema": "x"}', 'row_keys'), ('{"rows": 1}', 'neither')):
            bad = self.write('bad', text)
            for pair in ((good, bad), (bad, good)):
                done = self.compare(*pair, code=3)
                self.assertEqual((done.stdout, done.stderr.count('\n')), ('', 1))
                self.assertIn(f'{bad}: ', done.stderr)
                self.assertIn(place, done.stderr)
        self.compare(good, os.path.join(self.folder, 'missing'), code=5)
        self.compare(self.folder, good, code=5)

    def test_names_from_outside_are_harmless(self):
        evil = self.write('evil', {'schema': 'x\x1b[2J', 'a\nb': 'c\x1b[0m', 'row_keys': ['f'], 'rows': [
            {'f': '=1,"\x1b[2J|', 'sample_seconds': [1.0]}]})
        for name in ('text', 'md', 'csv', 'json'):
            text = self.compare(evil, self.write('none', {'schema': 'x\x1b[2J', 'row_keys': ['f'], 'rows': []}), '--format', name).stdout
            self.assertNotIn('\x1b', text)
            self.assertIn('a?b', text)
            if name == 'md':
                cells = {len(re.split(r'(?<!\\)\|', line)) for line in text.splitlines() if line.startswith('|')}
                self.assertEqual(len(cells), 1, text)
            if name == 'csv':
                (row,) = csv.DictReader(io.StringIO(text, newline=''), strict=True)
                self.assertEqual(row['row'], '=1,"?[2J|')


class Gemv(unittest.TestCase):
    CASE = '^gemv_p4_i8_scalar_r1/s4/l2$'

    def test_document_is_google_benchmarks(self):
        done = run('gemv', '--filter', self.CASE, '--samples', '3', '--json')
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        for key in ('lsq_version', 'lsq_isa', 'lsq_cpu', 'lsq_kernel_set', 'lsq_caches', 'num_cpus'):
            self.assertIn(key, document['context'])
        rows = document['benchmarks']
        self.assertEqual(sum(row['run_type'] == 'iteration' for row in rows), 3)
        by_name = {row.get('aggregate_name'): row for row in rows}
        self.assertIn('mad', by_name)
        median = by_name['median']
        self.assertGreater(median['weights_per_second'], 0)
        self.assertGreater(median['percent_of_read_bandwidth'], 0)
        for row in rows:
            if row['run_type'] == 'iteration':
                rate = row['packed_bytes'] / row['real_time'] * 1e6
                self.assertAlmostEqual(row['bytes_per_second'] / rate, 1, places=6)
                share = 100 * row['bytes_per_second'] / row['read_bytes_per_second']
                self.assertAlmostEqual(row['percent_of_read_bandwidth'] / share, 1, places=6)

    def test_table_has_a_row_for_each_case(self):
        done = run('--filter', r'^(gemv|decode)_p8_.*scalar.*/l2', '--samples', '2', '--codec', 's8', '--codec', 'c8')
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.split() for line in done.stdout.splitlines() if line.startswith(('gemv_', 'decode_'))]
        self.assertEqual(sorted((row[0], row[1]) for row in rows),
                         sorted((f'{kernel}_scalar_r1', codec) for codec in ('s8', 'c8')
                                for kernel in ('gemv_p8_i16', 'gemv_p8_f32', 'decode_p8_f32')))
        for row in rows:
            self.assertEqual((row[2], row[3]), ('1', '8.258'))
            self.assertGreater(float(row[4]), 0)
            self.assertEqual(row[6:10], ['-'] * 4)  # neither L3 nor memory was asked for

    def test_threads_are_cases_of_their_own(self):
        done = run('--filter', 'gemv_p4_i8_scalar_r1/s4/l2', '--threads', '1', '--threads', '2', '--samples', '2')
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.split()[:3] for line in done.stdout.splitlines() if line.startswith('gemv_')]
        self.assertEqual(rows, [['gemv_p4_i8_scalar_r1', 's4', '1'], ['gemv_p4_i8_scalar_r1', 's4', '2']])

    def test_picture(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'a.svg')
            case = ('--filter', '^gemv_(p3|p4|t3)_i8_scalar_r1/.*/l2', '--samples', '2')
            done = run(*case, '--svg', path, '--threads', '1', '--threads', '2')
            self.assertEqual(done.returncode, 0, done.stderr)
            root = xml.etree.ElementTree.parse(path).getroot()
            texts = [text.text for text in root.iter('{http://www.w3.org/2000/svg}text')]
            for text in ('limit: a plain read', 'scalar', 'scalar, trellis', 'weights in L2 cache, 1 thread',
                         'weights in L2 cache, 2 threads', '10^9 weights a second (logarithmic)'):
                self.assertEqual(texts.count(text), 1, texts)
            self.assertEqual(os.listdir(folder), ['a.svg'])
            # With the document, too; what cannot be written leaves nothing behind.
            done = run(*case, '--svg', path, '--json')
            self.assertEqual(done.returncode, 0, done.stderr)
            json.loads(done.stdout)
            self.assertEqual(run(*case, '--svg', os.path.join(folder, 'no', 'b.svg')).returncode, 5)
            self.assertEqual(run('--filter', 'decode_p4_f32_scalar_r1/s4/l2', '--samples', '2', '--svg',
                                 os.path.join(folder, 'c.svg')).returncode, 2)
            self.assertEqual(os.listdir(folder), ['a.svg'])

    def test_memory_can_be_used_otherwise(self):
        done = run('--filter', self.CASE, '--samples', '2', '--prefetch', '0', '--small-pages')
        self.assertEqual(done.returncode, 0, done.stderr)


class Gemm(unittest.TestCase):
    SMALL = ('gemm', '--size', '80x33', '--samples', '2')

    def document(self, *arguments, **environment):
        done = run(*self.SMALL, '--json', *arguments, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_rows_agree_with_themselves(self):
        document = self.document('--codec', 's4', '--codec', 't3', '--batch', '1', '--batch', '6', '--threads', '1',
                                 '--threads', '2')
        self.assertEqual(document['schema'], 'lsq.bench.gemm/1')
        for key in ('lsq_version', 'lsq_cpu', 'lsq_isa', 'matrix', 'activations', 'peak', 'openblas'):
            self.assertIn(key, document)
        rows = document['rows']
        self.assertEqual([(row['threads'], row['format'], row['n']) for row in rows],
                         [(t, f, n) for t in (1, 2) for f in ('s4', 't3') for n in (1, 6)])
        for row in rows:
            self.assertAlmostEqual(row['gflops'] * row['microseconds'] / (2e-3 * 80 * 33 * row['n']), 1, places=6)
            self.assertAlmostEqual(row['gflops'] / row['gigaweights'] / 2 / row['n'], 1, places=6)
            self.assertGreater(row['times_gemv'], 0)
            self.assertEqual(row['transposed'], 0)
            self.assertIsNone(row['times_plain'])
            beside = [row['openblas_gflops'], row['times_openblas']]
            if document['openblas'] == 'none in this build':
                self.assertEqual(beside, [None, None])
            else:
                self.assertGreater(min(beside), 0)
        self.assertEqual(rows[0]['times_gemv'], 1)

    def test_without_gemv_there_is_no_ratio_to_it(self):
        (row,) = self.document('--codec', 's2', '--batch', '3')['rows']
        self.assertIsNone(row['times_gemv'])

    def test_usual_formats_and_columns(self):
        done = run('gemm', '--size', '16x16', '--samples', '2')
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.split() for line in done.stdout.splitlines() if re.match('[st][0-9] ', line)]
        self.assertEqual([(row[0], int(row[2])) for row in rows],
                         [(f, 2 ** i) for f in 's2 s3 s4 s5 s6 s8 t2 t3 t4 t5 t6'.split() for i in range(10)])
        self.assertNotIn('W^T', done.stdout)

    def test_transposed_products_stand_beside_plain_ones(self):
        rows = self.document('--codec', 's4', '--batch', '1', '--batch', '2', '--trans')['rows']
        self.assertEqual([(row['n'], row['transposed']) for row in rows], [(1, 0), (2, 0), (1, 1), (2, 1)])
        self.assertEqual([row['times_plain'] is None for row in rows], [True, True, False, False])
        self.assertIn('W^T', run(*self.SMALL, '--codec', 's4', '--batch', '1', '--trans').stdout)

    def test_peak_is_of_the_level_in_use(self):
        exact = self.document('--codec', 's4', '--batch', '2', '--activation', 'float')
        self.assertEqual(exact['activations'], 'exact')
        self.assertRegex(exact['peak'], '^f32, ')
        self.assertGreater(exact['rows'][0]['percent_of_peak'], 0)
        plain = self.document('--codec', 's4', '--batch', '2', LSQ_MAX_ISA='scalar')
        self.assertEqual(plain['lsq_isa'], 'scalar')
        self.assertIsNone(plain['rows'][0]['peak_gflops'])
        self.assertIsNone(plain['rows'][0]['percent_of_peak'])

    def test_weights_from_memory(self):
        document = self.document('--codec', 'c3.none', '--batch', '1', '--size', '2000x2000', '--rotate')
        self.assertIn('from memory', document['matrix'])
        self.assertEqual(len(document['rows']), 1)

    def test_picture(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'a.svg')
            self.document('--codec', 's4', '--codec', 't4', '--trans', '--threads', '1', '--threads', '2', '--svg', path,
                          '--batch', '512', '--batch', '1')
            root = xml.etree.ElementTree.parse(path).getroot()
            texts = [text.text for text in root.iter('{http://www.w3.org/2000/svg}text')]
            for text in ('s4', 't4', 'C = W B, 1 thread', 'C = W^T B, 1 thread', 'C = W B, 2 threads', 'C = W^T B, 2 threads'):
                self.assertEqual(texts.count(text), 1, texts)
            self.assertEqual(texts.count('512'), 4)
            self.assertRegex('\n'.join(texts), r'(?m); liblsq [0-9.]+, \d{4}-\d\d-\d\d$')
            self.assertEqual(os.listdir(folder), ['a.svg'])
            self.assertEqual(run(*self.SMALL, '--codec', 's4', '--batch', '1', '--svg',
                                 os.path.join(folder, 'no', 'b.svg')).returncode, 5)


class Layers(unittest.TestCase):
    def rows(self, *arguments):
        done = run('layers', '--samples', '2', '--codec', 's4', '--json', *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document['schema'], 'lsq.bench.layers/1')
        return document['rows'], document['openblas'] != 'none in this build'

    def test_results_are_those_of_float_layers(self):
        # Rounding of 8 bits limits products to some 40 dB.
        for activation, bound in (('int', 0.02), ('float', 1e-5)):
            rows, has_peer = self.rows('--activation', activation)
            self.assertGreaterEqual(len(rows), 8)
            for row in rows:
                self.assertGreater(row['gflops'], 0)
                if has_peer:
                    self.assertLess(row['difference'], bound, row['layer'])
                    self.assertGreater(row['times_openblas'], 0)
                else:
                    self.assertIsNone(row['difference'])
                    self.assertIsNone(row['times_openblas'])

    def test_table(self):
        done = run('layers', '--samples', '2', '--codec', 't2', '--threads', '2')
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ('conv 3x3, stride 2', 'conv 3x3, dilation 2', 'conv 3x3, 4 groups', 'conv 3x3, depthwise', 'linear, batch 64'):
            self.assertEqual(len(re.findall(rf'^{name} +t2 +2 ', done.stdout, re.M)), 1, done.stdout)


class Encode(unittest.TestCase):
    def test_rows_agree_with_themselves(self):
        done = run('encode', '--size', '33x70', '--samples', '2', '--codec', 'c4', '--codec', 't2.st64', '--threads', '1', '--threads', '2',
                   '--json')
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document['schema'], 'lsq.bench.encode/1')
        for key in ('lsq_version', 'lsq_cpu', 'lsq_isa', 'matrix'):
            self.assertIn(key, document)
        rows = document['rows']
        self.assertEqual([(row['format'], row['threads']) for row in rows], [(f, t) for f in ('c4', 't2.st64') for t in (1, 2)])
        for row in rows:
            self.assertAlmostEqual(row['megaweights'] * row['milliseconds'] / (1e-3 * 33 * 70), 1, places=6)
            self.assertAlmostEqual(row['minutes_7e9'] * row['megaweights'] * 60 / 7e3, 1, places=6)
            self.assertGreater(row['times_first'], 0)
        self.assertEqual((rows[0]['times_first'], rows[2]['times_first']), (1, 1))

    def test_usual_formats(self):
        done = run('encode', '--size', '1x1', '--samples', '2')
        self.assertEqual(done.returncode, 0, done.stderr)
        found = re.findall(r'^([cstb]\d\S*) +1 ', done.stdout, re.M)
        self.assertEqual(found, 'c4 c8 s2 s4 s6 s8 t1 t2 t3 t4 t5 t6 t2.st64 t4.st64 b1'.split())


class Snr(unittest.TestCase):
    def test_published_code_on_the_sine(self):
        document = json.loads(run('snr', '--source', 'sine54', '--codec', 'c4', '--codec', 'c8', '--json').stdout)
        self.assertEqual(document['schema'], 'lsq.snr/1')
        found = {(row['codec'][:2], row['rounding']): row for row in document['rows']}
        for key, snr in ((('c4', 'published'), 21.48), (('c4', 'nearest'), 21.81), (('c8', 'published'), 33.65)):
            self.assertAlmostEqual(found[key]['snr'], snr, delta=0.01)
            self.assertEqual(found[key]['source'], 'sine54')
        self.assertEqual(found['c8', 'published']['published'], 33.64)

    def test_scalar_beats_its_rivals_on_gaussian_weights(self):
        document = json.loads(run('snr', '--source', 'gauss', '--codec', 's4', '--json').stdout)
        (row,) = document['rows']
        self.assertAlmostEqual(row['snr'], 22.5, delta=0.1)
        self.assertAlmostEqual(row['bits_per_weight'], 4.252, delta=0.001)
        self.assertAlmostEqual(row['lloyd_max'], 20.22, delta=0.03)
        self.assertAlmostEqual(row['below_gaussian_bound'], 6.0206 * row['bits_per_weight'] - row['snr'], delta=0.001)
        self.assertAlmostEqual(row['nf4'], 20.7, delta=0.1)
        self.assertAlmostEqual(row['int8_row'], 41.25, delta=0.03)
        self.assertIsNone(row['published'])

    def test_peers_stand_beside_ours_at_their_bits(self):
        done = run('snr', '--peers', '--source', 'gauss', '--source', 't5', '--codec', 's3', '--codec', 's4', '--json')
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document['schema'], 'lsq.snr.peers/1')
        self.assertIn('August 2026', document['peers'])
        rows = {(row['source'], row['type']): row for row in document['rows']}
        self.assertEqual(len(rows), len(document['rows']))
        for row in rows.values():
            self.assertAlmostEqual(row['lead'], row['ours'] - row['snr'], places=6)
            if row['codec']:
                self.assertLessEqual(row['codec_bits_per_weight'], row['bits_per_weight'])
            else:
                self.assertLess(row['bits_per_weight'], 3.252)
        between = rows['gauss', 'IQ4_XS']
        self.assertEqual((between['snr'], between['codec']), (22.43, 's3'))
        self.assertAlmostEqual(between['ours'], 22.52, delta=0.05)
        self.assertAlmostEqual(rows['gauss', 'Q4_K']['ours'], 22.53 + 6.02 * (4.5 - 4.252), delta=0.05)
        self.assertNotIn(('t5', 'IQ4_K*'), rows)
        least = min(rows.values(), key=lambda row: row['lead'])
        self.assertEqual(document['least_lead'], '%.2f dB, before %s on %s' % (least['lead'], least['type'], least['source']))

    def test_there_are_peers_for_known_weights_only(self):
        for arguments in (['--source', 'sine54', '--codec', 'c3'], ['--codec', 's2', FIXTURE]):
            done = run('snr', '--peers', *arguments)
            self.assertEqual((done.returncode, done.stderr.count('\n')), (4, 1), done.stderr)
            self.assertIn('figures of peers', done.stderr)

    def test_picture(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'a.svg')
            done = run('snr', '--svg', path, '--source', 'gauss', '--source', 'sine54', '--codec', 's4', '--codec', 't4',
                       '--codec', 'c4', '--codec', 'c5', FIXTURE)
            self.assertEqual(done.returncode, 0, done.stderr)
            root = xml.etree.ElementTree.parse(path).getroot()
            texts = [text.text for text in root.iter('{http://www.w3.org/2000/svg}text')]
            for text in ('gauss: Gaussian, standard deviation 0.02', os.path.basename(FIXTURE), 'trellis (t)', 'scalar (s)', 'classic (c)', 'Lloyd-Max',
                         'limit: R(D) of a Gaussian', 'published table', 'ggml', 'IQ4_XS', 'signal to noise ratio, dB'):
                self.assertEqual(texts.count(text), 1, (text, texts))
            self.assertEqual(texts.count('NF4'), 2)  # of weights, not of the sine
            self.assertEqual(os.listdir(folder), ['a.svg'])
            done = run('snr', '--source', 'sine54', '--codec', 'c4', '--svg', os.path.join(folder, 'no', 'b.svg'))
            self.assertEqual((done.returncode, done.stderr.count('\n')), (5, 1))

    def test_tensors_of_a_file(self):
        done = run('snr', '--codec', 's4', '--json', FIXTURE)
        self.assertEqual(done.returncode, 0, done.stderr)
        (row,) = json.loads(done.stdout)['rows']
        self.assertEqual(row['source'], os.path.basename(FIXTURE))
        self.assertGreater(row['snr'], 20)


class File(unittest.TestCase):
    def test_one_row_for_each_file(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for codec in ('s4', 's8'):
                paths.append(os.path.join(folder, codec + '.lsq'))
                done = run('compress', FIXTURE, '-o', paths[-1], '--codec', codec, program=LSQ)
                self.assertEqual(done.returncode, 0, done.stderr)
            done = run('file', '--against', FIXTURE, '--samples', '2', '--json', *paths)
            self.assertEqual(done.returncode, 0, done.stderr)
            four, eight = json.loads(done.stdout)['rows']
            self.assertEqual((four['codec'], eight['codec']), ('s4', 's8'))
            self.assertGreater(four['snr'], 20)
            self.assertGreater(eight['snr'], four['snr'] + 20)
            self.assertGreater(eight['bits_per_weight'], four['bits_per_weight'] + 3.9)
            # Errors of products are about those of the weights.
            for row in (four, eight):
                self.assertLess(row['relative_error'], 2 * 10 ** (-row['snr'] / 20))
                self.assertGreater(row['weights_per_second'], 0)
            alone = json.loads(run('file', '--samples', '2', '--json', paths[0]).stdout)['rows'][0]
            self.assertIsNone(alone['snr'])
            self.assertIsNone(alone['relative_error'])
            self.assertEqual(alone['bits_per_weight'], four['bits_per_weight'])

    def compressed(self, folder):
        """The fixture, in one format but for one tensor."""
        path = os.path.join(folder, 'a.lsq')
        done = run('compress', FIXTURE, '-o', path, '--codec', 's4', '--rule', 'use\\.embedding=t2', program=LSQ)
        self.assertEqual(done.returncode, 0, done.stderr)
        return path

    def test_shapes_are_those_of_the_file_and_make_up_the_pass(self):
        with tempfile.TemporaryDirectory() as folder:
            path = self.compressed(folder)
            listed = json.loads(run('info', '--json', path, program=LSQ).stdout)['tensors']
            expected = {}
            for tensor in listed:
                if tensor.get('codec'):
                    key = (tensor['codec'].split('.')[0], f"{tensor['rows']}x{tensor['columns']}")
                    expected[key] = expected.get(key, 0) + 1
            document = json.loads(run('file', '--shapes', '--samples', '3', '--threads', '2', '--threads', '1', '--json', path).stdout)
            self.assertEqual(document['row_keys'], ['file', 'codec', 'shape', 'threads'])
            for threads in (2, 1):
                whole, *shapes = [row for row in document['rows'] if row['threads'] == threads]
                self.assertEqual((whole['codec'], whole['shape'], whole['matrices']), ('mixed', 'all', sum(expected.values())))
                self.assertEqual({(row['codec'], row['shape']): row['matrices'] for row in shapes}, expected)
                self.assertAlmostEqual(sum(row['megabytes'] for row in shapes), whole['megabytes'], places=9)
                self.assertAlmostEqual(whole['tokens_per_second'] * whole['microseconds'] * whole['matrices'] * 1e-6, 1, places=6)
                self.assertEqual(whole['percent_of_pass'], 100)
                for row in shapes:
                    self.assertIsNone(row['tokens_per_second'])
                    self.assertAlmostEqual(row['percent_of_pass'] * whole['microseconds'] * whole['matrices'] /
                                           (100 * row['microseconds'] * row['matrices']), 1, places=6)
                # Within each pass parts are no more than the whole.
                for i, seconds in enumerate(whole['sample_seconds']):
                    self.assertLessEqual(sum(row['sample_seconds'][i] for row in shapes), seconds * (1 + 1e-9))
                    self.assertGreater(min(row['sample_seconds'][i] for row in shapes), 0)

    def test_without_being_asked_there_are_no_shapes(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run('file', '--samples', '2', '--threads', '1', '--threads', '2', self.compressed(folder))
            self.assertEqual(re.findall(r'^a.lsq +mixed +all +(\d) ', done.stdout, re.M), ['1', '2'], done.stdout)
            self.assertEqual(done.stdout.count('a.lsq'), 2)
            self.assertIn('attention, norms, sampling', done.stdout)


class Peers(unittest.TestCase):
    SMALL = ('peers', '--size', '512x1024', '--samples', '2')
    # The search for leaks cannot stop the threads of oneDNN's OpenMP and gives up.
    NO_LEAKS = {'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'}

    def test_every_way_stands_in_one_table(self):
        done = run(*self.SMALL, '--codec', 's4', '--batch', '1', '--batch', '3', '--threads', '1', '--threads', '2', '--json',
                   **self.NO_LEAKS)
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document['schema'], 'lsq.bench.peers/1')
        others = [way for key, way in (('openblas', 'float OpenBLAS'), ('int8', 'int8 oneDNN')) if not document[key].startswith('none')]
        self.assertEqual([(row['weights'], row['threads'], row['n'], row['way']) for row in document['rows']],
                         [(place, threads, n, way) for place in ('memory', 'cache') for threads in (1, 2) for n in (1, 3)
                          for way in (*others, 's4')])
        bits = {'float OpenBLAS': 32, 'int8 oneDNN': 8 + 32 / 1024}
        for row in document['rows']:
            seconds = row['microseconds'] * 1e-6
            self.assertAlmostEqual(row['gigaweights'] * 1e9 * seconds / (512 * 1024), 1, places=6)
            self.assertAlmostEqual(row['gflops'] / row['gigaweights'], 2 * row['n'], places=6)
            self.assertGreater(row['read_gigaweights'], 0)
            self.assertGreater(row['percent_of_read'], 0)
            self.assertEqual(row['times_openblas'] is not None, 'float OpenBLAS' in others)
            self.assertEqual(len(row['sample_seconds']), 2)
            if row['way'] in bits:
                self.assertAlmostEqual(row['bits_per_weight'], bits[row['way']], places=6)

    def test_usual_ways_and_their_quality(self):
        kept = json.loads(run('snr', '--source', 'gauss', '--codec', 's4', '--codec', 't2', '--json').stdout)['rows']
        done = run(*self.SMALL, '--json', **self.NO_LEAKS)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = json.loads(done.stdout)['rows']
        for n in (1, 64):
            ours = [row['way'] for row in rows if (row['weights'], row['n']) == ('memory', n) and ' ' not in row['way']]
            self.assertEqual(ours, 's2 s3 s4 s5 s6 s8 t2 t3 t4 t5 t6'.split())
        found = {row['way']: row['snr'] for row in rows}
        for row in kept:
            self.assertEqual(found[row['codec']], row['snr'])
        self.assertIsNone(found.get('float OpenBLAS'))
        self.assertEqual(found.get('int8 oneDNN', kept[0]['int8_row']), kept[0]['int8_row'])


class Quality(unittest.TestCase):
    def test_published_figures_come_out(self):
        rows = self.rows()
        for way, ratio, error in ('loop', 13.90, 0.478), ('int8', 4.00, 0.009), ('one-bit', 31.94, 0.535):
            self.assertAlmostEqual(rows[way]['times_f32'], ratio, delta=0.005)
            self.assertAlmostEqual(rows[way]['mae_sigma'], error, delta=0.004)
        self.assertAlmostEqual(rows['loop']['mae_sigma_rest'], 0.489, delta=0.004)
        self.assertAlmostEqual(rows['loop']['outliers_share'], 6.7, delta=0.2)
        self.assertIsNone(rows['int8']['mae_sigma_rest'])
        self.assertIsNone(rows['int8']['outliers_share'])

    def test_what_the_published_ways_keep_and_take(self):
        rows = self.rows('-s', 'gauss', '-c', 's2')
        for way, snr, bits in ('loop', 4.96, 2 + 15 * 0.02), ('loop-ls', 5.38, 1 + 16 * 0.02), ('one-bit', 3.94, 1):
            self.assertAlmostEqual(rows[way]['snr'], snr, delta=0.05)
            self.assertAlmostEqual(rows[way]['bits_per_weight'], bits, delta=0.01 * bits)

    def test_ours_keep_more_within_as_many_bits(self):
        for source, snr in ('gauss', 5.6), ('laplace', 5.2), ('t5', 5.5):
            rows = self.rows('-s', source, '-c', 't1', '-c', 'b1')
            ours = next(row for way, row in rows.items() if way.startswith('t1'))
            self.assertLessEqual(ours['bits_per_weight'], 1.33)
            self.assertGreaterEqual(ours['snr'], snr)
            # Signs with the same outliers, which take half the bits: within a sixth of a decibel of half precision.
            self.assertLess(rows['b1 +']['bits_per_weight'], rows['loop-ls']['bits_per_weight'])
            self.assertGreater(rows['b1 +']['snr'], rows['loop-ls']['snr'] - 0.17)

    def rows(self, *arguments):
        done = run('quality', '--json', *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document['schema'], 'lsq.bench.quality/1')
        return {row['way']: row for row in document['rows']}

    def test_rows_agree_with_themselves(self):
        for row in self.rows('-s', 'laplace', '-c', 't1', '-c', 's8').values():
            self.assertAlmostEqual(row['times_f32'] * row['bits_per_weight'], 32, places=6)
            self.assertAlmostEqual(row['times_bf16'] * 2, row['times_f32'], places=6)
            # White noise of that ratio leaves that much error in a product, give or take what one vector is.
            self.assertAlmostEqual(row['product_error'], 100 * 10 ** (-row['snr'] / 20), delta=0.3 * row['product_error'])

    def test_one_bit_with_outliers_beats_the_published_way(self):
        rows = self.rows('-s', 't5', '-c', 't1.nib32')
        ours = next(row for way, row in rows.items() if way.startswith('t1'))
        self.assertLess(ours['bits_per_weight'], 1.34)
        self.assertGreater(ours['snr'], rows['loop-ls']['snr'])

    def test_tensors_of_a_file(self):
        rows = [row['matrix'] for row in json.loads(run('quality', '--json', '-c', 's2', FIXTURE).stdout)['rows']]
        self.assertEqual(len(rows), 6 * len(set(rows)))
        self.assertGreater(len(set(rows)), 1)


class Overhead(unittest.TestCase):
    def test_every_piece_has_a_row(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run('overhead', '--samples', '2', '--json', TMPDIR=folder)
            self.assertEqual((done.returncode, os.listdir(folder)), (0, []), done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document['schema'], 'lsq.bench.overhead/1')
        self.assertRegex(document['tune_file'], r'^[1-9]\d* entries in \d+ bytes')
        rows = {row['name']: row for row in document['rows']}
        self.assertEqual(len(rows), len(document['rows']))
        for name, unit in (('a context, no tune file', 'us'), ('a context, tune file', 'us'), ('a tune file, parsing alone', 'us'),
                           ('choice of a kernel', 'ns'), ('a product 64 x 64, s4', 'ns'), ('a product 64 x 64, t4', 'ns'),
                           ('work for 2 threads, awake', 'us'), ('work for 2 threads, asleep', 'us')):
            row = rows[name]
            self.assertEqual((row['unit'], row['samples']), (unit, 2))
            median = sum(row['sample_seconds']) / 2
            self.assertAlmostEqual(row['median'] / median / {'us': 1e6, 'ns': 1e9}[unit], 1, places=6)
        # A product is longer than the choice of its kernel, whatever else runs.
        self.assertGreater(rows['a product 64 x 64, s4']['median'], rows['choice of a kernel']['median'])

    def test_no_place_for_the_tune_file(self):
        done = run('overhead', '--samples', '2', TMPDIR='/no/such/folder')
        self.assertEqual((done.returncode, done.stderr.count('\n')), (5, 1), done.stderr)
        self.assertIn('/no/such/folder/', done.stderr)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
