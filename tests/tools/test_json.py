"""
Every member that docs/man/lsq-json.5.scd tells of is in some document of lsq: nothing stands there that is no more. The other way
round, and the types, are checked wherever a test reads a document.
"""

import struct
import unittest

import schemas
from command import CHECK, FIXTURE, IO, USAGE, Case, normal, safetensors

OF_TUNE_FILES = {'products[].instead.*', 'products[].tunables.*', 'kernels[].speedup', 'kernels[].tunables.*'}


class Json(Case):
    def expect_seen(self, *names):
        for name in names:
            self.assertTrue(schemas.LISTS[name].seen, name)
            left = {path for path in schemas.unseen(name) if not path.endswith('warnings[]')} - OF_TUNE_FILES
            self.assertEqual(left, set(), name)

    def test_info(self):
        head = b'GGUF' + struct.pack('<IQQ', 3, 1, 0) + struct.pack('<Q1sIQIQ', 1, b'w', 1, 32, 8, 0)
        self.write('a.gguf', head + bytes(-len(head) % 32) + bytes(34 + -34 % 32))
        self.json('info', 'a.gguf')
        safetensors(self.path('a.safetensors'), {'w': normal(32, 64)}, {'key': 'value'})
        self.lsq('compress', '-q', 'a.safetensors', '-o', 'a.lsq', '-c', 's4')
        self.json('info', 'a.lsq', '--tensor', 'w')
        if '"sha256"' not in self.start_and_read('info', 'a.lsq', '--json', '--sha256'):
            schemas.LISTS['lsq.info/1'].members['sha256'].seen = True  # built without nettle
        else:
            self.json('info', 'a.lsq', '--sha256')
        self.expect_seen('lsq.info/1', 'tensor')

    def start_and_read(self, *args):
        return self.start(*args, stdout=-1, stderr=-1).communicate()[0].decode()

    def test_compress_and_what_follows(self):
        self.json('compress', FIXTURE, '-o', 'a.lsq', '-c', 's4')
        self.json('compress', FIXTURE, '-o', 'b.lsq', '--storage-limit', '10', code=CHECK)
        self.json('compress', FIXTURE, '--dry-run')
        self.json('compress', FIXTURE, '-o', 'c.lsq', '--file-version', '1')
        self.json('decode', 'a.lsq', '-o', 'a.safetensors')
        self.json('diff', 'a.lsq', FIXTURE, code=CHECK)
        safetensors(self.path('other.safetensors'), {'other': normal(4)})
        self.json('diff', 'a.lsq', 'other.safetensors', code=CHECK)
        self.json('verify', 'a.lsq')
        self.json('verify', 'a.lsq', '--against', FIXTURE, '--min-snr', '99', code=CHECK)
        self.json('verify', 'a.lsq', '--against', FIXTURE, '--min-snr', '99', '--layers', code=CHECK)
        self.expect_seen('lsq.compress/1', 'lsq.dry_run/1', 'lsq.export/1', 'lsq.diff/1', 'lsq.verify/1', 'layer')

    def test_plan_and_cpu(self):
        self.json('plan', '--params', '1e6', '-c', 's4', '--disk-rate', '1G', '--ram', '1G')
        self.json('cpu', env={'LSQ_MAX_ISA': 'nonsense', 'LSQ_TUNE_FILE': '/nowhere'})
        self.json('cpu', 's4', '64x64', env={'LSQ_TUNE_FILE': '/nowhere'})
        self.expect_seen('lsq.plan/1', 'lsq.context/1', 'lsq.product/1')

    def test_errors(self):
        self.error('info', 'nowhere', code=IO)
        self.error('info', code=USAGE)
        self.expect_seen('lsq.error/1')


class Checker(unittest.TestCase):
    """The check itself finds what it is there for."""

    def test_faults(self):
        good = {'schema': 'lsq.export/1', 'input': 'a', 'output': 'b', 'format': 'npy', 'tensors': 1, 'left_out': 0, 'file_bytes': 2, 'warnings': ['w']}
        schemas.check(good)
        wrong = [{k: v for k, v in good.items() if k != missing} for missing in good if missing != 'schema']
        wrong += [{**good, 'more': 1}, {**good, 'tensors': 1.5}, {**good, 'tensors': True}, {**good, 'warnings': [1]},
                  {**good, 'warnings': 'w'}, {**good, 'schema': 'lsq.decode/2'}]
        for document in wrong:
            with self.assertRaises(AssertionError):
                schemas.check(document)
        for tensor in ({'name': 'w'}, {'name': 'w', 'ok': True, 'snr': 1}, {'name': 'w', 'ok': 'yes'}):
            found = {'schema': 'lsq.verify/1', 'file': 'a', 'format': 'npy', 'against': None, 'ok': True, 'wrong': 0, 'warnings': []}
            schemas.check({**found, 'tensors': [{'name': 'w', 'ok': True}]})
            with self.assertRaises(AssertionError):
                schemas.check({**found, 'tensors': [tensor]})


if __name__ == '__main__':
    unittest.main()
