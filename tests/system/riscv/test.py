# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""What only a RISC-V machine shows: interrupt lines that devices share, the
advanced interrupt architecture instead of the PLIC, and page tables of three levels
(Sv39). QEMU's processors have four (Sv48) whatever one asks for, so Sv39 is chosen by
the command line and by a device tree."""

import os
import re
import subprocess
import time

from kochab_tools.guest import Guest
from system.conformance.test import judge
from system.hardening.test import registers, walk_split
from system.linux.test import program_of

SATP_SV39, SATP_SV48 = 8, 9
AIA = (0xd000000, 0x28000000)  # QEMU's virt: the supervisor's APLIC, IMSIC


def only_here(context):
    if context.arch != "riscv64":
        context.skip("for riscv64")


# Disks 1 and 5 sit in slots 0x11 and 0x15: one line. The driver of one is killed
# again and again while both are read.
def test_drivers_on_one_line(context):
    only_here(context)
    content = bytes(i * 7 % 251 for i in range(1 << 20))
    disks = [context.fat_image("disk%d" % n, 34, {"data": content})
             for n in range(1, 6)]
    out = context.sh_ok(
        "for i in 1 2 3 4 5 6 7 8; do"
        " /bin/svc kill virtio-blk.1 >/dev/null;"
        " cmp /disk1/data /disk5/data || echo differs;"
        " cp /disk5/data /disk1/copy$i && sync; done;"
        "md5sum /disk1/copy8 /disk5/data | cut -d' ' -f1 | uniq | wc -l",
        disks=disks)
    context.equal(out.split(), ["1"], "sums that differ")
    context.equal(context.fat_read(disks[0], "copy8"), content)


def test_imsic_and_aplic(context):
    only_here(context)
    disk = context.fat_image("disk", 34, {"data": b"through messages"})
    result = context.exec("cat", "/disk1/data", disks=[disk],
                          machine="aia=aplic-imsic")
    context.equal(result.status, 0, result)
    context.equal(result.out, b"through messages")
    context.check("interrupts: IMSIC and APLIC" in result.log, result.log)
    for device in AIA:
        log = context.run_root(
            "root=kernel-test suite=conformance case=devices "
            "kernel-device=%d" % device, machine="aia=aplic-imsic", smp=2)
        cases = dict(re.findall(r"^CASE (\S+) (.*)$", log, re.MULTILINE))
        context.equal({case: text for case, text in cases.items()
                       if text != "ok" and case != "devices.port"}, {})
        context.equal(cases.get("devices.msi"), "ok", "messages")


def modes(context, guest):
    """What is in satp of each processor, as the machine runs."""
    guest.machine.read_control()
    text = registers(guest.machine, time.monotonic() + 300)
    found = re.findall(r"\bsatp +([0-9a-f]+)", text)
    context.equal(len(found), 2, "processors")
    return {int(value, 16) >> 60 for value in found}


def shows_sv39(context, guest):
    context.check("mmu: Sv39" in guest.log_text(), guest.log_text()[:2000])
    context.equal(modes(context, guest), {SATP_SV39}, "modes of translation")
    context.equal(guest.line_ok("grep -c 'mmu.*sv39' /proc/cpuinfo"), "2\n")
    start, end = re.search(r"^([0-9a-f]+)-([0-9a-f]+) .*\[stack\]",
                           guest.line_ok("cat /proc/self/maps"),
                           re.MULTILINE).groups()
    # Programs have all but the last 32nd of user space.
    context.check(int(end, 16) < 0x3e00000000, start + " " + end)


def test_sv39_on_the_command_line(context):
    only_here(context)
    programs = {name: program_of(context, name, "-pthread") for name in
                ("memory", "processes", "signals", "threads")}
    guest = context.boot(words="mmu=sv39", adds={
        path: "/tmp/" + name for name, path in programs.items()})
    shows_sv39(context, guest)
    for name in programs:
        out = guest.line_ok("/tmp/" + name)
        context.check(" 0 failed" in out, name + ": " + out)
    out = guest.line_ok("uname -a; echo $((6*7)) | sed s/4/x/; (exit 3); "
                        "echo $?").splitlines()
    context.check("riscv64" in out[0], out[0])
    context.equal(out[1:], ["x2", "3"])
    # Who dies is built again, the personality with its container too.
    for name in ("console", "rootfs", "vfs"):
        guest.line_ok("svc kill " + name)
        context.equal(guest.line_ok("echo still typing"), "still typing\n")
    guest.send("svc kill linux\n")
    guest.expect(Guest.READY)
    context.equal(guest.line_ok("cat /proc/uptime | wc -l"), "1\n")
    context.equal(guest.poweroff(), "off")


# Nothing says where the log goes, and there is no first program: what the kernel says
# then comes through the firmware.
def test_a_panic_is_seen_without_a_log_port(context):
    only_here(context)
    serial = context.path("serial")
    process = subprocess.Popen(
        [Guest(context.arch, {}).machine.program, "-M", "virt", "-m", "128",
         "-display", "none", "-monitor", "none", "-serial", "file:" + serial,
         "-kernel", os.path.join(context.output(), "kernel.image")],
        stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 120
        said = ""
        while "This is a bug" not in said and time.monotonic() < end:
            time.sleep(0.2)
            with open(serial, "r", errors="replace") as f:
                said = f.read()
    finally:
        process.kill()
        process.wait()
    for text in ("PANIC: no first program", "build ", "Backtrace:", " #0 0x",
                 "This is a bug"):
        context.check(text in said, "%r is not in %s" % (text, said[-2000:]))


# One processor that lacks Sv48 is enough.
def test_sv39_by_the_device_tree(context):
    only_here(context)
    tree = context.path("tree")
    guest = Guest(context.arch, {})
    context.guests.append(guest)
    subprocess.run([guest.machine.program, "-M", "virt,dumpdtb=" + tree,
                    "-cpu", "rv64", "-smp", "2", "-m", "512", "-display",
                    "none"], check=True, capture_output=True)
    with open(tree, "rb") as f:
        data = f.read()
    context.equal(data.count(b"riscv,sv48\0"), 2, "processors with Sv48")
    with open(tree, "wb") as f:
        f.write(data.replace(b"riscv,sv48\0", b"riscv,sv39\0", 1))
    guest.machine.options.machine = "dtb=" + tree
    guest.start()
    shows_sv39(context, guest)
    context.equal(guest.poweroff(), "off")


def test_sv48_without_reason_to_do_less(context):
    only_here(context)
    guest = context.boot(words="mmu=sv57")
    log = guest.log_text()
    context.check("command line: mmu=sv57: unknown, ignored" in log and
                  "mmu: Sv39" not in log, log[:2000])
    context.equal(modes(context, guest), {SATP_SV48}, "modes of translation")
    context.equal(guest.line_ok("grep -c 'mmu.*sv48' /proc/cpuinfo"), "2\n")
    context.equal(guest.poweroff(), "off")


# The kernel's borders, guests and page tables, with three levels.
def test_sv39_conformance(context):
    only_here(context)
    log = context.run_root("root=kernel-test suite=conformance mmu=sv39",
                           icount=True, mem="256M")
    context.check("mmu: Sv39" in log, log[:2000])
    judge(context, log, 114)


def test_sv39_probes(context):
    only_here(context)
    log = context.run_root("root=kernel-test suite=hardening mmu=sv39",
                           icount=True, mem="256M")
    context.check("mmu: Sv39" in log, log[:2000])
    judge(context, log, 8)


def test_sv39_guest_split(context):
    only_here(context)
    walk_split(context, words="mmu=sv39")
