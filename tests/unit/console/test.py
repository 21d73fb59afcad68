# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab run` on a terminal of its own, with a stand-in for QEMU: keys,
Ctrl-A, the terminal's size and state, and every way the machine may end."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "fake_qemu.py")


class Terminal:
    """./kochab run at a pseudo-terminal of 91 columns and 33 rows."""

    def __init__(self, context, *words):
        output = context.path("output")
        os.makedirs(output, exist_ok=True)
        context.write("output/kernel.elf", b"")
        context.write("output/boot.tar", b"")
        self.pid_path = context.path("pid")
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 33, 91, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.process = subprocess.Popen(
            [os.path.join(context.top, "kochab"), "run"] + list(words),
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=dict(os.environ, KOCHAB_QEMU=FAKE, KOCHAB_OUTPUT=output,
                     TERM="xterm", FAKE_QEMU_PID=self.pid_path))
        self.text = b""

    def expect(self, wanted, seconds=20):
        deadline = time.monotonic() + seconds
        while wanted not in self.text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [],
                                              left)[0]:
                raise AssertionError("no %r in %r" % (wanted, self.text))
            self.text += os.read(self.master, 65536)
        self.text = self.text.split(wanted, 1)[1]

    def keys(self, data):
        os.write(self.master, data)

    def end(self):
        """The exit status; the terminal and QEMU are as they were."""
        status = self.process.wait(timeout=30)
        if termios.tcgetattr(self.slave) != self.before:
            raise AssertionError("the terminal was left in another mode")
        with open(self.pid_path, encoding="utf-8") as f:
            pid = int(f.read())
        if os.path.exists("/proc/%d" % pid):
            raise AssertionError("QEMU is still there")
        while select.select([self.master], [], [], 0)[0]:
            self.text += os.read(self.master, 65536)
        return status


def test_first_line_says_how_to_leave(context):
    terminal = Terminal(context)
    terminal.expect(b"Ctrl-A x")
    terminal.expect(b"hello from the guest")
    terminal.keys(b"\x01x")
    context.equal(terminal.end(), 0)


def test_keys_arrive_unchanged(context):
    terminal = Terminal(context)
    terminal.expect(b"hello")
    # Ctrl-C, Ctrl-Z, Ctrl-D, escape, UTF-8, Ctrl-A doubled and before "y".
    terminal.keys(b"a\x03\x1a\x04\x1b[A\xc3\xbc\x01\x01\x01y\r")
    wanted = b"a\x03\x1a\x04\x1b[A\xc3\xbc\x01\x01y"
    terminal.expect(b"got " + wanted.hex().encode())
    terminal.keys(b"off\r")
    context.equal(terminal.end(), 0)


def test_size_and_name_of_the_terminal(context):
    terminal = Terminal(context)
    terminal.expect(b"hello")
    terminal.keys(b"size\r")
    terminal.expect(b"mode=run tty=91x33 term=xterm")
    terminal.keys(b"off\r")
    context.equal(terminal.end(), 0)


def test_reset_starts_again(context):
    terminal = Terminal(context)
    terminal.expect(b"hello")
    time.sleep(0.2)
    terminal.keys(b"reset\r")
    terminal.expect(b"the machine restarts")
    terminal.expect(b"hello")
    terminal.keys(b"off\r")
    context.equal(terminal.end(), 0)


def test_reset_without_end_is_an_error(context):
    terminal = Terminal(context)
    for _ in range(3):
        terminal.expect(b"hello")
        terminal.keys(b"reset\r")
    terminal.expect(b"reset itself 3 times")
    context.equal(terminal.end(), 125)


def test_panic_is_shown(context):
    terminal = Terminal(context)
    terminal.expect(b"hello")
    terminal.keys(b"panic\r")
    terminal.expect(b"PANIC: kernel/x.c:1: broken")
    context.equal(terminal.end(), 125)


def test_timeout(context):
    terminal = Terminal(context, "--timeout", "1")
    context.equal(terminal.end(), 124)


def test_usage(context):
    for words in (("ls",), ("--nosuch",), ("--calls",), ("--mem", "1")):
        result = subprocess.run(
            [os.path.join(context.top, "kochab"), "run"] + list(words),
            capture_output=True, text=True, check=False)
        context.equal(result.returncode, 2, "status of run %s" % (words,))
        context.check(result.stderr.startswith("kochab: "), result.stderr)
