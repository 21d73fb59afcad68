# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Paths, progress lines and the one error type of the host tools.

Failure   what every module raises when the user has to be told something;
          cli.py prints the text and exits with the code.
progress  one line on stderr; stdout belongs to the commands' results.
"""

import os
import shutil
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")
PORTS = os.path.join(BUILD, "ports")
RUNS = os.environ.get("KOCHAB_RUNS") or os.path.join(BUILD, "run")
# Where test runs keep their files; a test of the runner has one of its own.
TESTED = os.environ.get("KOCHAB_TESTED") or os.path.join(BUILD, "test")

VERSION = "0.1"
ARCHES = ("x86_64", "aarch64", "riscv64")
ARCH_NAMES = {"x86_64": "x86_64", "x86-64": "x86_64", "amd64": "x86_64",
              "aarch64": "aarch64", "arm64": "aarch64",
              "riscv64": "riscv64", "riscv": "riscv64"}


class Failure(Exception):
    """Something to tell the user; code is the exit status."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code


def arch_of(word):
    """The architecture a user's word means, or a Failure that says why."""
    if word in ARCH_NAMES:
        return ARCH_NAMES[word]
    raise Failure("--arch %s: not an architecture known here (%s)"
                  % (word, ", ".join(ARCHES)), 2)


def progress(text):
    sys.stderr.write("kochab: " + text + "\n")
    sys.stderr.flush()


def need(program, package):
    """The path of a host program, or a Failure naming its package."""
    path = shutil.which(program)
    if path is None:
        raise Failure("%s is not installed (Debian package %s); "
                      "`./kochab doctor` lists everything that is missing"
                      % (program, package))
    return path


def output_dir(arch="x86_64", build="release"):
    return os.path.join(BUILD, "%s-%s" % (arch, build))
