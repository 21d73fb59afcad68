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

WAIT_S = 120  # a safety net
FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "fake_qemu.py")


class Terminal:
    """./kochab run at a pseudo-terminal of 91 columns and 33 rows."""

    def __init__(self, context, *words):
        output = context.path("output")
        os.makedirs(output, exist_ok=True)
        context.write("output/kernel.elf", b"")
        context.write("output/boot.tar", b"")
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 33, 91, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.process = subprocess.Popen(
            [os.path.join(context.top, "kochab"), "run"] + list(words),
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=dict(os.environ, KOCHAB_QEMU=FAKE, KOCHAB_OUTPUT=output,
                     TERM="xterm"))
        self.text = b""

    def expect(self, *wanted):
        """Which of these texts comes first."""
        deadline = time.monotonic() + WAIT_S
        while True:
            found = [(self.text.index(text), text) for text in wanted
                     if text in self.text]
            if found:
                text = min(found)[1]
                self.text = self.text.split(text, 1)[1]
                return text
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [],
                                              left)[0]:
                raise AssertionError("no %r in %r" % (wanted, self.text))
            self.text += os.read(self.master, 65536)

    def keys(self, data):
        os.write(self.master, data)

    def end(self):
        """The exit status; the terminal and QEMU are as they were."""
        status = self.process.wait(timeout=WAIT_S)
        if termios.tcgetattr(self.slave) != self.before:
            raise AssertionError("the terminal was left in another mode")
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % name, "rb") as f:
                    line = f.read()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if os.fsencode(FAKE) in line and b"/%d-" % self.process.pid in line:
                raise AssertionError("QEMU is still there: %s" % name)
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


GIVEN_UP = b"reset itself 3 times"


def test_reset_without_end_is_an_error(context):
    terminal = Terminal(context)
    # A machine that took a busy host long to start does not count.
    for count in range(20):
        if terminal.expect(b"hello", GIVEN_UP) == GIVEN_UP:
            break
        terminal.keys(b"reset\r")
    else:
        terminal.expect(GIVEN_UP)
    context.check(count >= 3, "given up after %d resets" % count)
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
