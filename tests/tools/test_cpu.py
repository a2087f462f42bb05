"""lsq cpu: the machine, the kernel of each kind of product, and one product explained; under tune files of every sort."""

import json
import os
import re
import unittest

from command import USAGE, Case


def seal(document):
    """The text of a tune file with the checksum of lsq-tune(5) as its last member."""
    text, hash = json.dumps(document)[:-1] + ', ', 0xcbf29ce484222325
    for byte in text.encode():
        hash = (hash ^ byte) * 0x100000001b3 % 2**64
    return f'{text}"checksum": "{hash:016x}"\n}}\n'


class Cpu(Case):
    def setUp(self):
        super().setUp()
        self.place = self.json('cpu', env=self.usual())['tune_files'][0]['path']

    def usual(self, **more):
        """Settings with which a file is looked for in this test's folder."""
        return {'LSQ_TUNE_FILE': '', 'XDG_CONFIG_HOME': self.folder, 'XDG_CONFIG_DIRS': '/nonexistent', **more}

    def tune(self, entries, **more):
        os.makedirs(os.path.dirname(self.place), exist_ok=True)
        fingerprint = re.search(r'tune-(\w+)\.json$', self.place).group(1)
        with open(self.place, 'w', encoding='ascii') as file:
            file.write(seal({'schema': 'lsq.tune/2', 'fingerprint': fingerprint, 'cpu': 'any', 'library': 'any',
                             'kernels': self.json('cpu')['kernels'], 'entries': entries, 'kept': [], **more}))

    def rows(self, *args, **more):
        """The table of kernels: (operation, weights, activations, kernel, where) of each row, blanks filled in."""
        out, _ = self.lsq('cpu', *args, env=self.usual(**more))
        found, last = [], None
        lines = out[out.index('\noperation'):].splitlines()[1:]
        columns = [match.start() for match in re.finditer(r'(?<=  )\S|^\S', lines[0])]
        for line in lines[1:]:
            cells = [line[a:b].strip() for a, b in zip(columns, [*columns[1:], None])]
            last = cells[:3] if cells[0] else last
            found.append((*last, *cells[3:]))
        return found

    def of(self, rows, op='gemv', codec='p4', act='i8'):
        return [row[3:] for row in rows if row[:3] == (op, codec, act)]


class General(Cpu):
    def test_every_kind_has_a_row(self):
        products = self.json('cpu')['products']
        rows = self.rows('-v')
        self.assertEqual(rows, [(p['op'], p['codec'], p['act'], p['default'], '') for p in products])
        self.assertEqual(self.rows(), [r for r in rows if r[0] == 'gemv' and r[2] != 'f32'])

    def test_a_kernel_everywhere_is_one_row(self):
        name = 'gemv_p4_i8_scalar_r1'
        forced = self.json('cpu', env={'LSQ_KERNEL': name})
        default = self.of([(p['op'], p['codec'], p['act'], p['default'], '') for p in forced['products']])[0][0]
        instead = next(p for p in forced['products'] if (p['op'], p['codec'], p['act']) == ('gemv', 'p4', 'i8'))
        if default != name: # 24 places, each of which the table knows
            self.assertEqual(len(instead['instead']), 24)
        self.assertEqual(self.of(self.rows(LSQ_KERNEL=name)), [(name, '')])

    def test_places_that_agree_stand_together(self):
        usual, other = self.of(self.rows())[0][0], 'gemv_p4_i8_scalar_r1'
        if usual == other:
            self.skipTest('this machine has one kernel of the kind')
        for places, told in ((({'class': 'l2', 'prefetch': 1024},), ((', prefetch 1024', 'L2'),)),
                             (({'class': 'l1'}, {'class': 'l2'}), (('', 'L1 and L2'),)),
                             (({'class': 'l2'}, {'class': 'l3'}, {'class': 'dram'}), (('', 'L2 to memory'),)),
                             (({'batch': 'one'}, {'class': 'l2', 'batch': 'few'}), (('', '1 column'), ('', 'L2, 2 to 15 columns'))),
                             (({'batch': 'many', 'threads': 'one'}, {'batch': 'few', 'threads': 'one'}),
                              (('', '2 or more columns, 1 thread'),)),
                             (({'class': 'dram', 'batch': 'few', 'threads': 'many', 'thread_bytes': 16384},),
                              ((', thread_bytes 16384', 'memory, 2 to 15 columns, several threads'),))):
            self.tune([{'kernel': other, **place} for place in places])
            self.assertEqual(self.of(self.rows()), [(usual, 'elsewhere'), *((other + more, where) for more, where in told)])

    def test_files_are_told_of(self):
        self.tune([])
        out, _ = self.lsq('cpu', env=self.usual())
        self.assertRegex(out, rf'(?m)^{re.escape(self.place)}  used$')
        for change, words in (({'kernels': '0' * 16}, 'stale: '), ({'fingerprint': '0' * 16}, 'foreign: '),
                              ({'schema': 'lsq.tune/1'}, '"schema" is not "lsq.tune/2"')):
            self.tune([], **change)
            out, _ = self.lsq('cpu', env=self.usual())
            self.assertRegex(out, rf'(?m)^{re.escape(self.place)} +{words}')
            self.assertRegex(out, r'(?m)^/nonexistent/.*No such file')
            out, _ = self.lsq('cpu', 's4', '64x64', env=self.usual())
            self.assertRegex(out, rf'(?m)^{re.escape(self.place)} +{words}')


