# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab run` and `./kochab debug`: the guest's console on this terminal.

Keys go to the guest as they are, Ctrl-C included. Ctrl-A is the one key kept
here: Ctrl-A x ends the machine, Ctrl-A Ctrl-A sends one Ctrl-A. Without a
terminal the same relay works on pipes, and the end of stdin ends nothing.
"""

import os
import selectors
import signal
import sys
import time

from . import kernel_shell
from .common import Failure, progress
from .execute import Interrupted, on_signal, raw_writer, say_gdb
from .machine import VNC_SOCKET, Machine
from .options import parse_machine
from .terminal import environment, raw, terminal_words

PREFIX = 0x01  # Ctrl-A
LEAVE = b"xX"
REBOOTS_IN_A_ROW = 3
QUICK_S = 5


class Leave(Exception):
    """The user asked for the end."""


class Keys:
    """Takes Ctrl-A sequences out of what is typed."""

    def __init__(self):
        self.prefixed = False

    def feed(self, data):
        out = bytearray()
        for byte in data:
            if self.prefixed:
                self.prefixed = False
                if byte in LEAVE:
                    raise Leave()
                if byte != PREFIX:
                    out.append(PREFIX)
                out.append(byte)
            elif byte == PREFIX:
                self.prefixed = True
            else:
                out.append(byte)
        return bytes(out)


def relay(machine, stdin, write, deadline, keys_held):
    """Until the machine ends (True), or the time is up (False)."""
    keys = Keys()
    pending = bytearray()
    while True:
        left = 60.0 if deadline is None else deadline - time.monotonic()
        if left <= 0:
            return False
        with selectors.DefaultSelector() as sel:
            sel.register(machine.com1, selectors.EVENT_READ
                         | (selectors.EVENT_WRITE if pending else 0))
            sel.register(machine.qmp, selectors.EVENT_READ)
            always = False
            if stdin is not None and len(pending) < 4096:
                try:
                    sel.register(stdin, selectors.EVENT_READ)
                except PermissionError:
                    always = True
            ready = {key.fileobj: mask
                     for key, mask in sel.select(0 if always else left)}
        if ready.get(machine.com1, 0) & selectors.EVENT_READ:
            try:
                data = machine.com1.recv(65536)
            except OSError:
                data = b""
            if not data:
                return True
            write(data)
        if always or stdin is not None and stdin in ready:
            data = os.read(stdin, 4096)
            if not data:
                stdin = None
            pending += keys.feed(data) if keys_held else data
        if pending:
            try:
                del pending[:machine.com1.send(pending)]
            except BlockingIOError:
                pass
            except OSError:
                return True
        if machine.qmp in ready:
            machine.read_control()


def one_machine(options, deadline, stdin):
    """Run a machine to its end: ("left" | "timeout" | verdict kind, text)."""
    machine = Machine(options, "run", None, environment(), terminal_words())
    try:
        if options.gdb:
            say_gdb(machine)
        machine.start()
        if options.window:
            progress("the screen: vncviewer %s/%s"
                     % (os.path.relpath(machine.folder), VNC_SOCKET))
        keys_held = stdin is not None and os.isatty(stdin)
        try:
            with raw(0 if stdin is None else stdin):
                ended = relay(machine, stdin, raw_writer(1), deadline,
                              keys_held)
        except Leave:
            return "left", ""
        if not ended:
            return "timeout", ""
        machine.wait_end(10)
        machine.stop()
        verdict = machine.verdict()
        return verdict.kind, verdict.text or machine.log_tail()
    finally:
        machine.stop()


def run_machine(options):
    options.window = options.screen
    stdin = 0
    try:
        os.fstat(0)
    except OSError:
        stdin = None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    deadline = None
    if options.timeout_s:
        deadline = time.monotonic() + options.timeout_s
    quick = 0
    try:
        while True:
            began = time.monotonic()
            kind, text = one_machine(options, deadline, stdin)
            sys.stderr.flush()
            if kind != "reset":
                return ended_as(kind, text, options)
            quick = quick + 1 if time.monotonic() - began < QUICK_S else 0
            if quick == REBOOTS_IN_A_ROW:
                raise Failure("the machine reset itself %d times within %d s "
                              "of its start; the end of its log:\n%s"
                              % (quick, QUICK_S, text), 125)
            progress("the machine restarts")
    except Interrupted as interrupted:
        return 128 + interrupted.args[0]
    except BrokenPipeError:
        return 128 + signal.SIGPIPE


def ended_as(kind, text, options):
    if kind == "timeout":
        progress("the time of --timeout %g is up" % options.timeout_s)
        return 124
    if kind == "panic":
        raise Failure("the kernel panicked; `./kochab report` bundles "
                      "this\n" + text, 125)
    if kind == "failed":
        raise Failure(text, 125)
    progress("the machine is off" if kind == "off" else "left")
    return 0


def run_command(words):
    options, rest = parse_machine(words, "run")
    if rest:
        raise Failure("run: takes no command (%s); `./kochab exec -- %s` runs "
                      "one" % (rest[0], " ".join(rest)), 2)
    if os.isatty(0):
        progress("Ctrl-A x leaves (ends the machine); `poweroff` inside "
                 "ends it cleanly")
    return run_machine(options)


def debug_command(words):
    """The debug build, stopped at its first instruction for a debugger; with
    words, a question to the kernel shell of one that runs."""
    options, rest = parse_machine(words, "debug")
    if rest:
        sys.stdout.write(kernel_shell.ask_running(rest))
        return 0
    options.build = "debug"
    options.gdb = True
    progress("Ctrl-A x leaves (ends the machine)")
    progress("`./kochab debug help` in another terminal asks the kernel shell")
    return run_machine(options)
