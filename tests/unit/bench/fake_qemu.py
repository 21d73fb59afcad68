#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Stands in for QEMU under `./kochab bench`: the kernel's rows are two figures,
one of them in a wrong unit; each program gives one, but fork fails."""

import os
import socket
import struct
import sys
import tarfile


def argument(after):
    return next(word[len(after):] for word in sys.argv
                if word.startswith(after))


def program():
    with tarfile.open(sys.argv[sys.argv.index("-initrd") + 1],
                      ignore_zeros=True) as tar:
        request = tar.extractfile("kochab/exec").read()
    return os.path.basename(request.split(b"\0")[0].decode())


def main():
    for word in ("-icount", "shift=0,sleep=off"):
        if word not in sys.argv:
            sys.exit("no %s on the command line" % word)
    com1 = socket.socket(fileno=int(argument("socket,id=com1,fd=")))
    words = sys.argv[sys.argv.index("-append") + 1].split()
    if "root=kernel-bench" in words:
        with open(argument("file,id=com2,path="), "w",
                  encoding="utf-8") as log:
            log.write("[0.1] bench: BENCH call-reply-0 insns 333.4\r\n"
                      "BENCH-LATENCY call-reply-0 insns 330 340 900\r\n"
                      "BENCH null-syscall ticks 12\nBENCH yield-pair insns\n")
        return
    name = program()
    com1.sendall(b"\x1bKOCHAB-EXEC\n")

    def send(kind, payload):
        com1.sendall(kind + struct.pack("<H", len(payload)) + payload)
    if name == "fork":
        send(b"E", b"fork: no memory\n")
        send(b"X", struct.pack("<i", 1))
        return
    send(b"O", b"BENCH linux-%s insns 100.0\n" % name.encode())
    send(b"X", struct.pack("<i", 0))


main()
