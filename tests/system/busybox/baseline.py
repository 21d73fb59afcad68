#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Makes linux.txt: which cases of busybox's suite pass on Debian's own kernel
in the same emulator. Run by hand when the port's version changes:

    python3 tests/system/busybox/baseline.py
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "tools"))

from kochab_tools import ports  # noqa: E402
from kochab_tools.common import BUILD  # noqa: E402
from kochab_tools.linux_peer import newc  # noqa: E402
import cases  # noqa: E402

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin TERM=vt100
/suite/suite.sh /suite
poweroff -f
"""


def tree(folder, name):
    entries = [(name, 0o40755, b"", (0, 0))]
    for base, folders, files in os.walk(folder):
        inside = os.path.join(name, os.path.relpath(base, folder))
        for entry in sorted(folders):
            entries.append((os.path.normpath(os.path.join(inside, entry)),
                            0o40755, b"", (0, 0)))
        for entry in sorted(files):
            path = os.path.join(base, entry)
            with open(path, "rb") as f:
                entries.append((os.path.normpath(os.path.join(inside, entry)),
                                0o100000 | os.stat(path).st_mode & 0o777,
                                f.read(), (0, 0)))
    return entries


def content(path):
    with open(path, "rb") as f:
        return f.read()


def main():
    suite = ports.port("busybox-suite")
    busybox = content(os.path.join(ports.port("busybox"), "busybox"))
    entries = [(name, 0o40755, b"", (0, 0)) for name in (
        "bin", "dev", "proc", "sys", "tmp", "root", "etc", "suite")]
    entries += [("dev/console", 0o20600, b"", (5, 1)),
                ("bin/busybox", 0o100755, busybox, (0, 0)),
                ("init", 0o100755, INIT.encode(), (0, 0)),
                ("etc/passwd", 0o100644, b"root::0:0:root:/root:/bin/sh\n",
                 (0, 0)),
                ("etc/group", 0o100644, b"root:x:0:\n", (0, 0)),
                ("suite/busybox", 0o100755, busybox, (0, 0)),
                ("suite/.config", 0o100644,
                 content(os.path.join(suite, ".config")), (0, 0)),
                ("suite/suite.sh", 0o100755,
                 content(os.path.join(HERE, "suite.sh")), (0, 0))]
    entries += tree(os.path.join(suite, "testsuite"), "suite/testsuite")
    folder = os.path.join(BUILD, "bench", "suite")
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/initramfs", "wb") as f:
        f.write(newc(entries))
    kernel = os.path.join(ports.port("linux-cloud"), "vmlinuz")
    with open(folder + "/log", "wb") as log:
        subprocess.run(
            ["qemu-system-x86_64", "-nodefaults", "-display", "none",
             "-no-reboot", "-M", "q35", "-cpu", "max", "-smp", "2", "-m",
             "1024", "-serial", "stdio", "-kernel", kernel, "-initrd",
             folder + "/initramfs", "-append",
             "console=ttyS0 quiet panic=-1 mitigations=off"],
            stdin=subprocess.DEVNULL, stdout=log, timeout=3600, check=True)
    text = content(folder + "/log").decode("utf-8", "replace")
    if "SUITE-END" not in text:
        sys.exit("Linux did not reach the end; see %s/log" % folder)
    found = cases.parse(text)
    print(cases.count(found))
    with open(os.path.join(HERE, "linux.txt"), "w", encoding="utf-8") as f:
        f.write("# Cases of busybox's suite on Debian's kernel in QEMU: %s.\n"
                "# Made by baseline.py.\n" % cases.count(found))
        for name in sorted(found):
            f.write("%s\t%s\n" % (found[name], name))


main()
