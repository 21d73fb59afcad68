#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Stands in for QEMU under `./kochab run`: a console that answers each line.
Lines: size (what the command line said), off, reset, panic; others come back."""

import os
import socket
import sys
import threading


def argument(after):
    return next(word[len(after):] for word in sys.argv
                if word.startswith(after))


COM1 = socket.socket(fileno=int(argument("socket,id=com1,fd=")))
QMP = socket.socket(fileno=int(argument("socket,id=qmp,fd=")))


def obey_quit():
    text = b""
    while b'"quit"' not in text:
        text += QMP.recv(4096) or sys.exit(0)
    os._exit(0)


def answer(line):
    if line == b"size":
        words = sys.argv[sys.argv.index("-append") + 1].encode()
        COM1.sendall(words + b"\n")
    elif line == b"off":
        sys.exit(0)
    elif line == b"reset":
        QMP.sendall(b'{"event": "SHUTDOWN", "data": {"guest": true, '
                    b'"reason": "guest-reset"}}\r\n')
        sys.exit(0)
    elif line == b"panic":
        with open(argument("file,id=com2,path="), "w",
                  encoding="utf-8") as log:
            log.write("PANIC: kernel/x.c:1: broken\n")
        os._exit(161)
    else:
        COM1.sendall(b"got " + line.hex().encode() + b"\n")


def main():
    threading.Thread(target=obey_quit, daemon=True).start()
    COM1.sendall(b"hello from the guest\n")
    text = b""
    while True:
        block = COM1.recv(4096)
        if not block:
            return
        text += block
        while b"\r" in text or b"\n" in text:
            line, text = text.replace(b"\r", b"\n").split(b"\n", 1)
            answer(line)


main()
