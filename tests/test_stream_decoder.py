#!/usr/bin/env python3
"""
The example stream_decoder: the same logits out of a stream and out of the open file, and other ones after one bit was changed.
usage: test_stream_decoder.py STREAM_DECODER LSQ_BENCH
"""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import unittest

DECODER, BENCH = sys.argv[1:3]
EMULATOR = os.environ.get('WRAPPER', '').split()


def run(program, *arguments, **env):
    return subprocess.run([*EMULATOR, program, *arguments], capture_output=True, text=True, timeout=100, env={**os.environ, **env})


def header_of(path):
    with open(path, 'rb') as file:
        head = file.read(64)
        file.seek(int.from_bytes(head[16:24], 'little'))
        return json.loads(file.read())


def flip(path, tensor):
    """A bit in the middle of a tensor."""
    begin, end = header_of(path)['tensors'][tensor]['data_offsets']
    with open(path, 'r+b') as file:
        file.seek((begin + end) // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 16]))


class Decoder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = os.path.join(cls.folder.name, 'twin.lsq')
        made = run(BENCH, 'stream', '--make', '2x256', '--codec', 't4', cls.path)
        assert made.returncode == 0, made.stderr

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def logits(self, memory='1', **env):
        done = run(DECODER, self.path, memory, **env)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('the same bits', done.stdout)
        streamed, opened = re.findall(r'logits ([0-9a-f]{16})', done.stdout)
        self.assertEqual(streamed, opened)
        return streamed

    def test_a_bit_of_the_last_layer_changes_the_logits(self):
        before = self.logits()
        self.assertEqual(before, self.logits('100'))
        for tensor in ('model.layers.1.mlp.down_proj.weight', 'model.layers.1.self_attn.v_proj.weight', 'lm_head.weight'):
            flip(self.path, tensor)
            self.assertNotEqual(before, self.logits(), tensor)
            flip(self.path, tensor)
        flip(self.path, 'model.layers.1.self_attn.q_proj.weight')  # which nothing meets at the first position
        self.assertEqual(before, self.logits())
        flip(self.path, 'model.layers.1.self_attn.q_proj.weight')

    def test_any_instruction_set_gives_the_same_logits(self):
        best = self.logits()
        for isa in ('scalar',) if EMULATOR or platform.machine() != 'x86_64' else ('scalar', 'sse41', 'avx2', 'avx512', 'avx512icl'):
            self.assertEqual(best, self.logits(LSQ_MAX_ISA=isa), isa)

    def test_the_stream_does_not_hold_the_file(self):
        done = run(DECODER, self.path, '1')
        read, stayed, taken = (float(n) for n in re.search(
            r'([\d.]+) MB read, ([\d.]+) MB stayed, ([\d.]+) MB taken', done.stdout).groups())
        size = os.path.getsize(self.path) / 1e6
        self.assertGreater(size, 1.2)
        self.assertLessEqual(taken, 1.1)
        self.assertGreater(read, size)
        self.assertLess(stayed, taken)

    def test_what_is_no_network_is_refused(self):
        other = os.path.join(self.folder.name, 'other')
        with open(other, 'wb') as file:
            file.write(b'no network')
        for arguments in ((other, '1'), (self.path, '0'), (self.path,), ('missing', '1')):
            done = run(DECODER, *arguments)
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stderr)


unittest.main(argv=sys.argv[:1])
