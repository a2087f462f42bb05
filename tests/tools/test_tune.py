"""
lsq-tune as a user runs it. $LSQ_TUNE is the command, $LSQ_TUNE_WRONG the same over a library whose kernels $WRONG_ROWS are wrong,
$LSQ the command that explains, $MAN the folder of the manual's sources, $WRAPPER as in command.py. No test looks at times: machines
are busy.
"""

import json
import os
import re
import resource
import shlex
import signal
import subprocess
import tempfile
import time
import unittest
import xml.etree.ElementTree

import schemas

WRAPPER = shlex.split(os.environ.get('WRAPPER', ''))
TUNE = [*WRAPPER, os.environ['LSQ_TUNE']]
OK, CHECK, USAGE, IO = 0, 1, 2, 5
ONE = ('--budget', '1', '--only', '^gemv_p4_i8$')  # one second, one kind
CLASSES, BATCHES, CREWS = ('l1', 'l2', 'l3', 'dram'), ('one', 'few', 'many'), ('one', 'many')


def seal(document):
    """The text of a tune file as man page lsq-tune(5) has it: the checksum at the end is over all bytes before it."""
    text = json.dumps({k: v for k, v in document.items() if k != 'checksum'}, indent=1)[:-2] + ',\n '
    sum_ = 0xcbf29ce484222325
    for byte in text.encode():
        sum_ = (sum_ ^ byte) * 0x100000001b3 % 2**64
    return f'{text}"checksum": "{sum_:016x}"\n}}\n'


def kind_of(item):
    """Of an answer, or of an entry, whose kernel says it."""
    return '_'.join((item['op'], item['codec'], item['act']) if 'op' in item else item['kernel'].split('_')[:3])


def places(item):
    """The products that an answer or an entry is about, as (kind, class, batch, threads)."""
    classes, batches, crews = (((item[key],) if item.get(key, 'any') != 'any' else names)
                               for key, names in (('class', CLASSES), ('batch', BATCHES), ('threads', CREWS)))
    return [(kind_of(item), c, b, t) for c in classes for b in batches for t in crews]


def kept_item(name):
    kind, size, batch, threads = name.split('/')
    return {'kernel': kind, 'class': size, 'batch': batch, 'threads': threads}


def covered(shown):
    """All products that a file speaks of; it speaks of none twice."""
    all_ = [p for item in [*shown['entries'], *map(kept_item, shown['kept'])] for p in places(item)]
    assert len(all_) == len(set(all_)), all_
    return set(all_)


