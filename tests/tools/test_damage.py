"""Files that are missing, damaged or not models at all: the exit code says which."""

import os
import resource
import struct
import subprocess
import unittest

from command import CHECK, FIXTURE, IO, MALFORMED, MEMORY, UNSUPPORTED, Case, LSQ, WRAPPER, normal, safetensors


class Damage(Case):
    def setUp(self):
        super().setUp()
        safetensors(self.path('whole.safetensors'), {'w': normal(32, 64), 'b': normal(32)}, {'key': 'value'})
        self.lsq('compress', 'whole.safetensors', '-o', 'whole.lsq', '-c', 's4')
        self.lsq('compress', 'whole.safetensors', '-o', 'old.lsq', '--file-version', '1', '-q')
        self.lsq('decode', 'whole.lsq', '-t', 'w', '-o', 'whole.npy')
        self.wholes = ('whole.safetensors', 'whole.lsq', 'old.lsq', 'whole.npy')

    def refused(self, name, code):
        """All commands that read `name` agree on it, and leave nothing behind."""
        before = self.listing()
        for args in (['info', name], ['verify', name], ['verify', 'whole.lsq', '--against', name],
                     ['compress', name, '-o', 'out.lsq'], ['decode', name, '-o', 'out.safetensors'],
                     ['compress', name, '-o', 'out.lsq', '--file-version', '1']):
            message = self.error(*args, code=code)['message']
            self.assertIn(name, message)
        self.assertEqual(self.listing(), before)

    def test_missing(self):
        self.refused('nothing.lsq', IO)

    def test_folder(self):
        os.mkdir(self.path('folder'))
        self.refused('folder', IO)

    def test_pipe(self):
        os.mkfifo(self.path('pipe'))
        self.refused('pipe', IO)

    def test_not_a_model(self):
        self.write('text', b'Call me Ishmael. ' * 100)
        self.refused('text', UNSUPPORTED)

    def test_cut_short(self):
        for name in self.wholes:
            data = self.read(name)
            for size in (len(data) - 1, len(data) // 2, 70):
                self.write('cut', data[:size])
                self.refused('cut', MALFORMED)

    def test_more_at_the_end(self):
        for name in self.wholes:
            self.write('long', self.read(name) + b'\0')
            self.refused('long', MALFORMED)

    def test_newer_version(self):
        data = bytearray(self.read('old.lsq'))
        data[3] = 3
        self.write('newer', data)
        self.refused('newer', UNSUPPORTED)

    def test_changed_header(self):
        data = bytearray(self.read('whole.lsq'))
        data[-20] ^= 1
        self.write('header', data)
        self.refused('header', MALFORMED)

    def test_changed_contents(self):
        data = bytearray(self.read('whole.lsq'))
        data[200] ^= 1
        self.write('flipped', data)
        self.lsq('info', 'flipped')
        document = self.json('verify', 'flipped', code=CHECK)
        self.assertEqual([t['wrong'] for t in document['tensors'] if not t['ok']], ['does not match its checksum'])
        self.lsq('verify', '-q', 'flipped', code=CHECK)
        before = self.listing()
        self.lsq('decode', 'flipped', '-o', 'out.safetensors', code=MALFORMED)
        self.lsq('compress', 'flipped', '-o', 'out.lsq', code=MALFORMED)
        self.assertEqual(self.listing(), before)

    def test_zip_files(self):
        """A number that does not match the checksum of its entry: found by all but `lsq info`."""
        with open(os.path.join(os.path.dirname(FIXTURE), 'pth', 'linear.pth'), 'rb') as file:
            data = bytearray(file.read())
        self.write('whole.pth', data)
        if subprocess.run([*LSQ, 'info', self.path('whole.pth')], capture_output=True, check=False).returncode == UNSUPPORTED:
            self.skipTest('a build without zlib')
        self.lsq('verify', 'whole.pth')
        data[data.index(b'\0\0\x80\x3f')] ^= 1  # the 1 of 0, 1, 2, ...
        self.write('flipped.pth', data)
        self.lsq('info', 'flipped.pth')
        for args in (['verify', 'flipped.pth'], ['decode', 'flipped.pth', '-o', 'out.safetensors'],
                     ['compress', 'flipped.pth', '-o', 'out.lsq']):
            self.assertIn('checksum', self.error(*args, code=MALFORMED)['message'])

    def test_files_of_old_torch(self):
        """They have no checksums, unlike other .pth files."""
        old = os.path.join(os.path.dirname(FIXTURE), 'pth', 'old.pth')
        _, messages = self.lsq('verify', old)
        self.assertIn('files of this format (pth-legacy) have no checksums', messages)
        self.lsq('decode', old, '-o', 'old.safetensors')
        self.lsq('verify', 'old.safetensors', '--against', old)

    def test_names_that_turn_text_around(self):
        safetensors(self.path('odd.safetensors'), {'a\u202eb\\': normal(2, 2)})
        out, _ = self.lsq('info', 'odd.safetensors')
        self.assertIn('a\\u202eb\\\\', out)
        self.assertNotIn('\u202e', out)
        self.assertEqual(self.json('info', 'odd.safetensors')['tensors'][0]['name'], 'a\u202eb\\')

    def test_names_with_control_characters(self):
        safetensors(self.path('odd.safetensors'), {'a\033[31m': normal(2, 2)})
        self.refused('odd.safetensors', MALFORMED)

    @unittest.skipIf(WRAPPER, 'an emulator needs memory of its own')
    def test_too_little_memory(self):
        with open(LSQ[-1], 'rb') as file:
            if b'__asan' in file.read():
                self.skipTest('the address sanitizer needs all addresses')
        size = 1 << 28
        header = b'{"w":{"dtype":"F8_E4M3","shape":[16384,16384],"data_offsets":[0,%d]}}' % size
        self.write('huge.safetensors', struct.pack('<Q', len(header)) + header)
        os.truncate(self.path('huge.safetensors'), 8 + len(header) + size)  # a hole: takes no space

        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (3 * size, 3 * size))
        self.error('compress', 'huge.safetensors', '-o', 'out.lsq', '--outliers', '0.01', code=MEMORY, before=limit)
        self.assertNotIn('out.lsq', self.listing())


if __name__ == '__main__':
    unittest.main()
