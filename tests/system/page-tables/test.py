# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""All page tables that the processors have loaded, walked from outside while programs
run: no page anywhere, the kernel's or a user's, can be both written and executed."""

import os
import struct
import time

from kochab_tools.guest import Guest
from system.hardening.gdb import Debugger

LOOKS, ROOTS = 400, 8
WORK = "i=0; while [ $i -lt 3000 ]; do ls /bin >/dev/null; i=$((i+1)); done"


class X86:
    """AMD64 manual volume 2, sections 5.3 and 5.6."""
    roots = {"cr3": lambda value: value & 0xffffffffff000}

    @staticmethod
    def entry(value, level):
        """(present, leaf, address of what it points to, writable, executable)."""
        return (value & 1, level == 0 or value & 0x80,
                value & 0xffffffffff000, value & 2, not value >> 63)


class Arm:
    """Arm ARM (DDI 0487), D8.3. Written by the kernel or a user, executed by either:
    bits 7 (read only), 6 (user's), 54 and 53 (not executed by user, by kernel)."""
    roots = {name: lambda value: value & 0xfffffffff000
             for name in ("ttbr0_el1", "ttbr1_el1")}

    @staticmethod
    def entry(value, level):
        leaf = level == 0 or not value & 2
        user = value >> 54 & 1 == 0 and value >> 6 & 1
        return (value & 1, leaf, value & 0xfffffffff000,
                not leaf or not value >> 7 & 1,
                not leaf or user or not value >> 53 & 1)


class Riscv:
    """RISC-V privileged architecture, 10.4.1."""
    roots = {"satp": lambda value: (value & 0xfffffffffff) << 12}

    @staticmethod
    def entry(value, level):
        leaf = value & 14
        return (value & 1, leaf, (value >> 10 & 0xfffffffffff) << 12,
                not leaf or value & 4, not leaf or value & 8)


KINDS = {"x86_64": X86, "aarch64": Arm, "riscv64": Riscv}


def leaves(debugger, kind, root, known):
    """(writable, executable) of each leaf below the root. known: tables that were
    walked with the same rights above them, in this look."""
    todo = [(root, 3, True, True)]
    while todo:
        table = todo.pop()
        if table in known:
            continue
        known.add(table)
        place, level, writes, runs = table
        for value in struct.unpack("<512Q", debugger.memory(place, 4096)):
            present, leaf, to, writable, executable = kind.entry(value, level)
            if not present:
                continue
            rights = bool(writes and writable), bool(runs and executable)
            if leaf:
                yield rights
            else:
                todo.append((to, level - 1) + rights)


def test_nothing_is_written_and_executed(context):
    kind = KINDS[context.arch]
    guest = Guest(context.arch, {"smp": 2})
    context.guests.append(guest)
    guest.machine.options.gdb = True
    socket = os.path.join(guest.machine.folder, "gdb")
    guest.machine.start()
    while not os.path.exists(socket):
        context.check(not guest.machine.wait_end(0.05), guest.describe())
    debugger = Debugger(socket)
    debugger.go()
    guest.expect(Guest.READY)
    guest.send(WORK + "\n")
    count, roots, looks = {}, set(), 0
    while len(roots) < ROOTS:
        context.check(looks < LOOKS, "only %d roots were loaded" % len(roots))
        looks += 1
        time.sleep(0.01 + looks % 7 * 0.003)
        debugger.stop()
        known = set()
        for cpu in debugger.cpus():
            for name, place in kind.roots.items():
                root = place(debugger.register(cpu, name))
                roots.add(root)
                for rights in leaves(debugger, kind, root, known):
                    count[rights] = count.get(rights, 0) + 1
        debugger.go()
    debugger.close()
    context.equal(count.get((True, True), 0), 0, "written and executed")
    # Were they read right? There must be all other kinds, and not a few.
    context.check(all(count.get(rights, 0) >= looks for rights in (
        (True, False), (False, True), (False, False))), str(count))
    context.note("%d looks, %d roots: %d leaves read, %d written, %d executed" % (
        looks, len(roots), count[False, False], count[True, False],
        count[False, True]))
