# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The words of ./kochab and the module behind each."""

import sys

from .common import Failure


def port_command(words):
    from . import ports
    if not words:
        for name in ports.recipes():
            print("%-16s %s" % (name, ports.load(name)["about"]))
        return 0
    for name in words:
        ports.port(name)
    return 0


COMMANDS = {"port": port_command}


def main(words):
    try:
        return COMMANDS[words[0]](words[1:])
    except Failure as failure:
        sys.stderr.write("kochab: %s\n" % failure)
        return failure.code
    except KeyboardInterrupt:
        return 130
