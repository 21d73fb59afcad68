# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The host's terminal: its size, its name, and raw mode that is undone.

    window_size()      (columns, rows), 80x25 without a terminal
    terminal_words()   what the kernel command line says about it
    environment()      the variables a command in the guest starts with
    raw(fd)            context manager
"""

import contextlib
import os
import re
import termios
import tty

GUEST_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def window_size():
    for fd in (1, 0, 2):
        try:
            size = os.get_terminal_size(fd)
        except OSError:
            continue
        if 0 < size.columns < 1000 and 0 < size.lines < 1000:
            return size.columns, size.lines
    return 80, 25


def terminal_name():
    name = os.environ.get("TERM", "")
    return name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,31}", name) \
        else "vt100"


def terminal_words():
    return ["tty=%dx%d" % window_size(), "term=" + terminal_name()]


def environment():
    return ["HOME=/root", "PATH=" + GUEST_PATH, "TERM=" + terminal_name()]


@contextlib.contextmanager
def raw(fd):
    """Raw mode on fd while inside, when fd is a terminal at all."""
    if not os.isatty(fd):
        yield
        return
    saved = termios.tcgetattr(fd)
    try:
        tty.setraw(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, saved)
