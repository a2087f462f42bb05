"""
What bash offers behind lsq, lsq-tune and lsq-bench is what they take: compared with --help, both ways. $COMPLETION is the folder of the
files, $LSQ_TUNE and $LSQ_BENCH the other commands where they are built.
"""

import os
import re
import shutil
import subprocess
import unittest

from command import LSQ, WRAPPER, Case

COMMANDS = {'lsq': LSQ}
for name, variable in (('lsq-tune', 'LSQ_TUNE'), ('lsq-bench', 'LSQ_BENCH')):
    if os.environ.get(variable):
        COMMANDS[name] = [*WRAPPER, os.environ[variable]]

# As bash calls a completion: words are split at = too.
SCRIPT = '''
source "$1" || exit 1
shift
function=$(complete -p "$1"); function=${function##*-F }; function=${function%% *}
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
'''


def helped(command, *args):
    return subprocess.run([*COMMANDS[command], *args, '--help'], stdout=subprocess.PIPE, text=True, check=True).stdout


def options_in(text):
    """{long: its line, the rest of the help joined to it} of a part of --help."""
    found = re.findall(r'(?m)^  (?:-\w, |    )(--[\w-]+)(.*)$', re.sub(r'\n {20,}', '  ', text))
    return dict(found)


def bench_suites():
    """{suite: {long: its line}} of lsq-bench."""
    names = re.findall(r'(?m)^(?:usage:|      ) lsq-bench (\w+)', helped('lsq-bench'))
    return {name: options_in(helped('lsq-bench', name)) for name in names}


@unittest.skipUnless(shutil.which('bash'), 'there is no bash')
class Completion(Case):
    def offers(self, *words):
        """For the last of the words, what may stand there."""
        path = os.path.join(os.environ['COMPLETION'], words[0])
        done = subprocess.run(['bash', '--norc', '-c', SCRIPT, 'bash', path, *words], cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ''), words)
        return [word for word in done.stdout.splitlines() if word]

    def expect(self, offered, expected, words=()):
        self.assertEqual(sorted(offered), sorted(expected), words)

    def expect_values(self, words, option, line):
        """Values that are offered behind an option are in its line of --help; with `option=` the same ones are."""
        values = self.offers(*words, option, '')
        for value in values:
            if not re.fullmatch(r'[cstb]\d', value):
                self.assertRegex(line, rf'\b{value}\b')
        self.expect(self.offers(*words, option, '='), values, option)
        for value in values:
            self.assertIn(value, self.offers(*words, option, '=', value[:1]))
        return values

    def formats(self):
        """As lsq --version has them, "c3..c9, s2..s9, t1..t6, b1"."""
        out, _ = self.lsq('--version')
        return [f'{a}{n}' for a, low, high in re.findall(r'\b([a-z])(\d)(?:\.\.\1(\d))?[,\n]', out)
                for n in range(int(low), int(high or low) + 1)]


class Lsq(Completion):
    def commands(self):
        return re.findall(r'(?m)^  (\w+)  ', helped('lsq'))

    def test_commands(self):
        self.expect(self.offers('lsq', ''), [*self.commands(), 'help', '--help', '--version'])
        self.expect(self.offers('lsq', 'help', ''), self.commands())
        self.expect(self.offers('lsq', 'comp'), ['compress'])
        self.expect(self.offers('lsq', 'help', 'cpu', ''), [])
        self.expect(self.offers('lsq', 'nonsense', '--'), [])

    def test_options(self):
        for command in self.commands():
            options = options_in(helped('lsq', command))
            self.assertGreaterEqual(len(options), 5)
            self.expect(self.offers('lsq', command, '--'), options, command)
            self.expect(self.offers('lsq', command, 'a.lsq', '-'), options, command)

    def test_values(self):
        with_values = set()
        for command in self.commands():
            for option, line in options_in(helped('lsq', command)).items():
                if re.match(r' \S', line) and command != 'cpu' and self.expect_values(['lsq', command], option, line):
                    with_values.add(option)
        self.assertEqual(with_values, {'--color', '--dtype', '--codec', '--scale', '--states', '--rounding', '--output-axis',
                                       '--file-version'})

    def test_formats(self):
        self.expect(self.offers('lsq', 'compress', '-c', ''), self.formats())
        self.expect(self.offers('lsq', 'cpu', ''), self.formats())
        self.expect(self.offers('lsq', 'cpu', '-n', '4', '--trans', 's'), [f for f in self.formats() if f[0] == 's'])
        self.expect(self.offers('lsq', 'cpu', 's4', ''), [])
        self.expect(self.offers('lsq', 'cpu', '-n', ''), [])
        self.expect(self.offers('lsq', 'cpu', '--color', ''), ['auto', 'always', 'never'])

    def test_qualified_formats(self):
        """All are formats, and nothing that lsq names is missing."""
        _, err = self.lsq('cpu', 'nonsense', '4x4', code=2)
        named = set(re.findall(r' \.([a-z]+\d*)', err))
        offered = set()
        for start in ('c4.', 's4.', 't4.', 'b1.', 't4.st64.n', 'c4.b', 's4.curve'):
            names = self.offers('lsq', 'cpu', start)
            self.assertTrue(names)
            for name in names:
                self.assertTrue(name.startswith(start), name)
                self.lsq('cpu', '-q', name, '4x4')
                offered.add(name.rsplit('.')[-1])
        self.assertLessEqual(named, offered)


@unittest.skipUnless('lsq-tune' in COMMANDS, 'lsq-tune is not built')
class Tune(Completion):
    def test_options(self):
        options = options_in(helped('lsq-tune'))
        self.assertIn('--print-path', options)
        self.expect(self.offers('lsq-tune', '--'), options)
        self.expect(self.offers('lsq-tune', '--svg', ''), []) # names of files, as everywhere where nothing is offered


@unittest.skipUnless('lsq-bench' in COMMANDS, 'lsq-bench is not built')
class Bench(Completion):
    def test_suites(self):
        suites = bench_suites()
        self.assertIn('gemm', suites)
        self.expect(self.offers('lsq-bench', ''), suites)
        for suite, options in suites.items():
            self.expect(self.offers('lsq-bench', suite, '--'), options, suite)
        self.expect(self.offers('lsq-bench', '--'), suites['gemv'])
        self.expect(self.offers('lsq-bench', '--filter', 'x', '--'), suites['gemv'])

    def test_values(self):
        for suite, options in bench_suites().items():
            for option, line in options.items():
                values = self.expect_values(['lsq-bench', suite], option, line) if re.match(r' \S', line) else ()
                if option == '--codec':
                    self.expect(values, self.formats())
                if option == '--format':
                    self.expect(values, ['text', 'md', 'csv', 'json'])
        self.expect(self.offers('lsq-bench', 'layers', '-a', ''), ['int', 'float'])
        self.expect(self.offers('lsq-bench', 'snr', '-s', 'g'), ['gauss'])
        self.expect(self.offers('lsq-bench', 'gemm', '-s', ''), []) # a file for the drawing


if __name__ == '__main__':
    unittest.main()
