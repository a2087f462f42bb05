#!/usr/bin/env python3
"""
What follows from the tables of options, and so from --help: bash completion, and in the manual the heads of options, their order, and the
list of commands. The files are part of the source, so that builds which cannot run the commands have them; a test says if they
are behind. Whoever adds an option writes its row, runs this, and replaces the line that an option of the manual then has by a text.
usage: regenerate.py [--check] ROOT LSQ [LSQ-TUNE] [LSQ-BENCH]     where a command is its words, as a shell would split them
"""

import os
import re
import shlex
import subprocess
import sys

LETTERS, LONG = r'-(\w),', r'--([\w-]+)'
OPTION = re.compile(rf'  (?:{LETTERS}|   ) {LONG}(?: (\S+))?(?:  +(\S.*))?')
MORE = re.compile(r' {20,}(\S.*)')
HEAD = r'(?:\*-\w\*, )?\*--[\w-]+\*(?: _.*_)?' # of an option in the manual
BEGIN, END = '# ---- From --help, by tools/regenerate.py ----', '# ---- to here ----'


class Option:
    def __init__(self, letter, name, argument, text):
        self.letter, self.name, self.argument, self.text = letter, name, argument, text

    def spellings(self):
        return [f'--{self.name}'] + ([f'-{self.letter}'] if self.letter else [])

    def head(self):
        """As the manual has it."""
        value = f' _{self.argument}_'.replace('|', '_|_') if self.argument else ''
        return (f'*-{self.letter}*, ' if self.letter else '') + f'*--{self.name}*{value}'


def run(command, *args):
    return subprocess.run([*command, *args], stdout=subprocess.PIPE, text=True, check=True).stdout


def options_of(text):
    """The options of one --help."""
    options = []
    for line in text.splitlines():
        option, more = OPTION.fullmatch(line), MORE.fullmatch(line)
        if option:
            options.append(Option(*option.groups()[:3], option[4] or ''))
        elif more and options:
            options[-1].text = f'{options[-1].text} {more[1]}'.strip()
    return options


def codecs(lsq):
    """As --version has them, "Codecs: c3..c9, s2..s9, t1..t6, b1"."""
    listed = re.search(r'^Codecs: (.*)$', run(lsq, '--version'), re.M)[1]
    names = (re.fullmatch(r'([a-z])(\d)(?:\.\.\1(\d))?', part).groups() for part in listed.split(', '))
    return [f'{letter}{n}' for letter, first, last in names for n in range(int(first), int(last or first) + 1)]


# ---- Completion ----

def joined(words, between, indent, newline='\n'):
    """In lines that are not too long."""
    text, column = '', 0
    for word in words:
        if text and column + len(word) > 110:
            text, column = f'{text}{between.rstrip()}{newline}{" " * indent}', indent
        elif text:
            text, column = text + between, column + len(between)
        text, column = text + word, column + len(word)
    return text


def quoted(words):
    return f"'{joined(words, ' ', 12)}'"


def values_of(option):
    """What may stand behind an option, in bash's words; '' if anything may."""
    if option.argument == 'CODEC':
        return '$formats'
    return quoted(option.argument.split('|')) if option.argument and '|' in option.argument else ''


def values_behind(commands):
    """{values: patterns of command:option}; the command is * where an option is the same in all that have it."""
    known = {}
    for command, options in commands.items():
        for option in options:
            for spelling in option.spellings():
                known.setdefault(spelling, {})[command] = values_of(option)
    patterns = {}
    for spelling, values in known.items():
        for command, value in values.items():
            if value:
                same = len(set(values.values())) == 1
                patterns.setdefault(value, {})[f'{"*" if same else command}:{spelling}'] = None
    return patterns


def table(name, commands, formats):
    """The function of a completion that knows the options: of the command $1, and what may stand behind its option $2."""
    lines = [f'_{name}_table()', '{', f'    commands={quoted(filter(None, commands))}',
             f'    formats={quoted(formats)}', '    case $1 in']
    for command, options in commands.items():
        lines.append(f'    {command or "*"}) own={quoted([f"--{o.name}" for o in options])} ;;')
    lines += ['    esac', '    case $1:$2 in']
    for values, where in values_behind(commands).items():
        patterns = joined(where, ' | ', 4, ' \\\n')
        lines.append(f'    {patterns}) values={values} ;;')
    return '\n'.join([*lines, '    esac', '}'])


def completion(text, made):
    before, rest = text.split(BEGIN + '\n')
    return f'{before}{BEGIN}\n{made}\n{END}\n' + rest.split(END + '\n')[1]


