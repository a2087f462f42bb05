"""--help and the manual tell of the same options. $MAN is the folder of the pages' sources."""

import os
import re
import unittest

from command import Case

COMMANDS = ('compress', 'info', 'verify', 'diff', 'export', 'decode', 'plan', 'cpu')
NAMES = {'decode': 'export'}  # other names, whose pages say where the options are
SHARED = {'--json', '--quiet', '--verbose', '--color', '--help'}


class Manual(Case):
    def page(self, name):
        with open(os.path.join(os.environ['MAN'], f'{name}.1.scd'), encoding='ascii') as file:
            return file.read()

    def options_of_page(self, name):
        """{long: short or None} of the headings of a page's options."""
        found = re.findall(r'(?m)^(?:\*(-\w)\*, )?\*(--[\w-]+)\*(?: _.*_)?$', self.page(name))
        return {long: short or None for short, long in found}

    def options_of_help(self, command):
        out, _ = self.lsq(command, '--help')
        found = re.findall(r'(?m)^  (?:(-\w),|   ) (--[\w-]+) ', out)
        return {long: short or None for short, long in found}

    def test_same_options(self):
        for command in COMMANDS:
            options = self.options_of_help(command)
            shared = {long: short for long, short in options.items() if long in SHARED}
            own = {long: short for long, short in options.items() if long not in SHARED}
            page = NAMES.get(command, command)
            self.assertEqual(self.options_of_page(f'lsq-{page}'), own)
            self.assertEqual(self.options_of_page('lsq'), shared)

    def test_exit_codes(self):
        codes = re.findall(r'(?m)^\*(\d+)\*$', self.page('lsq'))
        out, _ = self.lsq('--help')
        self.assertEqual(codes, re.findall(r'(?:: |, |\n)(\d+) [a-z]', out))

    def test_other_names_lead_to_the_page(self):
        for name, command in NAMES.items():
            self.assertIn(f'*lsq-{command}*(1)', self.page(f'lsq-{name}'))
            self.assertEqual(self.options_of_help(name), self.options_of_help(command))

    def test_every_command_has_a_page(self):
        for command in COMMANDS:
            self.assertIn(f'*lsq-{command}*(1)', self.page('lsq'))
            self.assertTrue(self.page(f'lsq-{command}').startswith(f'lsq-{command}(1)\n'))


if __name__ == '__main__':
    unittest.main()
