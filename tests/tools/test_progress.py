"""How far a long run is: on a terminal alone, within its width, and off the screen when the run ends."""

import fcntl
import os
import re
import signal
import subprocess
import termios
import time
import unittest

from command import SLOW, WRAPPER, Case, drain, noise, safetensors

LINE = re.compile(r'(\w+) +(\d+) %(?: \[=*>? *\])?(?: (?:\d+ h )?(?:\d+ min)?(?: ?\d+ s)? left)? *')


class Progress(Case):
    def on_terminal(self, *args, columns=80, env=None):
        """Starts it with a terminal, its controlling one, for standard error; returns the process and the other end."""
        leader, follower = self.terminal(columns)

        def take_terminal():
            os.setsid()
            fcntl.ioctl(follower, termios.TIOCSCTTY, 0)
        process = self.start(*args, stderr=follower, stdout=subprocess.DEVNULL, env=env, before=take_terminal)
        os.close(follower)
        return process, leader

    def long_run(self):
        """One of minutes, were it left to itself."""
        safetensors(self.path('large.safetensors'), {f'w{i}': noise(1 << 18) for i in range(96)})
        return 'compress', 'large.safetensors', '-c', 't6.st64', '-o'

    def later(self, process):
        """Nobody waits for the second in which nothing is shown."""
        self.wait_for_output(process)
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.1)
        process.send_signal(signal.SIGCONT)

    def lines(self, text, columns=80):
        """{percentages} of a text of such lines alone, each of which is written over the one before."""
        shown = set()
        self.assertNotIn('\n', text)
        self.assertTrue(text.startswith('\r'))
        for line in text.split('\r')[1:]:
            self.assertLess(len(line), columns)
            match = LINE.fullmatch(line)
            if line.strip():
                self.assertTrue(match, line)
                shown.add(int(match[2]))
        return shown

    def test_shown_and_interrupted(self):
        """^C ends it by that signal, which shells tell as 130, and nothing is printed afterwards or left behind."""
        process, leader = self.on_terminal(*self.long_run(), 'out.lsq')
        self.later(process)
        text = b''
        while b'left' not in text:
            text += os.read(leader, 4096)
        self.assertRegex(text.decode(), r'\A\rcompress +\d+ % \[=*>? *\] \d[^\r]* left')
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        os.set_blocking(leader, False)
        try:
            text += os.read(leader, 65536)
        except BlockingIOError:
            pass
        os.set_blocking(leader, True)
        self.lines(text.decode())
        time.sleep(0.2)  # so that it would be time for the next line
        os.write(leader, b'\x03')
        process.send_signal(signal.SIGCONT)
        self.assertEqual(process.wait(), -signal.SIGINT)
        self.assertEqual(drain(leader), '^C')
        self.assertEqual(self.listing(), ['large.safetensors'])

    @unittest.skipIf(SLOW, 'memory is that of an emulator or of a sanitizer')
    def test_within_one_tensor(self):
        """The line moves and ^C is heard in the middle of it; --ram-limit makes its strips small."""
        safetensors(self.path('large.safetensors'), {'w': noise(96 << 18)})
        process, leader = self.on_terminal('compress', 'large.safetensors', '-c', 't6.st64', '--ram-limit', '32M', '-o', 'out.lsq')
        self.later(process)
        text, within = '', set()
        while not within:
            text += os.read(leader, 4096).decode()
            within = self.lines(text[:text.rfind('\r')]) - {0, 100} if text.count('\r') > 1 else set()
        os.write(leader, b'\x03')
        self.assertEqual(process.wait(), -signal.SIGINT)
        self.assertTrue(drain(leader).endswith('^C'))
        self.assertEqual(self.listing(), ['large.safetensors'])

    def test_verifying_one_tensor(self):
        """It is stopped when the original is mapped, and there is little else to do but to compare; were it too late, again."""
        safetensors(self.path('large.safetensors'), {'w': noise(1 << 24)})
        self.lsq('compress', '-q', 'large.safetensors', '-o', 'a.lsq', '-c', 'b1')
        shown = set()
        while not shown - {0, 100}:
            process, leader = self.on_terminal('verify', 'a.lsq', '-a', 'large.safetensors')
            while process.poll() is None and 'large.safetensors' not in self.read(f'/proc/{process.pid}/maps').decode():
                pass
            process.send_signal(signal.SIGSTOP)
            time.sleep(1.1)
            process.send_signal(signal.SIGCONT)
            text = drain(leader)
            self.assertEqual(process.wait(), 0)
            shown |= self.lines(text) if text else set()

    def test_silent(self):
        """Where no person looks at standard error, or asked not to be told."""
        args = self.long_run()
        runs = [self.on_terminal(*args, 'quiet.lsq', '-q'), self.on_terminal(*args, 'json.lsq', '--json'),
                self.on_terminal(*args, 'dumb.lsq', env={'TERM': 'dumb'}),
                (self.start(*args, 'pipe.lsq', stderr=subprocess.PIPE, stdout=subprocess.DEVNULL), None)]
        for process, _ in runs:
            self.wait_for_output(process)
        for process, _ in runs:
            process.send_signal(signal.SIGSTOP)
        time.sleep(1.1)
        for process, _ in runs:
            process.send_signal(signal.SIGCONT)
        time.sleep(0.5)
        for process, leader in runs:
            self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            process.wait()
            self.assertEqual(drain(leader) if leader else process.communicate()[1].decode(), '')

    @unittest.skipIf(WRAPPER, 'encodes for some seconds, which an emulator makes a minute')
    def test_to_its_end_on_a_narrow_terminal(self):
        safetensors(self.path('large.safetensors'), {f'w{i}': noise(1 << 16) for i in range(80)})
        process, leader = self.on_terminal('compress', 'large.safetensors', '-c', 't5.st64', '-o', 'out.lsq', columns=40)
        self.later(process)
        text = drain(leader)
        self.assertEqual(process.wait(), 0)
        self.assertTrue(self.lines(text, columns=40))
        self.assertRegex(text, r'\r +\r\Z')


if __name__ == '__main__':
    unittest.main()
