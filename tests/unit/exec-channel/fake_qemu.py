#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Stands in for QEMU: takes its command line and plays the guest's half of the
exec channel. The command of the exec request names the scene to play, so
that each way a guest can behave, or misbehave, has its own short function."""

import os
import socket
import struct
import sys
import tarfile
import threading
import time


def argument(name, after=""):
    for index, word in enumerate(sys.argv):
        if word == name and sys.argv[index + 1].startswith(after):
            return sys.argv[index + 1][len(after):]
    sys.exit("no %s %s on the command line" % (name, after))


COM1 = socket.socket(fileno=int(argument("-chardev", "socket,id=com1,fd=")))
LOG = open(argument("-chardev", "file,id=com2,path="), "w", encoding="utf-8")
MARKER = b"\x1bKOCHAB-EXEC\n"


def request():
    """argv and environment out of the initrd, as the guest reads them."""
    found = {}
    with tarfile.open(argument("-initrd"), ignore_zeros=True) as tar:
        for member in tar:
            if member.name in ("kochab/exec", "kochab/env"):
                found[member.name] = tar.extractfile(member).read()
    return [[item.decode("utf-8", "surrogateescape")
             for item in found[name].split(b"\0")[:-1]]
            for name in ("kochab/exec", "kochab/env")]


def send(kind, payload=b""):
    COM1.sendall(kind + struct.pack("<H", len(payload)) + payload)


def leave(status):
    send(b"X", struct.pack("<i", status))
    sys.exit(0)


def receive():
    """One frame of the host: (kind, payload); no bytes ends the guest."""
    head = b""
    while len(head) < 3:
        more = COM1.recv(3 - len(head))
        if not more:
            sys.exit(0)
        head += more
    size = struct.unpack("<H", head[1:])[0]
    payload = b""
    while len(payload) < size:
        payload += COM1.recv(size - len(payload))
    return head[:1], payload


def play_streams():
    send(b"O", bytes(range(256)))
    send(b"E", b"to stderr\n\x00\xff")
    send(b"O", b"")
    leave(3)


def play_slowly():
    """Every byte by itself, so that frames arrive in pieces."""
    for byte in b"O" + struct.pack("<H", 5) + b"hello" \
            + b"X" + struct.pack("<Hi", 4, 0):
        COM1.sendall(bytes([byte]))
        time.sleep(0.002)
    sys.exit(0)


def play_cat():
    """stdin back to stdout, with a window of 100 bytes, which the host must
    never exceed."""
    window = 100
    send(b"C", struct.pack("<I", window))
    credit = window
    while True:
        kind, payload = receive()
        if kind == b"Z":
            leave(0)
        if kind != b"I":
            continue
        if len(payload) > credit:
            send(b"T", b"more stdin than credit\n")
            leave(99)
        credit -= len(payload)
        send(b"O", payload)
        send(b"C", struct.pack("<I", len(payload)))
        credit += len(payload)


def play_no_stdin():
    """No credit is ever given: the host must not send, and still end."""
    COM1.settimeout(0.5)
    try:
        receive()
        leave(98)
    except TimeoutError:
        leave(0)


def play_arguments():
    argv, env = request()
    send(b"O", repr(argv[1:]).encode() + b"\n" + "\n".join(env).encode())
    leave(0)


def play_append():
    send(b"O", argument("-append").encode())
    leave(0)


def play_members():
    """What the initrd holds: type, mode, name, link and content."""
    with tarfile.open(argument("-initrd"), ignore_zeros=True) as tar:
        for member in tar:
            content = tar.extractfile(member).read() if member.isfile() \
                else b""
            send(b"O", b"%s %o %s %s %s\n" % (
                member.type, member.mode, member.name.encode(),
                member.linkname.encode(), content[:40]))
    leave(0)


def play_signal():
    leave(256 + 9)


def play_not_found():
    send(b"T", b"nosuch: not found\n")
    leave(127)


def play_not_started():
    send(b"T", b"out of memory while loading\n")
    leave(-1)


def play_hang():
    time.sleep(600)


def play_panic():
    LOG.write("kernel: ready\nPANIC: invariant broken\nrip 0xffffffff80100004"
              "\nrsp 0x1000\n")
    LOG.flush()
    sys.exit(161)


def play_off():
    LOG.write("kernel: going down\n")
    LOG.flush()
    sys.exit(0)


def play_unknown_frame():
    send(b"?", b"what")
    time.sleep(600)


def play_short_frame():
    send(b"X", b"ab")
    time.sleep(600)


def play_flood():
    for _ in range(200):
        send(b"O", b"x" * 0xffff)
    leave(0)


def play_qemu_fails():
    sys.exit("qemu: could not do it")


def obey_quit():
    """QEMU's control channel: `quit` ends the machine at once."""
    control = socket.socket(
        fileno=int(argument("-chardev", "socket,id=qmp,fd=")))
    text = b""
    while b'"quit"' not in text:
        block = control.recv(4096)
        if not block:
            return
        text += block
    os._exit(0)


def main():
    threading.Thread(target=obey_quit, daemon=True).start()
    pid_file = os.environ.get("FAKE_QEMU_PID")
    if pid_file:
        with open(pid_file, "w", encoding="utf-8") as f:
            f.write(str(os.getpid()))
    scene = request()[0][0]
    if scene != "qemu-fails":
        COM1.sendall(b"boot noise O\x01\x00\x1bKOCHAB-EX" + MARKER)
    globals()["play_" + scene.replace("-", "_")]()


main()
