# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Questions to the kernel shell of a debug build: `./kochab debug WORDS…`.

The log port of a debug build is a socket in the machine's folder. A line that
is written to it is answered by kernel/debug/shell.c; what else the log says
meanwhile comes along. Where the port is semihosting the kernel cannot look
whether there is a line: there it comes in a file.
"""

import glob
import os
import socket
import time

from .common import Failure, RUNS
from .machine import BY_FILE, SHELL_SOCKET

PROMPT = b"kernel> "


def put(path, port, question):
    """False: it comes in a file, and has been put there if the last was read."""
    folder = os.path.dirname(path)
    if not os.path.exists(os.path.join(folder, BY_FILE)):
        port.sendall(question)
        return True
    target = os.path.join(folder, "kernel-question")
    if not os.path.exists(target):
        with open(target + "~", "wb") as f:
            f.write(question)
        os.rename(target + "~", target)
    return False


def answer(port, until):
    """What comes up to the next prompt, or until then."""
    text = b""
    while not text.endswith(PROMPT) and time.monotonic() < until:
        try:
            piece = port.recv(65536)
        except TimeoutError:
            break
        if not piece:
            break
        text += piece
    return text


def ask(path, question, timeout_s=60):
    """The answer to one line. Raises Failure when there is none in time.

    A question by file may be answered before the emulator has taken our
    connection: then it is asked again."""
    end = time.monotonic() + timeout_s
    text = b""
    with socket.socket(socket.AF_UNIX) as port:
        try:
            port.connect(path)
            while not text.endswith(PROMPT) and time.monotonic() < end:
                sent = put(path, port, question.encode() + b"\n")
                port.settimeout(timeout_s if sent else min(5, timeout_s))
                text = answer(port, end)
        except OSError as error:
            raise Failure("%s: %s" % (path, error.strerror or error)) \
                from None
    if not text.endswith(PROMPT):
        raise Failure("no answer from the kernel shell within %g s"
                      % timeout_s)
    return text[:-len(PROMPT)].decode("utf-8", "replace")


def ask_running(words):
    """The same of the debug machine that was started last."""
    paths = sorted(glob.glob(os.path.join(RUNS, "*", SHELL_SOCKET)),
                   key=os.path.getmtime, reverse=True)
    for path in paths:
        try:
            return ask(path, " ".join(words))
        except Failure as failure:
            last = failure
            continue
    raise Failure("debug %s: no debug machine answers (%s); start one with "
                  "`./kochab debug` in another terminal" % (
                      words[0], last if paths else "none is running"))