class Tune(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.home = self.folder.name
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(('LSQ_', 'XDG_', 'LC_', 'LANG'))}
        self.env['HOME'] = self.home

    def path(self, *names):
        return os.path.join(self.home, *names)

    def read(self, path):
        with open(path, encoding='ascii') as file:
            return file.read()

    def write(self, path, text):
        with open(path, 'w', encoding='ascii') as file:
            file.write(text)

    def start(self, *arguments, command=TUNE, before=None, **env):
        def child():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            if before:
                before()
        return subprocess.Popen([*command, *arguments], env={**self.env, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, preexec_fn=child)

    def tune(self, *arguments, code=OK, **options):
        run = self.start(*arguments, **options)
        out, err = run.communicate(timeout=120)
        self.assertEqual(run.returncode, code, err)
        if '--json' in arguments and out:
            schemas.check(json.loads(out))
        elif '--json' in arguments and code != CHECK:
            self.assertEqual(schemas.check(json.loads(err))['exit_code'], code)
        return out, err

    def report(self, *arguments, **options):
        return json.loads(self.tune(*arguments, '--json', **options)[0])

    def show(self, **env):
        return json.loads(self.tune('--show', '--json', **env)[0])

    def explain(self):
        """What a program gets, by lsq cpu: {(kind, class, batch, threads): (kernel, tunables)}."""
        out = subprocess.run([*WRAPPER, os.environ['LSQ'], 'cpu', '--json'], env=self.env, stdout=subprocess.PIPE, check=True).stdout
        schemas.check(json.loads(out))
        return {(kind_of(p), c, b, t): (p['instead'].get(f'{c}/{b}/{t}', p['default']), p['tunables'].get(f'{c}/{b}/{t}', {}))
                for p in json.loads(out)['products'] for c in CLASSES for b in BATCHES for t in CREWS}

    # ---- The command line ----

    def test_help_and_version(self):
        out, err = self.tune('--help')
        self.assertTrue(out.startswith('Usage: lsq-tune') and not err)
        self.assertRegex(self.tune('--version')[0], r'^lsq-tune \(liblsq\) \d+\.\d+\.\d+\n$')

    def test_usage(self):
        for wrong in (['--nonsense'], ['extra'], ['--budget', '0'], ['--budget', '1.5'], ['--budget', '99999'], ['--budget'],
                      ['--only', '('], ['--output', ''], ['--output', 'x', '--system'], ['--svg', '']):
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

    # ---- What comes of it ----

    def test_tunes_and_is_believed(self):
        path = self.tune('--print-path')[0].strip()
        self.assertNotEqual(self.show()['files'][0], {'path': path, 'result': 'used'})
        report = self.report(*ONE)
        self.assertEqual((report['schema'], report['written'], report['wrong']), ('lsq.tune-report/2', path, []))
        self.assertGreater(report['questions'], 0)
        self.assertLessEqual(len(report['answers']), report['questions'])
        shown = self.show()
        self.assertEqual(shown['schema'], 'lsq.tune-show/2')
        self.assertTrue(shown['used'])
        self.assertEqual(shown['files'], [{'path': path, 'result': 'used'}])
        # One thread: no threshold has a say there, so that each answer stands in the file as it is.
        chosen = {p: e for e in shown['entries'] for p in places(e)}
        for answer in report['answers']:
            self.assertEqual(kind_of(answer), 'gemv_p4_i8')
            self.assertIn(answer['default']['kernel'], [c['kernel'] for c in answer['kernels']] or [answer['default']['kernel']])
            if answer['threshold'] or answer['threads'] != 'one' or answer['chosen']['ns'] == 0:
                continue
            for place in places(answer):
                self.assertEqual(answer['default_stays'], place not in chosen)
                if place in chosen:
                    self.assertEqual(chosen[place]['kernel'], answer['chosen']['kernel'])
                    self.assertEqual(chosen[place].get('prefetch', 4096), answer['chosen']['prefetch'])
        self.assertTrue({p for a in report['answers'] if a['threads'] == 'one' for p in places(a)} <= covered(shown))

    def test_lsq_cpu_says_the_same(self):
        self.tune('--budget', '2', '--only', '^(gemv|expand)_p[34]_i8$')
        shown, before = self.show(), self.explain()
        numbers = ('prefetch', 'thread_bytes', 'expand_from', 'columns')
        for entry in shown['entries']:
            for place in places(entry):
                self.assertEqual(before[place], (entry['kernel'], {n: entry[n] for n in numbers if n in entry}))
        defaults = self.explain_without_file()
        for name in shown['kept']:
            for place in places(kept_item(name)):
                self.assertEqual(before[place], defaults[place])

    def explain_without_file(self):
        self.env['LSQ_TUNE_FILE'] = 'none'
        try:
            return self.explain()
        finally:
            del self.env['LSQ_TUNE_FILE']

    def test_short_runs_leave_questions_open(self):
        report = self.report('--budget', '2')
        if report['questions'] == 0:
            return  # nothing to choose in this build
        self.assertGreater(report['questions'], len(report['answers']))
        self.assertEqual(report['written'], self.show()['files'][0]['path'])

    def test_resume_comes_to_an_end(self):
        kinds = ('--only', '^(gemv_p4_i8|expand_p[45]_i8|gemm_e8_i8|round_x_i16)$', '--json')
        first = json.loads(self.tune('--budget', '1', *kinds)[0])
        before, rounds = self.show(), 0
        known = covered(before)
        while True:
            out, err = self.tune('--resume', '--budget', '1', *kinds)
            report = json.loads(out)
            now = self.show()
            self.assertTrue(known <= covered(now))
            for entry in before['entries']:  # joined, perhaps, by others: but none is another way now
                for place in places(entry):
                    same = [e for e in now['entries'] if place in places(e)]
                    self.assertEqual([(e['kernel'], e['ns']) for e in same], [(entry['kernel'], entry['ns'])])
            before, known = now, covered(now)
            if report['questions'] == 0:
                break
            rounds += 1
            self.assertLess(rounds, 30)
        self.assertIn('covers everything', err)
        self.assertTrue('gemv_p4_i8' in {kind for kind, *_ in known} or not first['questions'])

    def test_only_keeps_the_rest(self):
        self.tune('--budget', '2', '--only', '^gemv_p[45]_i8$')
        before = self.show()
        self.tune(*ONE)
        after = self.show()
        for key in 'entries', 'kept':
            other = [[e for e in shown[key] if '_p4_' not in json.dumps(e)] for shown in (before, after)]
            self.assertEqual(*other)
        self.assertTrue(covered(before) <= covered(after))

    def test_nothing_to_choose(self):
        _, err = self.tune('--only', 'no_such_kind')
        self.assertIn('nothing to choose', err)
        self.assertEqual(self.show()['entries'], [])

    def test_dry_run_writes_nothing(self):
        out, _ = self.tune(*ONE, '--dry-run')
        self.assertNotIn('written', out)
        self.assertEqual(os.listdir(self.home), [])

    def test_quiet_prints_nothing(self):
        self.assertEqual(self.tune(*ONE, '--quiet')[0], '')

    def test_table(self):
        out, _ = self.tune(*ONE)
        self.assertRegex(out, r'(?m)^CPU +\S')
        self.assertRegex(out, r'(?m)^\d+ of \d+ questions asked: \d+ answered with another way than the default, \d+ with the default$')
        self.assertIn('written: ' + self.path('.config'), out)
        self.assertRegex(self.tune('--show')[0], r'(?m)\.json: used$')

    def test_picture(self):
        report = self.report('--budget', '2', '--only', '^gemv_[pt]4_i8$', '--svg', self.path('speed.svg'))
        root = xml.etree.ElementTree.parse(self.path('speed.svg')).getroot()
        self.assertTrue(root.tag.endswith('svg'))
        words = ' '.join(''.join(e.itertext()) for e in root.iter() if e.tag.endswith('text'))
        for wanted in 'tuned and by default', 'weights a second', 'bits a weight':
            self.assertIn(wanted, words)
        timed = [a for a in report['answers'] if not a['threshold'] and a['class'] == 'l2']
        self.assertEqual(bool(timed), 'weights in L2, 1 thread' in words)
        # Whole or not at all.
        out, err = self.tune(*ONE, '--dry-run', '--svg', self.path('no', 'such', 'folder', 'x.svg'), code=IO)
        self.assertIn('--svg', err)
        out, err = self.tune('--budget', '1', '--only', '^round', '--dry-run', '--svg', self.path('empty.svg'), code=IO)
        self.assertIn('nothing was measured', err)
        self.assertFalse(os.path.exists(self.path('empty.svg')))

    @unittest.skipUnless('LSQ_TUNE_WRONG' in os.environ, 'one kernel of each kind in this build')
    def test_wrong_kernels_are_left_out(self):
        wrong = os.environ['WRONG_ROWS'].split()
        command = [*WRAPPER, os.environ['LSQ_TUNE_WRONG']]
        for codec in 'p4', 'p5':
            kind = ('--budget', '1', '--only', f'^gemv_{codec}_i8$')
            usual = next(kernel for (name, *_), (kernel, _) in self.explain_without_file().items() if name == f'gemv_{codec}_i8')
            out, err = self.tune(*kind, '--json', command=command, code=CHECK)
            report = json.loads(out)
            named = [w['kernel'] for w in report['wrong']]
            self.assertTrue(named and set(named) <= set(wrong))
            for name in named:
                self.assertRegex(err, f'WRONG: {name} \\(.+\\)')
            for answer in report['answers']:
                for candidate in answer['kernels'] + answer['numbers'] + [answer['chosen'], answer['default']]:
                    self.assertNotIn(candidate['kernel'], named)
            shown = self.show()
            entries = [e for e in shown['entries'] if kind_of(e) == f'gemv_{codec}_i8']
            for entry in entries:
                self.assertNotIn(entry['kernel'], named)
            if usual in named:  # no product may fall back on it
                self.assertEqual(len({p for e in entries for p in places(e)}), len(CLASSES) * len(BATCHES) * len(CREWS))
                self.assertEqual([n for n in shown['kept'] if n.startswith(f'gemv_{codec}')], [])
                for place, (kernel, _) in self.explain().items():
                    if place[0] == f'gemv_{codec}_i8':
                        self.assertNotIn(kernel, named)
            # Nothing is held against such a file: the default is no measure.
            if usual in named:
                self.tune('--check', '--budget', '1', command=command, code=OK)
                os.unlink(self.show()['files'][0]['path'])

    # ---- Checking a file ----

    def test_check(self):
        _, err = self.tune('--check', code=IO)
        self.assertIn('no tune file', err)
        self.tune(*ONE)
        path = self.show()['files'][0]['path']
        run = self.start('--check', '--budget', '1')
        out, err = run.communicate(timeout=120)
        slower = int(re.search(r'(?m)^\d+ choices timed, (\d+) slower than the default', out).group(1))
        self.assertEqual(run.returncode, CHECK if slower else OK, err)
        # Where everything has been left to the default there is nothing that could be slower.
        document = json.loads(self.read(path))
        self.write(path, seal({**document, 'entries': []}))
        out, _ = self.tune('--check')
        self.assertRegex(out, '^0 choices timed, 0 slower')
        _, err = self.tune('--check', LSQ_TUNE_FILE='none', code=IO)
        self.assertIn('no tune file', err)

    def test_check_finds_slow_choices(self):
        usual = {place[0]: kernel for place, (kernel, _) in self.explain_without_file().items()}
        slow = {k: f'{k}_scalar_r1' for k in ('gemv_p4_i8', 'gemv_p5_i8') if usual[k] != f'{k}_scalar_r1'}
        if not slow:
            return  # one kernel of each kind
        self.tune(*ONE)
        path = self.show()['files'][0]['path']
        document = json.loads(self.read(path))
        document['kept'] = []
        document['entries'] = [{'kernel': kernel, 'threads': 'one', 'ns': 1000, 'default_ns': 2000} for kernel in slow.values()]
        self.write(path, seal(document))
        self.assertTrue(self.show()['used'])
        before = self.read(path)
        report = self.report('--check', '--budget', '2', code=CHECK)
        for answer in report['answers']:
            self.assertEqual(answer['chosen']['kernel'], slow[kind_of(answer)])
            self.assertEqual(answer['default']['kernel'], usual[kind_of(answer)])
            self.assertLess(answer['gain'], 0)
        out, _ = self.tune('--check', '--budget', '2', code=CHECK)
        self.assertRegex(out, f'{len(slow)} slower than the default')
        self.assertEqual(self.read(path), before)

    # ---- Mishaps ----

    def test_a_damaged_file_is_not_believed(self):
        self.tune(*ONE)
        path = self.show()['files'][0]['path']
        text = self.read(path)
        for spoilt in text.replace('"library"', '"librarx"'), text[:-10], text.replace('tune/2', 'tune/3'), '':
            self.write(path, spoilt)
            looked_at = self.show()['files'][0]
            self.assertEqual(looked_at['path'], path)
            self.assertNotEqual(looked_at['result'], 'used')
        self.assertIn('none', self.tune('--show', LSQ_TUNE_FILE='none')[0])
        self.assertFalse(self.show(LSQ_TUNE_FILE=self.path('missing.json'))['used'])

    def test_says_at_once_what_cannot_be_written(self):
        os.mkfifo(self.path('fifo'))
        for target in '/nonexistent/a/b/c.json', self.home, self.path('fifo'), self.path('fifo', 'x'):
            out, err = self.tune('--budget', '3000', '--output', target, code=IO)
            self.assertTrue(target in err and not out)

    @unittest.skipIf(os.geteuid() == 0, 'root may write everywhere')
    def test_read_only_folder(self):
        os.mkdir(self.path('closed'), 0o500)
        out, err = self.tune('--budget', '3000', '--output', self.path('closed', 'tune.json'), code=IO)
        self.assertTrue('closed' in err and not out)
        self.assertEqual(os.listdir(self.path('closed')), [])

    def test_disk_full(self):
        self.tune(*ONE)
        path = self.show()['files'][0]['path']
        before = self.read(path)

        def full():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        out, err = self.tune(*ONE, before=full, code=IO)
        self.assertIn(path, err)
        self.assertNotIn('written', out)
        self.assertEqual(self.read(path), before)
        self.assertEqual(os.listdir(os.path.dirname(path)), [os.path.basename(path)])

    def test_two_at_once(self):
        runs = [self.start(*ONE, '--json') for _ in range(2)]
        ends = [(run.communicate(timeout=120), run.returncode) for run in runs]
        self.assertEqual([code for _, code in ends], [OK, OK], ends)
        shown = self.show()
        self.assertTrue(shown['used'])
        path = shown['files'][0]['path']
        self.assertEqual(os.listdir(os.path.dirname(path)), [os.path.basename(path)])
        covered(shown)

        def is_of(report):
            times = [a['rows'] * a['columns'] / a['chosen']['weights_per_ns'] for a in report['answers'] if a['chosen']['ns']]
            return all(any(abs(e['ns'] - t) <= 1 + 1e-4 * t for t in times) for e in shown['entries'])
        self.assertTrue(any(is_of(json.loads(out)) for (out, _), _ in ends))

    def test_locale(self):
        known = subprocess.run(['locale', '-a'], stdout=subprocess.PIPE, text=True, check=False).stdout.split()
        comma = [name for name in known if name.lower() in ('de_de.utf8', 'de_de.utf-8', 'de_de')]
        if not comma:
            self.skipTest('no locale with a decimal comma')
        self.report(*ONE, LC_ALL=comma[0])
        self.assertTrue(self.show()['used'])
        self.assertTrue(self.show(LC_ALL=comma[0])['used'])

    def test_interrupted(self):
        self.tune(*ONE)
        before = self.show()
        for number in signal.SIGINT, signal.SIGTERM:
            run = self.start('--budget', '40', '--json')
            time.sleep(2)
            if run.poll() is not None:
                return run.communicate()  # one kernel of each kind: nothing takes time
            run.send_signal(number)
            out, err = run.communicate(timeout=120)
            self.assertEqual(run.returncode, 128 + number, err)
            report, now = json.loads(out), self.show()
            self.assertTrue(report['interrupted'])
            self.assertLess(len(report['answers']), report['questions'])
            self.assertEqual(report['written'] is not None, len(report['answers']) > 0)
            self.assertEqual(report['wrong'], [])
            self.assertTrue(now['used'] and covered(before) <= covered(now))
            done = {p for a in report['answers'] if a['op'] == 'gemv' and a['threads'] == 'one' for p in places(a)}
            self.assertTrue(done <= covered(now))


if __name__ == '__main__':
    unittest.main()
