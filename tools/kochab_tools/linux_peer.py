# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Linux in the same emulator: Debian's kernel with an initramfs of our
benchmark programs, the peer that `./kochab bench --peers` measures.

    measure(arch, programs, …)   what tests/bench/peers.json says of Linux on
                                 an architecture

The kernel comes through ports/linux-cloud, the machine is the one that Kochab
gets. An init of our own runs every program in turn and powers the machine off.
Behind the first program, which reads the time of the boot, it sleeps, because
the kernel's own late work would otherwise count for the programs.

Two boots: `as_shipped`, and `figures`, Linux at its best in this unit: without
zeroing on allocation, and on x86-64 without the processor flags for fast
string copies, of which each byte counts here as an instruction. Both without
mitigations, which no other system is measured with.
"""

import concurrent.futures
import datetime
import os
import re
import subprocess
import time

from . import ports
from .common import BUILD, Failure, need, progress

TIMEOUT_S = 3600
# pauth-impdef: the emulator signs pointers by a short way; same instructions.
# arch: (QEMU, package, board, processor, at its best, kernel, console)
MACHINES = {
    "x86_64": ("qemu-system-x86_64", "qemu-system-x86", "q35", "max",
               "max,-erms,-fsrm", "vmlinuz", "ttyS0"),
    "aarch64": ("qemu-system-aarch64", "qemu-system-arm",
                "virt,gic-version=3", "max,pauth-impdef=on",
                "max,pauth-impdef=on", "vmlinuz-aarch64", "ttyAMA0"),
    "riscv64": ("qemu-system-riscv64", "qemu-system-misc", "virt", "rv64",
                "rv64", "vmlinux-riscv64", "ttyS0"),
}
WORDS = "quiet panic=-1 mitigations=off"
BEST_WORDS = "init_on_alloc=0"
INIT = r"""
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	static const char *const programs[] = { PROGRAMS };
	struct utsname name;
	(void)argc, (void)argv;
	for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++) {
		pid_t child = fork();
		if (child == 0) {
			execl(programs[i], programs[i], "latency", (char *)0);
			_exit(127);
		}
		waitpid(child, 0, 0);
		if (i == 0)
			sleep(30);
	}
	uname(&name);
	printf("BENCH-KERNEL Linux %s %s\n", name.release, name.version);
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


def build_initramfs(programs, folder, compile_one):
    source = os.path.join(folder, "init.c")
    init = os.path.join(folder, "init")
    names = sorted(programs, key=lambda name: name != "boot")  # boot first
    with open(source, "w", encoding="utf-8") as f:
        f.write(INIT.replace("PROGRAMS", ", ".join(
            '"/bench/%s"' % name for name in names)))
    compile_one(source, init, [])
    entries = [("dev", 0o40755, b"", (0, 0)),
               ("dev/console", 0o20600, b"", (5, 1)),
               ("tmp", 0o41777, b"", (0, 0)),
               ("bench", 0o40755, b"", (0, 0))]
    for name, path in [("init", init)] + [
            ("bench/" + name, programs[name]) for name in names]:
        with open(path, "rb") as f:
            entries.append((name, 0o100755, f.read(), (0, 0)))
    target = os.path.join(folder, "initramfs")
    with open(target, "wb") as f:
        f.write(newc(entries))
    return target


def boot(arch, initramfs, best):
    """Everything the machine says on its serial port until it is off."""
    program, package, board, shipped, at_best, kernel, console = MACHINES[arch]
    words = ["console=" + console, WORDS] + [BEST_WORDS] * best
    if arch == "x86_64":
        words.append("tsc=reliable")
    command = [
        need(program, package), "-nodefaults", "-display", "none",
        "-no-reboot", "-M", board, "-cpu", at_best if best else shipped,
        "-smp", "1", "-m", "512", "-serial", "stdio", "-icount",
        "shift=0,sleep=off", "-kernel",
        os.path.join(ports.port("linux-cloud", arch), kernel), "-initrd",
        initramfs, "-append", " ".join(words)]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=TIMEOUT_S,
                                check=False)
    except subprocess.TimeoutExpired:
        raise Failure("bench --peers: Linux did not end within %d s"
                      % TIMEOUT_S) from None
    return result.stdout.decode("utf-8", "replace").replace("\r", "")


def emulator(arch):
    """The emulator's own name and version."""
    try:
        said = subprocess.run([MACHINES[arch][0], "--version"],
                              capture_output=True, text=True,
                              check=False).stdout
    except OSError:
        said = ""
    match = re.search(r"version ([0-9.]+)(?: \(Debian (\S+)\))?", said)
    if match is None:
        return "unknown version of QEMU"
    return "QEMU %s%s" % (match[1],
                          " (Debian %s)" % match[2] if match[2] else "")


def measure(arch, programs, compile_one, lines_of, latencies_of):
    """Figures of Linux with all that is needed to have them again."""
    folder = os.path.join(BUILD, "bench", "peer-" + arch)
    os.makedirs(folder, exist_ok=True)
    ports.port("linux-cloud", arch)
    progress("bench: Linux on %s in the same emulator, two boots" % arch)
    initramfs = build_initramfs(programs, folder, compile_one)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        texts = dict(zip(("figures", "as_shipped"), pool.map(
            lambda best: boot(arch, initramfs, best), (True, False))))
    progress("bench: Linux took %.0f s" % (time.monotonic() - began))
    found = {"date": datetime.date.today().isoformat(),
             "emulator": "%s TCG, -icount shift=0,sleep=off, -smp 1"
                         % emulator(arch)}
    for kind, text in texts.items():
        log = os.path.join(folder, kind + ".log")
        with open(log, "w", encoding="utf-8") as f:
            f.write(text)
        figures = {name: value for name, (_, value) in lines_of(text).items()}
        kernel = re.search(r"^BENCH-KERNEL (.*)$", text, re.MULTILINE)
        if "BENCH-END" not in text or kernel is None \
                or len(figures) != len(programs):
            raise Failure("bench --peers: Linux did not run all programs to "
                          "their end; %s has what it said" % log)
        found["kernel"] = kernel[1]
        found[kind] = {name: figures[name] for name in sorted(figures)}
    latencies = latencies_of(texts["figures"])
    found["latency"] = {name: latencies[name] for name in sorted(latencies)}
    return found
