"""The manual tells of every command and exit code; its options are those of --help by tools/regenerate.py. $MAN is the folder of sources."""

import os
import re
import unittest

from command import Case

COMMANDS = ('compress', 'info', 'verify', 'diff', 'export', 'plan', 'cpu')


class Manual(Case):
    def page(self, name):
        with open(os.path.join(os.environ['MAN'], f'{name}.1.scd'), encoding='ascii') as file:
            return file.read()

    def test_exit_codes(self):
        codes = re.findall(r'(?m)^\*(\d+)\*$', self.page('lsq'))
        out = ' '.join(self.lsq('--help')[0].split())
        self.assertEqual(codes, re.findall(r'(?:: |, )(\d+) [a-z]', out))

    def test_the_other_name_leads_to_the_page(self):
        self.assertIn('*lsq-export*(1)', self.page('lsq-decode'))
        self.assertEqual(self.lsq('decode', '--help'), self.lsq('export', '--help'))

    def test_every_command_has_a_page(self):
        for command in COMMANDS:
            self.assertIn(f'*lsq-{command}*(1)', self.page('lsq'))
            self.assertTrue(self.page(f'lsq-{command}').startswith(f'lsq-{command}(1)\n'))


if __name__ == '__main__':
    unittest.main()