# ---- Manual ----

def manual(text, options):
    """A page with these options in its section of them: in their order, under their heads, with the texts that are there."""
    if options and not re.search(r'(?m)^# OPTIONS', text):
        text = text.replace('# EXIT STATUS', '# OPTIONS\n\n# EXIT STATUS')
    section = re.search(r'(?ms)^# OPTIONS[^\n]*\n\n(.*?)(?=^# |\Z)', text)
    if not section:
        return text
    parts = re.split(rf'(?m)^(?={HEAD}$)', section[1])
    texts, rest = {}, ''
    for part in parts[1:]:
        head, body = part.split('\n', 1)
        body, *after = re.split(r'(?m)^(?=[^\t\n])', body, maxsplit=1)
        texts[re.search(r'\*--([\w-]+)\*', head)[1]] = body
        rest += ''.join(after)
    made = ''.join(f'{o.head()}\n' + texts.get(o.name, f'\t{o.text[:1].upper()}{o.text[1:]}.\n\n') for o in options)
    return text[:section.start(1)] + parts[0] + made.rstrip('\n') + '\n\n' + rest + text[section.end(1):]


def list_of_commands(text, summaries):
    made = ''.join(f'*lsq-{name}*(1)\n\t{summary}.\n\n' for name, summary in summaries.items())
    return re.sub(r'(?ms)^# COMMANDS\n\n.*?(?=^# )', lambda match: f'# COMMANDS\n\n{made}', text)


def summaries_of(text):
    listed = re.search(r'(?ms)^Commands:\n(.*?)\n\n', text)[1]
    return dict(re.findall(r'^  (\w+) +(\S.*?)$', re.sub(r'\n {10,}', ' ', listed), re.M))


# ---- All of it ----

def merged(commands):
    """The options of all commands, each once, with a letter if any command has one for it; those that all have come last."""
    options = {}
    for option in (o for own in commands.values() for o in own):
        known = options.setdefault(option.name, option)
        known.letter = known.letter or option.letter
    everywhere = [name for name in options if all(name in (o.name for o in own) for own in commands.values())]
    return [options[name] for name in options if name not in everywhere] + [options[name] for name in everywhere]


def lsq_files(lsq):
    """[(path, what becomes of its text)]."""
    summaries = summaries_of(run(lsq, '--help'))
    commands = {name: options_of(run(lsq, name, '--help')) for name in summaries}
    shared = [o for o in commands['info'] if all(o.name in (p.name for p in own) for own in commands.values())]
    names = [o.name for o in shared]
    yield 'tools/completion/lsq', lambda text: completion(text, table('lsq', commands, codecs(lsq)))
    yield 'docs/man/lsq.1.scd', lambda text: manual(list_of_commands(text, summaries), shared)
    for name, options in commands.items():
        own = [o for o in options if o.name not in names]
        yield f'docs/man/lsq-{name}.1.scd', lambda text, own=own: manual(text, own)


def tune_files(lsq, tune):
    options = options_of(run(tune, '--help'))
    yield 'tools/completion/lsq-tune', lambda text: completion(text, table('lsq_tune', {'': options}, codecs(lsq)))
    yield 'docs/man/lsq-tune.1.scd', lambda text: manual(text, options)


def bench_files(lsq, bench):
    suites = re.findall(r'(?m)^(?:usage:|      ) lsq-bench (\w+)', run(bench, '--help'))
    commands = {suite: options_of(run(bench, suite, '--help')) for suite in suites}
    yield 'tools/completion/lsq-bench', lambda text: completion(text, table('lsq_bench', commands, codecs(lsq)))
    yield 'docs/man/lsq-bench.1.scd', lambda text: manual(text, merged(commands))


def main(root, lsq, *others, check):
    files = list(lsq_files(lsq))
    for command in others:
        files += (tune_files if command[-1].endswith('lsq-tune') else bench_files)(lsq, command)
    behind = 0
    for path, change in files:
        with open(os.path.join(root, path), encoding='ascii') as file:
            text = file.read()
        made = change(text)
        if made == text:
            continue
        behind += 1
        print(f'{path}: {"is behind --help: run ninja regenerate" if check else "written"}')
        if not check:
            with open(os.path.join(root, path), 'w', encoding='ascii') as file:
                file.write(made)
    return 1 if check and behind else 0


if __name__ == '__main__':
    words = [word for word in sys.argv[1:] if word != '--check']
    sys.exit(main(words[0], *map(shlex.split, words[1:]), check='--check' in sys.argv))
