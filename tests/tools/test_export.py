"""What lsq export, or decode, makes of models: every format, whole or not at all."""

import array
import re
import resource
import shutil
import signal
import struct
import subprocess
import unittest
import zipfile

from command import FIXTURE, IO, UNSUPPORTED, USAGE, Case, floats, noise, normal, read_safetensors, safetensors

FORMATS = {'.safetensors': 'safetensors', '.npz': 'npz', '.npy': 'npy', '.gguf': 'gguf', '.h': 'h', '.lsq': 'lsq1'}


def npy(data):
    """The numbers' type, shape and bytes of a .npy file."""
    length, = struct.unpack('<H', data[8:10])
    found = re.match(r"\{'descr': '(.*)', 'fortran_order': False, 'shape': \((.*)\), \} *\n", data[10:10 + length].decode())
    return found[1], [int(n) for n in found[2].split(',') if n], data[10 + length:]


class Export(Case):
    def setUp(self):
        super().setUp()
        self.tensors = {'w': normal(6, 40), 'b': ('F32', [3], array.array('f', [0.5, -1.25, 3e-41]).tobytes()),
                        'i': ('I64', [2], struct.pack('<2q', -2 ** 63, 7)), 'h': ('F16', [2], struct.pack('<2e', 1.5, -2))}
        safetensors(self.path('in.safetensors'), self.tensors, {'author': 'nobody'})
        self.lsq('compress', 'in.safetensors', '-o', 'in.lsq', '-c', 'c5.none', '--rounding', 'nearest')

    def choice(self, ending):
        return ['-t', 'w'] if ending == '.npy' else []

    def test_the_ending_is_the_format(self):
        for ending, name in FORMATS.items():
            report = self.json('export', 'in.lsq', '-o', 'out' + ending, *self.choice(ending))
            left_out = 3 if ending == '.lsq' else 0
            count = 1 if ending in ('.npy', '.lsq') else 4
            self.assertEqual((report['format'], report['tensors'], report['left_out']), (name, count, left_out))
            self.assertEqual(report['file_bytes'], len(self.read('out' + ending)))
            self.lsq('decode', 'in.lsq', '-o', 'again' + ending, *self.choice(ending))
            if ending != '.h':
                self.assertEqual(self.read('again' + ending), self.read('out' + ending))
                self.lsq('verify', 'out' + ending)

    def test_numbers(self):
        self.lsq('export', 'in.lsq', '-o', 'out.safetensors')
        decoded, metadata = read_safetensors(self.path('out.safetensors'))
        self.assertEqual(metadata, {'author': 'nobody'})
        self.assertEqual({name: decoded[name] for name in 'bih'}, {name: self.tensors[name] for name in 'bih'})
        self.lsq('export', 'in.lsq', '-o', 'out.npz')
        with zipfile.ZipFile(self.path('out.npz')) as archive:
            self.assertIsNone(archive.testzip())
            for name, (dtype, shape, data) in decoded.items():
                kind = {'F32': '<f4', 'I64': '<i8', 'F16': '<f2'}[dtype]
                self.assertEqual(npy(archive.read(f'{name}.npy')), (kind, shape, data))
        self.lsq('export', 'in.lsq', '-t', 'w', '-o', 'w.npy')
        self.assertEqual(npy(self.read('w.npy')), ('<f4', [6, 40], decoded['w'][2]))

    def test_types(self):
        self.lsq('export', 'in.lsq', '-o', 'half.safetensors', '--dtype', 'f16')
        self.lsq('export', 'in.lsq', '-o', 'single.safetensors', '--dtype', 'f32')
        halves, _ = read_safetensors(self.path('half.safetensors'))
        singles, _ = read_safetensors(self.path('single.safetensors'))
        self.assertEqual({name: t[0] for name, t in halves.items()}, {'w': 'F16', 'b': 'F16', 'i': 'I64', 'h': 'F16'})
        self.assertEqual({name: t[0] for name, t in singles.items()}, {'w': 'F32', 'b': 'F32', 'i': 'I64', 'h': 'F32'})
        for name in 'wbh':
            single = floats(singles[name][2])
            self.assertEqual(halves[name][2], struct.pack(f'<{len(single)}e', *single))
        safetensors(self.path('large.safetensors'), {'w': ('F32', [3], array.array('f', [1, 2, 7e4]).tobytes())})
        _, err = self.lsq('export', 'large.safetensors', '-o', 'out.npz', '--dtype', 'f16', code=UNSUPPORTED)
        self.assertIn('w: number 2 is 70000, more than float16 can hold', err)
        self.assertNotIn('out.npz', self.listing())

    def test_chosen_tensors(self):
        self.lsq('export', 'in.lsq', '-o', 'out.safetensors', '-t', 'i', '--tensor', 'w', '-t', 'i')
        self.assertEqual(set(read_safetensors(self.path('out.safetensors'))[0]), {'w', 'i'})
        _, err = self.lsq('export', 'in.lsq', '-o', 'out.npy', '-t', 'i', '-t', 'w', code=USAGE)
        self.assertIn('one tensor, not 2', err)

    def test_version_one(self):
        self.lsq('compress', 'in.safetensors', '-o', 'one.lsq', '--file-version', '1', '-c', 'c5', '--rounding', 'nearest')
        out, _ = self.lsq('export', 'in.lsq', '-o', 'out.lsq')
        self.assertIn('3 left out', out)
        self.assertEqual(self.read('out.lsq'), self.read('one.lsq'))
        self.lsq('export', 'in.safetensors', '-o', 'none.lsq', code=UNSUPPORTED)

    def test_metadata_of_another_file(self):
        def text(s):
            return struct.pack('<Q', len(s)) + s
        pairs = (text(b'general.architecture') + struct.pack('<I', 8) + text(b'llama') +
                 text(b'tokens') + struct.pack('<IIQ', 9, 8, 2) + text(b'a') + text(b'\xc3\xa9') +
                 text(b'general.file_type') + struct.pack('<I', 4))
        tensor = text(b't') + struct.pack('<IQIQ', 1, 1, 0, 0)
        head = b'GGUF' + struct.pack('<IQQ', 3, 1, 3) + pairs + struct.pack('<I', 7) + tensor
        self.write('original.gguf', head + bytes(-len(head) % 32) + bytes(32))
        self.lsq('export', 'in.lsq', '-o', 'out.gguf', '--like', 'original.gguf', '--dtype', 'f16')
        self.assertEqual(self.read('out.gguf')[24:24 + len(pairs) + 4], pairs + struct.pack('<I', 1))
        self.lsq('verify', 'out.gguf')
        self.lsq('export', 'in.lsq', '-o', 'other.gguf', '--like', 'in.lsq', code=USAGE)

    def test_only_with_force(self):
        for ending in FORMATS:
            self.write('out' + ending, b'precious')
            _, err = self.lsq('export', 'in.lsq', '-o', 'out' + ending, *self.choice(ending), code=IO)
            self.assertIn('--force', err)
            self.assertEqual(self.read('out' + ending), b'precious')
            self.lsq('export', 'in.lsq', '-f', '-o', 'out' + ending, *self.choice(ending))
            self.assertNotEqual(self.read('out' + ending), b'precious')

    def test_full_disk(self):
        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
        for ending in ('.npz', '.gguf', '.h'):
            self.lsq('export', FIXTURE, '-o', 'out' + ending, code=IO, before=small_files)
            self.assertNotIn('out' + ending, self.listing())

    def test_interrupted(self):
        safetensors(self.path('large.safetensors'), {f'w{i}': noise(1 << 18) for i in range(96)})
        before = self.listing()
        process = self.start('export', 'large.safetensors', '-o', 'out.h', stderr=subprocess.PIPE)
        self.wait_for_output(process, before)
        process.send_signal(signal.SIGINT)
        self.assertEqual((process.communicate()[1], process.returncode), (b'', -signal.SIGINT))
        self.assertEqual(self.listing(), before)


