# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""What user code must not be able to do, tried by apps/kernel-test/hardening.c;
and the processors' own protections, read from the running machine: that they are
on cannot be seen from inside without being attacked.

Not shown by emulation, and not claimed: closed speculative leaks."""

import os
import re
import struct
import time

from kochab_tools.guest import Guest, machine_words
from kochab_tools.machine import Machine
from kochab_tools.options import parse_machine
from system.hardening.gdb import Debugger

CR0_WRITE_PROTECT = 1 << 16
CR4 = {"UMIP": 1 << 11, "SMEP": 1 << 20, "SMAP": 1 << 21}
EFER_NO_EXECUTE = 1 << 11
SSTATUS_SUM = 1 << 18
SSTATUS_MXR = 1 << 19


def test_probes(context):
    log = context.run_root("root=kernel-test suite=hardening", mem="256M",
                           icount=True)
    cases = re.findall(r"^CASE (\S+) (.*)$", log, re.MULTILINE)
    bad = ["%s: %s" % case for case in cases if case[1] != "ok"]
    context.check(not bad, "\n".join(
        bad + re.findall(r"^hardening: .*$", log, re.MULTILINE)))
    context.check(len(cases) >= 8 and "CASES %d 0 0" % len(cases) in log,
                  log[-2000:])
    context.note("%d groups of probes" % len(cases))


def registers(machine, deadline):
    """QEMU's view of all processors, as text."""
    machine.qmp_text = b""
    machine.control("human-monitor-command",
                    **{"command-line": "info registers -a"})
    while time.monotonic() < deadline:
        machine.read_control()
        text = machine.qmp_text.decode(errors="replace")
        if '"return": "' in text and text.rstrip().endswith("}") and \
                re.search(r"EFER=|mstatus", text):
            return text.replace("\\r\\n", "\n")
        time.sleep(0.05)
    raise AssertionError("QEMU does not tell its registers")


def drain(machine):
    """Firmware that talks on the console waits until somebody listens."""
    try:
        machine.com1.recv(65536)
    except BlockingIOError:
        pass


def check_riscv(context, text):
    """User memory closed to the kernel, pages of data not readable as code and
    the other way round; translation on."""
    values = {name: [int(value, 16) for value in
                     re.findall(r"\b%s +([0-9a-f]+)" % name, text)]
              for name in ("mstatus", "satp")}
    context.equal([len(v) for v in values.values()], [2, 2], "processors")
    for cpu in range(2):
        context.check(not values["mstatus"][cpu] & SSTATUS_SUM,
                      "cpu %d: the kernel reaches user memory" % cpu)
        context.check(not values["mstatus"][cpu] & SSTATUS_MXR,
                      "cpu %d: what may be executed may be read" % cpu)
        context.check(values["satp"][cpu] >> 60 in (8, 9),
                      "cpu %d: no translation" % cpu)


def test_processors(context):
    if context.arch == "aarch64":
        context.skip("QEMU does not tell the registers in question")
    parsed, _ = parse_machine(machine_words(context.arch, {"smp": 2}), "exec")
    machine = Machine(parsed, "test",
                      words=["root=kernel-test", "suite=hardening"])
    deadline = time.monotonic() + 800  # a safety net, no verdict
    try:
        machine.start()
        while "starting kernel-test" not in machine.log_text():
            drain(machine)
            context.check(not machine.wait_end(0.05)
                          and time.monotonic() < deadline,
                          "the machine did not start\n" + machine.log_tail())
        text = registers(machine, deadline)
    finally:
        machine.stop()
    if context.arch == "riscv64":
        return check_riscv(context, text)
    values = {name: [int(value, 16) for value in
                     re.findall(r"\b%s=([0-9a-f]+)" % name, text)]
              for name in ("CR0", "CR4", "EFER")}
    context.equal([len(v) for v in values.values()], [2, 2, 2], "processors")
    for cpu in range(2):
        context.check(values["CR0"][cpu] & CR0_WRITE_PROTECT,
                      "cpu %d: the kernel may write to read-only pages" % cpu)
        for name, bit in CR4.items():
            context.check(values["CR4"][cpu] & bit,
                          "cpu %d: %s is off" % (cpu, name))
        context.check(values["EFER"][cpu] & EFER_NO_EXECUTE,
                      "cpu %d: pages cannot be kept from execution" % cpu)


# The register with the root of a processor's page tables, and the bits of it that
# are one.
ROOTS = {"x86_64": ("cr3", lambda value: value & 0xffffffffff000),
         "aarch64": ("ttbr0_el1", lambda value: value & 0xfffffffff000),
         "riscv64": ("satp", lambda value: (value & 0xfffffffffff) << 12)}
GUEST, USER = 248, 256  # entries of a root: the guests', and all of user space
LOOKS = 400
BUSY = """
#include <unistd.h>
int main(void)
{
        char path[200];
        for (;;) {
                for (volatile int i = 0; i < 3000; i++)
                        ;
                for (int i = 0; i < 20; i++)
                        if (!getcwd(path, sizeof path))
                                return 1;
        }
}
"""


def split_of(debugger, arch, seen):
    """What two roots of one process show, or None; seen: all roots up to now."""
    name, place = ROOTS[arch]
    seen.update(place(debugger.register(cpu, name)) for cpu in debugger.cpus())
    shown = {}  # by the guests' part, of which no two processes share a table
    for root in sorted(seen):
        entries = struct.unpack("<512Q", debugger.memory(root, 4096))[:USER]
        if any(entries[:GUEST]):
            shown.setdefault(entries[:GUEST], []).append(entries[GUEST:])
    return next((both for both in shown.values() if len(both) > 1), None)


def walk_split(context, **options):
    """A program that is now in its own code, now in the personality, is stopped
    again and again, until both of its roots have been seen: they show the same,
    but for the personality's entries, of which the guest's root has none."""
    program = context.compile("busy", BUSY)
    guest = Guest(context.arch, dict(options, smp=2,
                                     adds={program: "/tmp/busy"}))
    context.guests.append(guest)
    guest.machine.options.gdb = True
    socket = os.path.join(guest.machine.folder, "gdb")
    guest.machine.start()
    while not os.path.exists(socket):
        context.check(not guest.machine.wait_end(0.05), guest.describe())
    debugger = Debugger(socket)
    debugger.go()
    guest.expect(Guest.READY)
    guest.send("/tmp/busy\n")
    guest.expect("busy")
    seen, split, looks = set(), None, 0
    while not split:
        context.check(looks < LOOKS, "no process was seen with two roots that "
                      "show the same of it: %d roots" % len(seen))
        looks += 1
        time.sleep(0.01 + looks % 7 * 0.003)
        debugger.stop()
        split = split_of(debugger, context.arch, seen)
        if not split:
            debugger.go()
    context.equal(sorted(sum(map(bool, upper)) for upper in split),
                  [0, USER - GUEST], "entries of the personality in each")
    context.note("%d looks, %d roots" % (looks, len(seen)))
    debugger.close()


def test_guest_split(context):
    walk_split(context)
