# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab report [FILE]`: the last failed run and its surroundings as one
archive to attach to a bug report. It holds logs, versions and the command line
of QEMU, and nothing of the files that were put into the guest."""

import contextlib
import io
import os
import subprocess
import tarfile
import time

from . import symbols
from .cli import version_text
from .common import BUILD, Failure, RUNS, TOP, output_dir, progress

LOG_LIMIT = 4 << 20


def runs():
    """Folders of recorded runs, the newest first."""
    found = []
    for name in os.listdir(RUNS) if os.path.isdir(RUNS) else ():
        folder = os.path.join(RUNS, name)
        with contextlib.suppress(FileNotFoundError):  # pruned just now
            found.append((os.path.getmtime(folder), folder))
    return [folder for _, folder in sorted(found, reverse=True)]


def command_of(folder):
    try:
        with open(folder + "/command", encoding="utf-8") as f:
            return f.read().splitlines()
    except OSError:
        return []


def log_path(folder):
    for word in command_of(folder):
        if word.startswith("file,id=com2,path="):
            return word[len("file,id=com2,path="):].replace(",,", ",")
    return folder + "/log"


def elf_of(folder):
    command = command_of(folder)
    return command[command.index("-kernel") + 1] if "-kernel" in command \
        else os.path.join(output_dir(), "kernel.elf")


def tail_of(path):
    try:
        with open(path, "rb") as f:
            f.seek(max(0, os.path.getsize(path) - LOG_LIMIT))
            return f.read()
    except OSError:
        return None


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True,
                              cwd=TOP, check=False).stdout.strip()
    except OSError as error:
        return str(error)


def surroundings():
    return "\n".join([
        version_text(),
        output_of("uname", "-a"),
        output_of("qemu-system-x86_64", "--version").split("\n")[0],
        output_of("clang-19", "--version").split("\n")[0],
        "changed files:", output_of("git", "status", "--short"), ""])


def report_command(words):
    if len(words) > 1 or words[:1] and words[0].startswith("-"):
        raise Failure("report: wants at most a file name", 2)
    found = runs()
    if not found:
        raise Failure("report: no run is recorded in build/run; run what "
                      "failed first")
    panics = [folder for folder in found
              if symbols.panic_of(log_path(folder), elf_of(folder))]
    folder = (panics or found)[0]
    target = words[0] if words else os.path.join(
        BUILD, time.strftime("report-%Y%m%d-%H%M%S.tar.gz"))
    panic = symbols.panic_of(log_path(folder), elf_of(folder))
    parts = {
        "about": surroundings().encode(),
        "command": "\n".join(command_of(folder)).encode(),
        "log": tail_of(log_path(folder)),
        "qemu": tail_of(folder + "/qemu"),
        "panic": panic.encode() if panic else None,
        "make.log": tail_of(os.path.join(BUILD, "make.log")),
    }
    with tarfile.open(target, "w:gz") as tar:
        for name, content in parts.items():
            if content is not None:
                info = tarfile.TarInfo("kochab-report/" + name)
                info.size = len(content)
                info.mtime = int(time.time())
                tar.addfile(info, io.BytesIO(content))
    if panic:
        print(panic)
    progress("%s: the newest run%s, its log and the versions of the tools. "
             "Look through it before you publish it"
             % (os.path.relpath(target), " that panicked" if panic else ""))
    return 0
