# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab doctor`: what this machine lacks, and the remedy for each thing."""

import os
import re
import shutil
import subprocess
import sys

from .common import TOP
from .machine import QEMU, probe_kvm

PACKAGES = os.path.join(TOP, "tools", "packages.txt")
DISK_FREE_MIB = 1024
QEMU_LEAST = (7, 2)
PYTHON_LEAST = (3, 11)


def packages():
    """[(package, program or file, purpose)] of tools/packages.txt."""
    with open(PACKAGES, encoding="utf-8") as f:
        return [tuple(line.split(None, 2)) for line in f.read().splitlines()
                if line and not line.startswith("#")]


def version_of(program, *words):
    try:
        text = subprocess.run([program] + list(words), capture_output=True,
                              text=True, check=False).stdout
    except OSError:
        return None
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


class Findings:
    """Printed as they come; anything bad makes the status 1."""

    def __init__(self):
        self.bad = 0

    def good(self, what):
        print("ok       " + what)

    def note(self, what):
        print("note     " + what)

    def missing(self, what, remedy):
        self.bad += 1
        print("MISSING  %s\n         remedy: %s" % (what, remedy))


def check_packages(found):
    absent = []
    for package, proof, purpose in packages():
        there = os.path.exists(proof) if proof.startswith("/") \
            else shutil.which(proof)
        if there:
            found.good("%s (%s)" % (package, purpose))
        else:
            absent.append(package)
            found.missing("%s: %s (%s)" % (package, proof, purpose),
                          "apt-get install -y --no-install-recommends "
                          + package)
    return absent


def check_versions(found):
    if sys.version_info < PYTHON_LEAST:
        found.missing("Python %d.%d is too old" % sys.version_info[:2],
                      "Python %d.%d or newer" % PYTHON_LEAST)
    program = QEMU["x86_64"][0]
    if shutil.which(program):
        version = version_of(program, "--version")
        if version is None or version < QEMU_LEAST:
            found.missing("QEMU %s is too old" % (version,),
                          "QEMU %d.%d or newer" % QEMU_LEAST)
        else:
            found.good("QEMU %d.%d" % version)
            reason = probe_kvm(program)
            if reason is None:
                found.good("KVM works (--accel kvm)")
            else:
                found.note("no KVM: %s. Emulation is the default and all "
                           "that is needed" % reason)


def check_place(found):
    free = shutil.disk_usage(TOP).free >> 20
    if free < DISK_FREE_MIB:
        found.missing("%d MiB free in %s" % (free, TOP),
                      "make %d MiB free" % DISK_FREE_MIB)
    else:
        found.good("%d MiB free for build/" % free)
    if not os.access(TOP, os.W_OK):
        found.missing("%s may not be written" % TOP,
                      "own the checkout, or copy it")
    if " " in TOP:
        found.missing("the path %r holds a space, which make cannot handle"
                      % TOP, "move the checkout")
    if not os.path.exists("/usr/lib/apt/apt-helper"):
        found.missing("apt, which fetches third-party files",
                      "Debian 12; ports already in build/ports still work")


def check_system(found):
    text = ""
    if os.path.exists("/etc/os-release"):
        with open("/etc/os-release", encoding="utf-8") as f:
            text = f.read()
    if "ID=debian" in text and 'VERSION_ID="12"' in text:
        found.good("Debian 12 on " + os.uname().machine)
    else:
        found.note("not Debian 12: not tried there")


def doctor_command(_):
    found = Findings()
    check_system(found)
    check_packages(found)
    check_versions(found)
    check_place(found)
    print("nothing is missing" if not found.bad
          else "%d things are missing" % found.bad)
    return 1 if found.bad else 0