class Product(Cpu):
    def explain(self, *args, **more):
        """{head: text} of the lines, and {kernel: (tunables, why)}."""
        out, _ = self.lsq('cpu', *args, env=self.usual(**more))
        lines, kernels = out.split('\n\n')[:2]
        heads, *rows = kernels.splitlines()
        at = [heads.index(word) for word in ('kernel', 'tunables', 'why')]
        return (dict(re.split(r' {2,}', line, maxsplit=1) for line in lines.splitlines()),
                {row[:at[1]].strip(): (row[at[1]:at[2]].strip(), row[at[2]:]) for row in rows})

    def test_lines(self):
        lines, kernels = self.explain('s4', '64x100', LSQ_MAX_ISA='scalar')
        self.assertEqual(lines['product'], 'W B, where W has 64 rows and 100 columns in s4, and B has 1 column')
        self.assertRegex(lines['weights'], r'4\.\d KiB packed, found in the first data cache \([\d.]+ .iB\) .*: class l1$')
        self.assertEqual(lines['threads'], '1, which is all that was allowed')
        self.assertEqual(lines['way'], 'straight from the codes')
        self.assertEqual(lines['activations'], 'rounded to 8 bits')
        self.assertEqual(list(kernels), ['round_x_i8_scalar_r1', 'gemv_p4_i8_scalar_r1'])
        self.assertEqual(kernels['gemv_p4_i8_scalar_r1'], ('prefetch 4096, thread_bytes 131072', 'default'))

    def test_columns_and_transposed(self):
        lines, _ = self.explain('s4', '64x64', '-n', '3')
        self.assertRegex(lines['way'], r'straight from the codes: expanding them pays from \d+ columns on$')
        lines, kernels = self.explain('s4', '64x64', '-n', '3', LSQ_MAX_ISA='scalar')
        self.assertRegex(lines['way'], '^3 columns at once, straight from the codes')
        self.assertEqual(list(kernels), ['round_x_i8_scalar_r1', 'gemm_p4_i8_scalar_r1'])
        lines, kernels = self.explain('s8', '64x64', '--columns=300')
        self.assertIn('256 columns at once', lines['way'])
        self.assertEqual([name.split('_')[0] for name in kernels], ['round', 'expand', 'gemm'])
        self.assertEqual(lines['activations'], 'rounded to 13 bits')
        lines, kernels = self.explain('t3.st64', '1000000x4096', '-n9', '--trans')
        self.assertIn('W^T B', lines['product'])
        self.assertRegex(lines['weights'], r'^1\.\d GiB packed, more than the last cache .*: class dram$')
        self.assertEqual([name.split('_')[0] for name in kernels], ['expand', 'gemvt'])
        self.assertIn('expanded for 9 columns at once', lines['way'])
        lines, kernels = self.explain('t3', '64x64', '--trans', LSQ_MAX_ISA='scalar')
        self.assertEqual(lines['way'], 'straight from the codes, added row after row')
        self.assertEqual(list(kernels), ['gemvt_t3_i8_scalar_r1'])
        lines, kernels = self.explain('s8', '64x64', '--trans')
        self.assertIn('expanded for 1 column at once', lines['way'])
        self.assertEqual([name.split('_')[0] for name in kernels], ['expand', 'gemvt'])

    def test_reasons(self):
        name = 'gemv_p4_i8_scalar_r1'
        usual = self.json('cpu', 's4', '64x64')['kernels'][1]['kernel']
        self.tune([{'kernel': name, 'ns': 100, 'default_ns': 150, 'prefetch': 0}])
        _, kernels = self.explain('s4', '64x64')
        than = usual if usual != name else "with the default's tunables"
        self.assertEqual(kernels[name], ('prefetch 0, thread_bytes 131072',
                                         f'tuned, measured 1.50 times as fast as {than}'))
        if usual == name:
            return
        _, kernels = self.explain('s4', '64x64', LSQ_KERNEL=name)
        self.assertEqual(kernels[name][1], f'named by LSQ_KERNEL, instead of {usual}')
        self.tune([{'kernel': usual}])
        self.assertEqual(self.explain('s4', '64x64')[1][usual][1], 'tuned')
        _, kernels = self.explain('s4', '64x64', LSQ_MAX_ISA='scalar')
        self.assertIn('LSQ_MAX_ISA', kernels[name][1])

    def test_json(self):
        document = self.json('cpu', 't4', '300x500', '-n', '20', env={'LSQ_MAX_ISA': 'nonsense'})
        self.assertEqual((document['schema'], document['m'], document['k'], document['n'], document['transposed']),
                         ('lsq.product/1', 300, 500, 20, False))
        self.assertEqual(len(document['warnings']), 1)
        self.assertTrue(self.json('cpu', 't4', '300x500', '--trans')['transposed'])
        self.assertEqual(self.lsq('cpu', '-q', 't4', '300x500'), ('', ''))

    def test_wrong_usage(self):
        for args in (['s4'], ['s4', '4x'], ['s4', 'x4'], ['s4', '4x4x4'], ['s4', '0x4'], ['s4', '4 x 4'], ['q4', '4x4'],
                     ['s4', '4x4', '-n', '0'], ['s4', '4x4', '-n', ''], ['s4', '4x4', '-n', '2.5'], ['-n', '2'],
                     ['--trans'], ['s4', '4x4', '4'], ['s4', '99999999999999999999x4'], ['s4', '1099511627776x1099511627776']):
            self.assertEqual(self.lsq('cpu', *args, code=USAGE)[0], '', args)
            self.assertEqual(self.error('cpu', *args, code=USAGE)['error'], 'usage', args)


if __name__ == '__main__':
    unittest.main()
