"""
lsq-tune as a user runs it. $LSQ_TUNE is the command, $LSQ_TUNE_WRONG the same over a library whose kernel $WRONG_ROW is wrong,
$MAN the folder of the manual's sources, $WRAPPER as in command.py.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
import unittest

WRAPPER = shlex.split(os.environ.get('WRAPPER', ''))
TUNE = [*WRAPPER, os.environ['LSQ_TUNE']]
OK, CHECK, USAGE, IO = 0, 1, 2, 5
ONE = ('--budget', '1', '--only', '^gemv_p4_i8$')  # one second, one kind


class Tune(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.home = self.folder.name
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(('LSQ_', 'XDG_'))}
        self.env['HOME'] = self.home

    def path(self, *names):
        return os.path.join(self.home, *names)

    def tune(self, *arguments, code=OK, command=TUNE, **env):
        run = subprocess.run([*command, *arguments], env={**self.env, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, timeout=120)
        self.assertEqual(run.returncode, code, run.stderr)
        return run.stdout, run.stderr

    def show(self, **env):
        return json.loads(self.tune('--show', '--json', **env)[0])

    def test_help_and_version(self):
        out, err = self.tune('--help')
        self.assertTrue(out.startswith('Usage: lsq-tune') and not err)
        self.assertRegex(self.tune('--version')[0], r'^lsq-tune \(liblsq\) \d+\.\d+\.\d+\n$')

    def test_manual_names_the_same_options(self):
        with open(os.path.join(os.environ['MAN'], 'lsq-tune.1.scd'), encoding='ascii') as file:
            page = re.findall(r'(?m)^(?:\*(-\w)\*, )?\*(--[\w-]+)\*(?: _.*_)?$', file.read())
        self.assertEqual(page, re.findall(r'(?m)^  (?:(-\w), )?(--[\w-]+) ', self.tune('--help')[0]))

    def test_usage(self):
        for wrong in (['--nonsense'], ['extra'], ['--budget', '0'], ['--budget', '1.5'], ['--budget', '99999'], ['--budget'],
                      ['--only', '('], ['--output', ''], ['--output', 'x', '--system']):
            out, err = self.tune(*wrong, code=USAGE)
            self.assertTrue(err and not out, wrong)

    def test_where_it_writes(self):
        name = r'/lsq/tune-[0-9a-f]{16}\.json\n$'
        self.assertRegex(self.tune('--print-path')[0], '^' + re.escape(self.path('.config')) + name)
        self.assertRegex(self.tune('--print-path', XDG_CONFIG_HOME='/x')[0], '^/x' + name)
        self.assertRegex(self.tune('--print-path', XDG_CONFIG_HOME='x')[0], '^' + re.escape(self.path('.config')) + name)
        self.assertRegex(self.tune('--print-path', '--system')[0], '^/etc' + name)
        self.assertEqual(self.tune('--print-path', '--output', 'here.json')[0], 'here.json\n')
        self.assertIn('HOME', self.tune('--print-path', HOME='', code=USAGE)[1])
        self.assertEqual(os.listdir(self.home), [])

    def test_tunes_and_is_believed(self):
        path = self.tune('--print-path')[0].strip()
        self.assertNotEqual(self.show()['files'][0], {'path': path, 'result': 'used'})
        report = json.loads(self.tune(*ONE, '--json')[0])
        self.assertEqual(report['schema'], 'lsq.tune-report/1')
        self.assertEqual(report['written'], path)
        self.assertEqual(report['wrong'], [])
        shown = self.show()
        self.assertTrue(shown['used'])
        self.assertEqual(shown['files'], [{'path': path, 'result': 'used'}])
        self.assertEqual(len(shown['entries']), len(report['results']))
        for entry, result in zip(shown['entries'], report['results']):
            for key in 'op', 'codec', 'act', 'class', 'threads', 'kernel', 'prefetch':
                self.assertEqual(entry[key], result[key])
            candidates = result['candidates']
            # The last one of that name and distance: from far classes kernels are timed first, then distances of the winner.
            times = {(c['kernel'], c['prefetch']): c['ns'] for c in candidates}
            winner = times[entry['kernel'], entry['prefetch']]
            self.assertAlmostEqual(entry['ns'], winner, delta=1 + winner * 1e-5)
            self.assertIn(result['default'], [c['kernel'] for c in candidates])
            distances = {c['prefetch'] for c in candidates}
            self.assertEqual(len(distances) > 1, result['class'] in ('l3', 'dram'))

    @unittest.skipUnless('LSQ_TUNE_WRONG' in os.environ, 'one kernel of each kind in this build')
    def test_a_wrong_kernel_is_left_out(self):
        wrong = os.environ['WRONG_ROW']
        command = [*WRAPPER, os.environ['LSQ_TUNE_WRONG']]
        out, err = self.tune(*ONE, '--json', command=command, code=CHECK)
        self.assertIn(f'WRONG: {wrong}', err)
        report = json.loads(out)
        self.assertEqual([w['kernel'] for w in report['wrong']], [wrong])
        self.assertTrue(report['results'] and self.show()['entries'])
        for result in report['results']:
            self.assertNotIn(wrong, [c['kernel'] for c in result['candidates']])
        # Products on several threads are covered as well, or the wrong kernel could be their default.
        entries = self.show()['entries']
        self.assertEqual(len(entries), 2 * len(report['results']))
        for entry in entries:
            self.assertNotIn(wrong, (entry['kernel'], entry['runner_up']))

    def test_a_damaged_file_is_not_believed(self):
        self.tune(*ONE)
        path = self.show()['files'][0]['path']
        with open(path, encoding='ascii') as file:
            text = file.read()
        for spoilt in text.replace('"library"', '"librarx"'), text[:-10], text.replace('tune/1', 'tune/2'), '':
            with open(path, 'w', encoding='ascii') as file:
                file.write(spoilt)
            looked_at = self.show()['files'][0]
            self.assertEqual(looked_at['path'], path)
            self.assertNotEqual(looked_at['result'], 'used')
        self.assertIn('none', self.tune('--show', LSQ_TUNE_FILE='none')[0])
        self.assertFalse(self.show(LSQ_TUNE_FILE=self.path('missing.json'))['used'])

    def test_dry_run_writes_nothing(self):
        out, _ = self.tune(*ONE, '--dry-run')
        self.assertNotIn('written', out)
        self.assertEqual(os.listdir(self.home), [])

    def test_quiet_prints_nothing(self):
        self.assertEqual(self.tune(*ONE, '--quiet')[0], '')

    def test_only_keeps_the_rest(self):
        self.tune('--budget', '1', '--only', '^gemv_p[45]_i8$')
        before = self.show()['entries']
        self.tune(*ONE)
        after = self.show()['entries']
        self.assertEqual([e for e in before if e['codec'] != 'p4'], [e for e in after if e['codec'] != 'p4'])
        self.assertEqual(len(before), len(after))

    def test_nothing_to_choose(self):
        _, err = self.tune('--only', 'no_such_kind')
        self.assertIn('nothing to choose', err)
        self.assertEqual(self.show()['entries'], [])

    def test_says_at_once_what_cannot_be_written(self):
        os.mkfifo(self.path('fifo'))
        for target in '/nonexistent/a/b/c.json', self.home, self.path('fifo'), self.path('fifo', 'x'):
            begin = time.monotonic()
            out, err = self.tune('--budget', '3000', '--output', target, code=IO)
            self.assertTrue(target in err and not out)
            self.assertLess(time.monotonic() - begin, 60)

    def test_interrupted(self):
        everything = json.loads(self.tune('--dry-run', '--json', '--budget', '1')[0])['results']
        if not everything:
            return  # one kernel of each kind: nothing takes time
        for number in signal.SIGINT, signal.SIGTERM:
            run = subprocess.Popen([*TUNE, '--budget', '3000', '--json'], env=self.env, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
            time.sleep(1)
            run.send_signal(number)
            out, err = run.communicate(timeout=120)
            self.assertEqual(run.returncode, 128 + number, err)
            report = json.loads(out)
            self.assertTrue(report['interrupted'])
            self.assertLess(len(report['results']), len(everything))
            self.assertEqual(report['written'] is not None, len(report['results']) > 0)


if __name__ == '__main__':
    unittest.main()
