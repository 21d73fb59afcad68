# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Linux in the same emulator: Debian's cloud kernel with an initramfs of our
benchmark programs, measured as the peer of `./kochab bench --peers`.

The kernel comes through ports/linux-cloud. An init of our own runs every
program in turn and powers the machine off. The figures taken are those
without zero-on-alloc and without the instruction count of ERMS copies, which
counts every byte: Linux at its best in this unit.
"""

import os
import subprocess
import time

from . import ports
from .common import BUILD, Failure, need, progress

TIMEOUT_S = 1200
INIT = r"""
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	static const char *const programs[] = { PROGRAMS };
	(void)argc, (void)argv;
	for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++) {
		pid_t child = fork();
		if (child == 0) {
			execl(programs[i], programs[i], (char *)0);
			_exit(127);
		}
		waitpid(child, 0, 0);
	}
	puts("BENCH-END");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
"""


def newc(entries):
    """A cpio archive (newc) of [(name, mode, content, rdev)]."""
    out = bytearray()
    for number, (name, mode, content, rdev) in enumerate(
            entries + [("TRAILER!!!", 0, b"", (0, 0))], 1):
        raw = name.encode() + b"\0"
        fields = [number, mode, 0, 0, 1, 0, len(content), 0, 0, rdev[0],
                  rdev[1], len(raw), 0]
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + raw
        out += b"\0" * (-len(out) % 4)
        out += content
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def build_initramfs(programs, folder):
    source = os.path.join(folder, "init.c")
    init = os.path.join(folder, "init")
    names = sorted(programs, key=lambda name: name != "boot")  # boot first
    with open(source, "w", encoding="utf-8") as f:
        f.write(INIT.replace("PROGRAMS", ", ".join(
            '"/bench/%s"' % name for name in names)))
    subprocess.run([need("clang-19", "clang-19"), "-O1", "-static", "-o",
                    init, source], check=True)
    entries = [("dev", 0o40755, b"", (0, 0)),
               ("dev/console", 0o20600, b"", (5, 1)),
               ("bench", 0o40755, b"", (0, 0))]
    for name, path in [("init", init)] + [
            ("bench/" + name, programs[name]) for name in names]:
        with open(path, "rb") as f:
            entries.append((name, 0o100755, f.read(), (0, 0)))
    target = os.path.join(folder, "initramfs")
    with open(target, "wb") as f:
        f.write(newc(entries))
    return target


def boot(kernel, initramfs):
    """Everything the machine says on its serial port until it is off."""
    command = [
        need("qemu-system-x86_64", "qemu-system-x86"), "-nodefaults",
        "-display", "none", "-no-reboot", "-M", "q35", "-cpu",
        "max,-erms,-fsrm", "-smp", "1", "-m", "512", "-serial", "stdio",
        "-icount", "shift=0,sleep=off", "-kernel", kernel, "-initrd",
        initramfs, "-append", "console=ttyS0 quiet panic=-1 mitigations=off "
        "init_on_alloc=0 tsc=reliable"]
    began = time.monotonic()
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL,
                                capture_output=True, timeout=TIMEOUT_S,
                                check=False)
    except subprocess.TimeoutExpired:
        raise Failure("bench --peers: Linux did not end within %d s"
                      % TIMEOUT_S) from None
    progress("bench: Linux took %.0f s" % (time.monotonic() - began))
    return result.stdout.decode("utf-8", "replace")


def measure(programs, lines_of):
    """{row name: instructions} on Linux, for the rows it printed."""
    folder = os.path.join(BUILD, "bench", "peer")
    os.makedirs(folder, exist_ok=True)
    kernel = os.path.join(ports.port("linux-cloud"), "vmlinuz")
    progress("bench: Linux in the same emulator (under a minute)")
    text = boot(kernel, build_initramfs(programs, folder))
    with open(os.path.join(folder, "log"), "w", encoding="utf-8") as f:
        f.write(text)
    found = lines_of(text.replace("\r", ""))
    if "BENCH-END" not in text or not found:
        raise Failure("bench --peers: Linux did not run the programs to their "
                      "end; build/bench/peer/log has what it said")
    return {name: value for name, (_, value) in found.items()}
