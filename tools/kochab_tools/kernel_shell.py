# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Questions to the kernel shell of a debug build: `./kochab debug WORDS…`.

The log port of a debug build is a socket in the machine's folder. A line that
is written to it is answered by kernel/debug/shell.c; what else the log says
meanwhile comes along.
"""

import glob
import os
import socket
import time

from .common import Failure, RUNS
from .machine import SHELL_SOCKET

PROMPT = b"kernel> "


def ask(path, question, timeout_s=60):
    """The answer to one line. Raises Failure when there is none in time."""
    with socket.socket(socket.AF_UNIX) as port:
        port.settimeout(timeout_s)
        text = b""
        try:
            port.connect(path)
            port.sendall(question.encode() + b"\n")
            deadline = time.monotonic() + timeout_s
            while not text.endswith(PROMPT) and time.monotonic() < deadline:
                piece = port.recv(65536)
                if not piece:
                    break
                text += piece
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
