# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The words of ./kochab and the module behind each. Codes: 0 done, 1 failed
or a test failed, 2 a word that is not understood; `exec` has its own."""

import importlib
import os
import subprocess
import sys

from .common import Failure, TOP, VERSION

COMMANDS = {
    # word: (module, function)
    "run": ("console", "run_command"),
    "exec": ("execute", "exec_command"),
    "test": ("testing", "test_command"),
    "bench": ("bench", "bench_command"),
    "image": ("image", "image_command"),
    "screenshot": ("screenshot", "screenshot_command"),
    "size": ("size", "size_command"),
    "debug": ("console", "debug_command"),
    "report": ("report", "report_command"),
    "doctor": ("doctor", "doctor_command"),
    "port": ("ports", "port_command"),
}

HELP = os.path.join(TOP, "tools", "help.txt")  # ./kochab prints it too


def print_help():
    with open(HELP, encoding="utf-8") as f:
        sys.stdout.write(f.read())


def version_text():
    text = "Kochab " + VERSION
    try:
        result = subprocess.run(
            ["git", "-C", TOP, "describe", "--always", "--dirty"],
            capture_output=True, text=True, check=False)
        if result.returncode == 0:
            text += " (%s)" % result.stdout.strip()
    except OSError:
        pass
    return text


def main(words):
    word = words[0] if words else "--help"
    try:
        if word in ("--help", "-h", "help"):
            print_help()
            return 0
        if word in ("--version", "-V"):
            print(version_text())
            return 0
        if word not in COMMANDS:
            raise Failure("%s: no such command; `./kochab --help` lists them"
                          % word, 2)
        if words[1:2] in (["--help"], ["-h"]):
            print_help()
            return 0
        module, function = COMMANDS[word]
        module = importlib.import_module("." + module, __package__)
        return getattr(module, function)(words[1:])
    except Failure as failure:
        sys.stderr.write("kochab: %s\n" % failure)
        return failure.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except OSError as error:  # a full disk, a folder that may not be written
        sys.stderr.write("kochab: %s: %s\n" % (
            error.filename or "error", error.strerror or error))
        return 125 if word == "exec" else 1
