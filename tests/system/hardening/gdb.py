# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""A machine as a debugger sees it: QEMU's own answers to GDB's remote protocol
(GDB manual, appendix E), without a debugger.

    debugger = Debugger(path)        of the socket; the machine is stopped
    debugger.go() stop()
    debugger.cpus()                  names of all processors
    debugger.register(cpu, name)     a number; names as QEMU has them
    debugger.memory(address, bytes)  physical
"""

import re
import socket
import time

PIECE = 1024  # bytes asked for at once


class Debugger:
    def __init__(self, path, timeout_s=300):
        deadline = time.monotonic() + timeout_s  # a safety net
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout_s)
            try:
                self.socket.connect(path)
                break
            except ConnectionRefusedError:  # bound, but not listened to yet
                self.socket.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        self.data = b""
        self.ask("qSupported:xmlRegisters=i386,arm,riscv")
        self.numbers = self.register_numbers()
        if self.ask("Qqemu.PhyMemMode:1") != "OK":
            raise AssertionError("QEMU shows no physical memory")

    def close(self):
        self.socket.close()

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xff))

    def receive(self):
        while True:
            match = re.search(rb"\$([^#]*)#[0-9a-f]{2}", self.data)
            if match:
                self.data = self.data[match.end():]
                self.socket.sendall(b"+")
                # A star and a letter stand for repetitions of what is before.
                return re.sub(rb"(.)\*(.)", lambda m: m[1] * (m[2][0] - 28),
                              match[1], flags=re.DOTALL).decode("latin-1")
            block = self.socket.recv(65536)
            if not block:
                raise AssertionError("QEMU has ended")
            self.data += block

    def ask(self, text):
        self.send(text)
        return self.receive()

    def file(self, name):
        text = ""
        while True:
            answer = self.ask("qXfer:features:read:%s:%x,%x"
                              % (name, len(text), PIECE))
            text += answer[1:]
            if answer[:1] != "m":
                return text

    def register_numbers(self):
        numbers, number = {}, 0
        for name in re.findall(r'<xi:include href="([^"]+)"',
                               self.file("target.xml")):
            text = re.sub(r"<!--.*?-->", "", self.file(name), flags=re.DOTALL)
            for line in re.findall(r"<reg [^>]*>", text):
                values = dict(re.findall(r'(\w+)="([^"]*)"', line))
                number = int(values.get("regnum", number))
                numbers[values["name"].lower()] = number
                number += 1
        return numbers

    def go(self):
        self.send("vCont;c")

    def stop(self):
        self.socket.sendall(b"\x03")
        self.receive()

    def cpus(self):
        found, answer = [], self.ask("qfThreadInfo")
        while answer[:1] == "m":
            found += answer[1:].split(",")
            answer = self.ask("qsThreadInfo")
        return found

    def register(self, cpu, name):
        self.ask("Hg" + cpu)
        return int.from_bytes(bytes.fromhex(
            self.ask("p%x" % self.numbers[name])), "little")

    def memory(self, address, size):
        data = b""
        while len(data) < size:
            part = self.ask("m%x,%x" % (address + len(data),
                                        min(PIECE, size - len(data))))
            data += bytes.fromhex(part)
        return data
