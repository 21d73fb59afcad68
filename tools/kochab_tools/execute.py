# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab exec`: one command inside, its streams and its status outside.

    Session(machine, stdin, stdout, stderr).run(timeout_s) -> exit status

stdin is a file descriptor or None; stdout and stderr are functions that take
bytes. Status: the command's own, 128+n for a signal, 124 when the time is up,
125 when Kochab itself failed (why is said on stderr). The machine is stopped
when run() returns or raises.
"""

import os
import selectors
import signal
import struct
import sys
import time

from . import channel
from .common import Failure
from .machine import Machine
from .options import parse_machine
from .terminal import environment, terminal_words, window_size

CHUNK = 4096
GRACE_S = 30  # for the machine to power off after the command's end


class Ended(Exception):
    """The session is over; args[0] is the exit status."""


class Session:
    def __init__(self, machine, stdin, stdout, stderr):
        self.machine = machine
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.decoder = channel.Decoder()
        self.credit = channel.Credit()
        self.outgoing = bytearray()
        self.selector = selectors.DefaultSelector()
        self.said = False  # Kochab has said something on stderr by itself

    def say(self, text):
        self.stderr(("kochab: %s\n" % text).encode())

    def failed(self, text):
        self.say(text)
        tail = self.machine.log_tail()
        if tail:
            self.say("the end of the log:\n" + tail)
        raise Ended(125)

    def on_frame(self, kind, payload):
        if kind == b"O":
            self.stdout(payload)
        elif kind == b"E":
            self.stderr(payload)
        elif kind == b"T":
            self.stderr(payload)
            self.said = True
        elif kind == b"C":
            self.credit.add(payload)
        elif kind == b"X":
            status = channel.exit_status(payload)
            if status is None:
                if not self.said:
                    self.failed("the command could not be started")
                raise Ended(125)
            raise Ended(status)

    def on_com1(self):
        try:
            data = self.machine.com1.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.on_end()
        try:
            for kind, payload in self.decoder.feed(data):
                self.on_frame(kind, payload)
        except channel.ChannelError as error:
            self.failed("the guest broke the exec protocol: %s" % error)

    def on_end(self):
        """The machine has closed its serial port before the exit frame."""
        self.machine.stop()
        verdict = self.machine.verdict()
        if verdict.kind == "panic":
            self.say("the kernel panicked; `./kochab report` bundles this\n"
                     + verdict.text)
            raise Ended(125)
        reason = {"reset": "the machine reset itself (a triple fault, or "
                           "`reboot`)",
                  "off": "the machine powered off"}.get(verdict.kind,
                                                        verdict.text)
        self.failed("%s before the command had ended" % reason)

    def on_stdin(self):
        room = min(self.credit.bytes, CHUNK)
        data = os.read(self.stdin, room)
        if data:
            self.credit.bytes -= len(data)
            self.outgoing += channel.frame(b"I", data)
        else:
            self.outgoing += channel.frame(b"Z")
            self.stdin = None

    def flush(self):
        try:
            sent = self.machine.com1.send(self.outgoing[:65536])
            del self.outgoing[:sent]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.on_end()

    def resized(self, cols, rows):
        if self.decoder.marked:
            self.outgoing += channel.frame(b"W", struct.pack("<HH", cols,
                                                             rows))

    def step(self, seconds):
        """Wait for one of the channels, and move what is there."""
        sel, com1 = self.selector, self.machine.com1
        want_in = (self.stdin is not None and self.credit.bytes > 0
                   and not self.outgoing)
        sel.register(com1, selectors.EVENT_READ
                     | (selectors.EVENT_WRITE if self.outgoing else 0))
        always = False
        if want_in:
            try:
                sel.register(self.stdin, selectors.EVENT_READ)
            except PermissionError:  # a plain file is always ready
                always = True
        try:
            ready = {key.fileobj: mask
                     for key, mask in sel.select(0 if always else seconds)}
        finally:
            sel.unregister(com1)
            if want_in and not always:
                sel.unregister(self.stdin)
        if ready.get(com1, 0) & selectors.EVENT_READ:
            self.on_com1()
        if always or self.stdin in ready and self.stdin is not None:
            self.on_stdin()
        if self.outgoing:
            self.flush()
        self.machine.read_control()

    def run(self, timeout_s=None):
        deadline = time.monotonic() + timeout_s if timeout_s else None
        try:
            self.machine.start()
            while True:
                left = 60.0
                if deadline is not None:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        self.say("the time of --timeout %g is up" % timeout_s)
                        return 124
                self.step(min(left, 60.0))
        except Ended as ended:
            if self.machine.process.poll() is None and ended.args[0] != 125:
                self.machine.wait_end(GRACE_S)
            return ended.args[0]
        finally:
            self.selector.close()
            self.machine.stop()


def raw_writer(fd):
    """A function that writes all its bytes to fd."""
    def write(data):
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(fd, view):]
            except BlockingIOError:
                selectors.select.select([], [fd], [])
    return write


class Interrupted(BaseException):
    """A signal asked this process to end; args[0] is its number."""


def on_signal(number, _):
    raise Interrupted(number)


def exec_command(words):
    options, argv = parse_machine(words, "exec")
    if not argv:
        raise Failure("exec: wants a command: ./kochab exec -- CMD ARGS…", 125)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        machine = Machine(options, "exec", argv, environment(),
                          terminal_words())
        stdin = 0
        try:
            os.fstat(0)
        except OSError:
            stdin = None  # started with stdin closed
        if options.gdb:
            say_gdb(machine)
        session = Session(machine, stdin, raw_writer(1), raw_writer(2))
        signal.signal(signal.SIGWINCH,
                      lambda *_: session.resized(*window_size()))
        return session.run(options.timeout_s)
    except Interrupted as interrupted:
        return 128 + interrupted.args[0]
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    except Failure as failure:
        failure.code = 125
        raise


def say_gdb(machine):
    sys.stderr.write(
        "kochab: the machine waits for a debugger; in another terminal:\n"
        "kochab:   gdb %s -ex 'target remote %s/gdb' -ex continue\n"
        % (machine.elf, machine.folder))
