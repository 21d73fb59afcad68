# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""A guest as a test sees it: results of `exec`, and a console to type at.

    Result    status, out, err (bytes), text, error, log
    Guest     start() stop() expect() send() line() log_text()
    run_to_end(arch, words, ...)   a boot without console: verdict, log

Options of both are those of the command line: smp=1, mem="64M", timeout=60,
disks=[path or "path,readonly=on"], adds={host: guest}, icount=True,
calls=True, screen=True. Guest takes words="..." (kernel command line), drives=[...] (whole
-drive texts, for injected faults), devices=[...] (-device texts) and
manifest=FILE (in the place of systems/base.sys), build="debug" as well.
"""

import codecs
import os
import re
import select
import time

from .kernel_shell import ask
from .machine import SHELL_SOCKET, Machine
from .options import Disk, parse_machine

CONSOLE_S = 300  # a safety net, as long as a busy host may need


def screen_words(options):
    """The terminal when there is a display: what fits on its usual size."""
    small = (options.arch, options.boot) == ("aarch64", "uefi")
    return ["tty=100x37" if small else "tty=160x50", "term=linux"]


def machine_words(arch, options):
    """Keyword options as words of the command line."""
    words = ["--arch", arch]
    for name, value in options.items():
        if name == "disks":
            for disk in value:
                words += ["--disk", disk]
        elif name == "adds":
            for host, inside in value.items():
                words += ["--add", "%s:%s" % (host, inside)]
        elif value is True:
            words.append("--" + name)
        elif value is not None and value is not False:
            words += ["--" + name, str(value)]
    return words


class Result:
    """How a command in the guest ended."""

    def __init__(self, done, log):
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr
        self.text = done.stdout.decode("utf-8", "replace")
        self.error = done.stderr.decode("utf-8", "replace")
        self.log = ""
        if os.path.exists(log):
            with open(log, "rb") as f:
                self.log = f.read().decode("utf-8", "replace")

    def __str__(self):
        return "status %d\nstdout: %s\nstderr: %s\nlog ends: %s" % (
            self.status, self.text[-2000:], self.error[-2000:],
            "\n".join(self.log.splitlines()[-25:]))


def run_to_end(arch, words, timeout_s, options):
    """Boot with these kernel words until the machine is off: (verdict, log).

    For programs that take the place of the first process (root=NAME), write
    to the log and power off. The verdict's kind is "timeout" when they do not.
    """
    parsed, _ = parse_machine(machine_words(arch, options), "exec")
    machine = Machine(parsed, "test", words=words.split())
    deadline = time.monotonic() + timeout_s
    expired = False
    try:
        machine.start()
        while machine.process.poll() is None:
            try:
                machine.com1.recv(65536)  # nobody reads the console
            except OSError:
                pass
            machine.wait_end(0.1)  # or it ends right behind this
            if time.monotonic() > deadline:
                expired = machine.process.poll() is None
                break
    finally:
        machine.stop()
    verdict = machine.verdict()
    if expired:
        verdict.kind = "timeout"
    return verdict, machine.log_text()


class Guest:
    """A machine in `run` mode whose console the test types at."""

    READY = r"[#$] (\x1b\[[0-9;]*[A-Za-z])*\Z"

    def __init__(self, arch, options):
        options = dict(options)
        drives = options.pop("drives", [])
        words = options.pop("words", "")
        devices = options.pop("devices", [])
        manifest = options.pop("manifest", None)
        build = options.pop("build", "release")
        parsed, _ = parse_machine(machine_words(arch, options), "exec")
        parsed.words += words.split()
        parsed.disks += [Disk("", drive=drive) for drive in drives]
        parsed.devices += devices
        parsed.build = build
        if manifest:  # --add refuses /kochab, rightly
            parsed.adds.append((manifest, "kochab/system.sys"))
        parsed.icount = bool(options.get("icount"))
        self.open(parsed, screen_words(parsed) if parsed.screen else
                  ["tty=200x50", "term=vt100"])

    @classmethod
    def of(cls, parsed, words):
        """With options that are parsed already."""
        guest = cls.__new__(cls)
        guest.open(parsed, words)
        return guest

    def open(self, parsed, words):
        self.machine = Machine(parsed, "run", None, (), words)
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.text = ""  # all that the console has shown
        self.seen = 0  # how much of it expect() has used up
        self.number = 0

    def start(self, ready=READY, timeout_s=CONSOLE_S):
        self.machine.start()
        self.expect(ready, timeout_s)

    def stop(self):
        self.machine.stop()

    def running(self):
        return self.machine.process.poll() is None

    def log_text(self):
        return self.machine.log_text()

    def kernel(self, question):
        """The kernel shell's answer; build="debug" only."""
        return ask(os.path.join(self.machine.folder, SHELL_SOCKET), question)

    def describe(self):
        return "console ends:\n%s\nlog ends:\n%s" % (
            self.text[-1500:], self.machine.log_tail(30))

    def _take(self, seconds):
        """What the console says within so many seconds; False at its end."""
        channel = self.machine.com1
        if channel is None:
            return False
        if not select.select([channel], [], [], seconds)[0]:
            return True
        try:
            data = channel.recv(65536)
        except OSError:
            data = b""
        # A character may come in two pieces.
        self.text += self.decoder.decode(data)
        self.machine.read_control()
        return bool(data)

    def expect(self, pattern, timeout_s=CONSOLE_S):
        """The match of a regular expression in what is still unread."""
        compiled = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + timeout_s
        while True:
            match = compiled.search(self.text, self.seen)
            if match:
                self.seen = match.end()
                return match
            left = deadline - time.monotonic()
            if left <= 0 or not self._take(left):
                raise AssertionError(
                    "the console never showed %r (%s)\n%s" % (
                        pattern, "time is up" if left <= 0 else
                        "the machine ended", self.describe()))

    def send(self, text):
        """Keys, as they are; "\\x03" is Ctrl-C."""
        data = text.encode()
        while data:
            _, ready, _ = select.select([], [self.machine.com1], [],
                                        CONSOLE_S)
            if not ready:
                raise AssertionError("the console takes no more keys\n"
                                     + self.describe())
            data = data[self.machine.com1.send(data[:64]):]
            self._take(0)

    def line(self, command, timeout_s=CONSOLE_S):
        """A shell command at the prompt: (status, output)."""
        self.number += 1
        # The quotes keep the echoed command from looking like the answer.
        self.send("%s; echo E''ND%d:$?:\n" % (command, self.number))
        start = self.seen
        match = self.expect(r"END%d:(\d+):\r?\n" % self.number, timeout_s)
        output = self.text[start:match.start()].replace("\r", "")
        self.expect(self.READY, timeout_s)
        return int(match[1]), output.split("\n", 1)[-1]

    def line_ok(self, command, timeout_s=CONSOLE_S):
        status, output = self.line(command, timeout_s)
        if status != 0:
            raise AssertionError("%s: status %d\n%s" % (command, status,
                                                        output))
        return output

    def poweroff(self, timeout_s=CONSOLE_S):
        """A clean end from inside; returns the verdict's kind."""
        self.send("poweroff\n")
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self._take(0.2):
            pass
        if not self.machine.wait_end(60):
            raise AssertionError("poweroff did not end the machine\n"
                                 + self.describe())
        self.machine.stop()
        return self.machine.verdict().kind
