"""
Runs lsq as a user does, and makes the files it is run on. $LSQ is the command, $DATA the folder of test data, $WRAPPER what
a foreign binary needs in front of it.
"""

import array
import errno
import fcntl
import glob
import json
import os
import pty
import random
import re
import select
import shlex
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

import schemas

WRAPPER = shlex.split(os.environ.get('WRAPPER', ''))
LSQ = [*WRAPPER, os.environ['LSQ']]
with open(LSQ[-1], 'rb') as file:
    SLOW = WRAPPER or b'__asan' in file.read()
FIXTURE = os.path.join(os.environ['DATA'], 'fixture.safetensors')

OK, CHECK, USAGE, MALFORMED, UNSUPPORTED, IO, MEMORY = range(7)


def environment(**more):
    ours = {k: v for k, v in os.environ.items() if k.startswith('LSQ_') and k != 'LSQ_MAX_ISA' or k == 'NO_COLOR'}
    env = {k: v for k, v in os.environ.items() if k not in ours}
    env.update({'LSQ_TUNE_FILE': 'none', 'TERM': 'xterm'}, **more)
    return env


def safetensors(path, tensors, metadata=None):
    """Writes {name: (dtype, shape, bytes)}."""
    header, at = ({'__metadata__': metadata} if metadata else {}), 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {'dtype': dtype, 'shape': list(shape), 'data_offsets': [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text)
        for _, _, data in tensors.values():
            file.write(data)


def read_safetensors(path):
    """{name: (dtype, shape, bytes)}, and the metadata."""
    with open(path, 'rb') as file:
        size, = struct.unpack('<Q', file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    metadata = header.pop('__metadata__', {})
    return {name: (t['dtype'], t['shape'], data[slice(*t['data_offsets'])]) for name, t in header.items()}, metadata


def floats(data):
    numbers = array.array('f')
    numbers.frombytes(data)
    return numbers


def without_curve(codec):
    """A codec's name but for the curve, which depends on the weights."""
    return codec and re.sub(r'\.curve\d', '', codec)


def normal(*shape, seed=1, sigma=0.02):
    """An F32 tensor as networks have them."""
    count, source = 1, random.Random(seed)
    for n in shape:
        count *= n
    return 'F32', shape, array.array('f', (source.gauss(0, sigma) for _ in range(count))).tobytes()


def noise(count):
    """F8_E4M3 numbers without a NaN, quickly: any byte but 0x7f and 0xff."""
    table = bytes(0 if b & 0x7f == 0x7f else b for b in range(256))
    return 'F8_E4M3', (count // 1024, 1024), os.urandom(count).translate(table)


def drain(leader):
    """What has been written to a terminal, once nobody has it open any more.

    A worker of the kernel hands it over, and may be late: then it is said that nobody has it open before all is there.
    """
    text, ends = b'', 0
    while ends < 2:
        try:
            more = os.read(leader, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            more = b''
        text += more
        if not more:
            ends += 1
            time.sleep(0.05)
    return text.decode()


class Case(unittest.TestCase):
    """A test in a folder of its own, which is the current one of the command."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='lsq-test-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), 'wb') as file:
            file.write(data)
        return name

    def read(self, name):
        with open(self.path(name), 'rb') as file:
            return file.read()

    def listing(self):
        return sorted(os.listdir(self.folder))

    def start(self, *args, env=None, before=None, **options):
        def child():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            if before:
                before()
        return subprocess.Popen([*LSQ, *args], cwd=self.folder, env=environment(**(env or {})), preexec_fn=child,
                                **options)

    def terminal(self, columns):
        """A terminal: our end and that of the command."""
        leader, follower = pty.openpty()
        self.addCleanup(os.close, leader)
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
        return leader, follower

    def wait_for_output(self, process, before=('large.safetensors',)):
        """Until it has a file open in the folder that was not there: with a name, or without one."""
        known = {self.path(name) for name in before}
        while True:
            self.assertIsNone(process.poll())
            for fd in glob.glob(f'/proc/{process.pid}/fd/*'):
                try:
                    target = os.readlink(fd)
                except OSError:
                    continue
                if target.startswith(self.folder + '/') and target not in known:
                    return
            time.sleep(0.01)

    def lsq(self, *args, code=OK, **options):
        """Runs it and checks the exit code; returns what it wrote to standard output and standard error."""
        options = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'stdin': subprocess.DEVNULL, **options}
        process = self.start(*args, **options)
        out, err = (text.decode() if text is not None else None for text in process.communicate())
        self.assertEqual(process.returncode, code, f'lsq {args}\n{out}\n{err}')
        if code == OK and err is not None and 'warning' not in err:
            self.assertEqual(err, '')
        return out, err

    def json(self, *args, code=OK, **options):
        out, err = self.lsq(args[0], '--json', *args[1:], code=code, **options)
        self.assertEqual(err, '')
        return schemas.check(json.loads(out))

    def error(self, *args, code, **options):
        """The JSON of an error."""
        out, err = self.lsq(args[0], '--json', *args[1:], code=code, **options)
        self.assertEqual(out, '')
        self.assertEqual(err.count('\n'), 1)
        document = schemas.check(json.loads(err))
        self.assertEqual((document['schema'], document['exit_code']), ('lsq.error/1', code))
        self.assertTrue(document['message'])
        return document
