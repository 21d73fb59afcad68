# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Calls make when something is out of date, and shows how far it is.

    ensure(arch, build)   build/<arch>-<build>/ holds kernel.elf and boot.tar
    make(targets)         any other target

One build at a time (a lock in build/). The full output goes to
build/make.log; what the user sees is one line that counts, and the end of the
log when it fails. KOCHAB_NO_BUILD=1 trusts what is there.
"""

import fcntl
import os
import subprocess
import sys
import time

from .common import BUILD, Failure, TOP, need, output_dir, progress

LOG = os.path.join(BUILD, "make.log")


def show(text):
    """A line that replaces itself on a terminal; nothing elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text[:100])
        sys.stderr.flush()


def follow(process, log, what):
    """make's lines into the log and the progress line; how many there were."""
    count = 0
    for line in process.stdout:
        log.write(line)
        if "Nothing to be done for" in line or "is up to date." in line:
            continue
        if count == 0:
            progress("building %s (output in build/make.log)" % what)
        count += 1
        show("kochab: building, step %d: %s" % (count, line.strip()))
    return count


def run_make(arguments, what, failure_code):
    need("make", "make")
    jobs = os.environ.get("KOCHAB_JOBS") or str(os.cpu_count() or 1)
    command = ["make", "-C", TOP, "--no-print-directory", "-j" + jobs]
    os.makedirs(BUILD, exist_ok=True)
    with open(os.path.join(BUILD, ".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = time.monotonic()
        with open(LOG, "w", encoding="utf-8") as log:
            process = subprocess.Popen(
                command + arguments, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                text=True, errors="replace")
            try:
                count = follow(process, log, what)
            except BaseException:
                process.terminate()  # Ctrl-C: make ends with us
                process.wait()
                raise
        status = process.wait()
        if count:
            show("")
        if status != 0:
            with open(LOG, encoding="utf-8", errors="replace") as log:
                tail = log.readlines()[-30:]
            raise Failure("the build failed (make %s); its last lines:\n%s"
                          % (" ".join(arguments), "".join(tail)),
                          failure_code)
        if count:
            progress("built in %.0f s" % (time.monotonic() - started))


def make(targets, what, failure_code=1):
    if not os.environ.get("KOCHAB_NO_BUILD"):
        run_make(list(targets), what, failure_code)


def ensure(arch, build, failure_code=1):
    folder = os.environ.get("KOCHAB_OUTPUT")  # for tests of the host side
    if folder:
        return folder
    folder = output_dir(arch, build)
    make(["ARCH=" + arch, "BUILD=" + build], "%s %s" % (arch, build),
         failure_code)
    for name in ("kernel.elf", "boot.tar"):
        if not os.path.exists(os.path.join(folder, name)):
            raise Failure("%s is missing although make succeeded"
                          % os.path.relpath(os.path.join(folder, name), TOP),
                          failure_code)
    return folder