class Header(Case):
    """Names and numbers that a compiler could take for something else."""

    NAMES = ('a*/b', '// x', '??/', 'end\\', '\u202etext', 'a.b', 'a_b', 'a b', 'int', '0', '\u540d', '/*', '"', 'x' * 1024)
    NUMBERS = {'I8': 'b', 'U8': 'B', 'I16': 'h', 'U16': 'H', 'I32': 'i', 'U32': 'I', 'I64': 'q', 'U64': 'Q'}

    def setUp(self):
        super().setUp()
        tensors = {name: ('F32', [3], struct.pack('<3I', 0x7fc00000, 0xff800000, 0x00000001)) for name in self.NAMES}
        for dtype, code in self.NUMBERS.items():
            bits = 8 * struct.calcsize(code)
            ends = (-2 ** (bits - 1), 2 ** (bits - 1) - 1) if code.islower() else (0, 2 ** bits - 1)
            tensors[dtype] = (dtype, [2], struct.pack('<2' + code, *ends))
        tensors['BOOL'] = ('BOOL', [2], b'\0\1')
        tensors['F64'] = ('F64', [4], struct.pack('<4d', 0.1, -5e-324, float('inf'), -0.0))
        tensors['F16'] = ('F16', [], struct.pack('<e', 6e-8))
        tensors['empty'] = ('F32', [2, 0], b'')
        tensors['matrix'] = normal(32, 64)
        tensors['matrices'] = normal(2, 3, 128)
        safetensors(self.path('in.safetensors'), tensors)
        self.lsq('compress', 'in.safetensors', '-o', 'in.lsq', '-c', 's4')
        self.lsq('export', 'in.lsq', '-o', '7-strange names.h')
        self.text = self.read('7-strange names.h').decode('ascii')

    def test_flash_is_the_sum_of_the_arrays(self):
        sizes = {'float': 4, 'double': 8}
        total = 0
        for kind, count in re.findall(r'static const (\w+) \w+\[(\d+)\]', self.text):
            total += int(count) * sizes.get(kind, int(re.sub(r'\D', '', kind) or 0) // 8)
        self.assertIn(f'\n * {total} bytes of arrays', self.text)

    def test_names_are_told_apart(self):
        names = re.findall(r'static const \w+ (\w+)\[', self.text)
        self.assertEqual(len(names), len(set(names)))
        for name in names:
            self.assertRegex(name, r'\Am7_strange_names_\w+_(numbers|packed|outliers)\Z')
            self.assertNotIn('__', name)

    @unittest.skipUnless(shutil.which('cc') and shutil.which('c++'), 'there are no compilers')
    def test_compiles(self):
        warnings = ['-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fsyntax-only']
        for compiler, standard, ending in (('cc', 'c11', 'c'), ('c++', 'c++17', 'cc')):
            self.write('main.' + ending, b'#include "7-strange names.h"\nextern int x;\nint x = (int)sizeof m7_strange_names_a_b_numbers;\n')
            done = subprocess.run([compiler, '-std=' + standard, *warnings, 'main.' + ending], cwd=self.folder,
                                  stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ''))

    @unittest.skipUnless(shutil.which('cc'), 'there is no compiler')
    def test_numbers_are_exact(self):
        """The arrays as an object file has them."""
        tensors, _ = read_safetensors(self.path('in.safetensors'))
        names = (*self.NUMBERS, 'BOOL', 'F64')
        writes = ''.join(f'fwrite(m7_strange_names_{name}_numbers, sizeof m7_strange_names_{name}_numbers, 1, stdout);\n'
                         for name in names)
        self.write('main.c', f'#include "7-strange names.h"\n#include <stdio.h>\nint main(void)\n{{\n{writes}}}\n'.encode())
        subprocess.run(['cc', '-std=c11', 'main.c', '-o', 'main'], cwd=self.folder, check=True)
        out = subprocess.run([self.path('main')], stdout=subprocess.PIPE, check=True).stdout
        self.assertEqual(out, b''.join(tensors[name][2] for name in names))


if __name__ == '__main__':
    unittest.main()
