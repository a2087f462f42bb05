"""Tables on terminals: they fit, names stay apart, and what a pipe or a wide terminal gets is whole."""

import os
import re
import subprocess
import unittest

from command import CHECK, FIXTURE, OK, Case, drain, normal, safetensors

LAYER = 'language_model.model.decoder.layers.{}.{}'


def cells(line):
    return re.split('  +', line.strip())


class Terminal(Case):
    def setUp(self):
        super().setUp()
        tensors = {}
        for i in (10, 11, 12):
            tensors[LAYER.format(i, 'self_attn.q_proj.weight')] = normal(32, 64)
            tensors[LAYER.format(i, 'self_attn.k_proj.lora_adapters.default_adapter_2.weight')] = normal(32, 64)
            tensors[LAYER.format(i, 'mlp.gate_up_proj.bias')] = normal(32)
        tensors['\u0432\u0435\u0441\u0430' * 12] = normal(32, 8, 3, 3)
        safetensors(self.path('m.safetensors'), tensors, {'format': 'pt', 'note': 'word ' * 40})
        self.lsq('compress', 'm.safetensors', '-o', 'm.lsq')

    def shown(self, columns, *args, code=OK):
        """The lines of it on a terminal."""
        leader, follower = self.terminal(columns)
        process = self.start(*args, stdout=follower, stderr=subprocess.DEVNULL, env={'NO_COLOR': '1'})
        os.close(follower)
        text = drain(leader)
        self.assertEqual(process.wait(), code)
        return text.replace('\r\n', '\n').splitlines()

    RUNS = [(('compress', '-f', 'm.safetensors', '-o', 'a.lsq'), OK),
            (('compress', '-fv', 'm.safetensors', '-o', 'a.lsq'), OK),
            (('compress', '-f', FIXTURE, '-o', 'a.lsq', '--outliers', '0.01'), OK),
            (('info', 'm.lsq'), OK), (('info', '-v', FIXTURE), OK),
            (('verify', '-v', 'm.lsq'), OK), (('verify', 'm.lsq', '-a', 'm.safetensors'), OK),
            (('verify', 'm.lsq', '-a', FIXTURE), CHECK), (('verify', '-l', 'm.lsq', '-a', 'm.safetensors'), OK),
            (('diff', 'm.lsq', 'm.safetensors'), CHECK), (('cpu', 't4', '4096x1024'), OK), (('cpu', '-v'), OK)]

    def test_lines_fit(self):
        for args, code in [*self.RUNS, (('compress', '-nb', '4', 'm.safetensors'), OK)]:
            lines = self.shown(80, *args, code=code)
            self.assertTrue(lines)
            self.assertEqual([line for line in lines if len(line) > 80], [], args)

    def test_wide_terminals_get_what_pipes_get(self):
        for args, code in self.RUNS:
            out, _ = self.lsq(*args, code=code, stderr=subprocess.DEVNULL)
            lines = [self.shown(1000, *args, code=code), out.splitlines()]
            self.assertEqual(*([line for line in each if 'resident memory' not in line] for each in lines))

    def test_names_stay_apart(self):
        """A name that is cut keeps the number of its layer, and where there is room its end."""
        for args in ('diff', '-v', 'm.lsq', 'm.lsq'), ('info', '-v', 'm.lsq'), ('verify', '-v', 'm.lsq'):
            names = [cells(line)[0] for line in self.shown(80, *args) if '...' in line]
            layers = [name for name in names if re.search(r'\b1[012]\.', name)]
            self.assertEqual(len(layers), 9, args)
            self.assertEqual(len(set(layers)), 9, args)
            self.assertTrue(all(name.endswith(('weight', 'bias')) for name in layers))
        self.assertRegex('\n'.join(self.shown(80, 'info', 'm.lsq')), r'(?m)^lan.*layers\.10\.\.12 ')

    def test_what_does_not_fit_goes_below(self):
        """With -v no column is left out, and each part of the table has all names."""
        args = 'compress', '-fv', FIXTURE, '-o', 'a.lsq'
        whole = cells(self.lsq(*args)[0].splitlines()[0])
        parts = '\n'.join(self.shown(80, *args)).split('\n\nnot quantised')[0].split('\n\n')
        self.assertGreater(len(parts), 1)
        self.assertEqual(sum((cells(part.splitlines()[0])[1:] for part in parts), []), whole[1:])
        for part in parts:
            self.assertEqual(len(part.splitlines()), len(parts[0].splitlines()))


if __name__ == '__main__':
    unittest.main()
