# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""What the kernel executes in one round of a benchmark's row, instruction by
instruction.

    Kernel(arch, path)           a kernel's image
        .functions               {name: address} of its code
        .name_at(address)        the function there
        .code                    {address: instruction}
    trace(kernel, row, folder)   boots apps/kernel-bench with this row: addresses
                                 executed in the kernel, one list for each way in
                                 (system call, exception, interrupt)
    period(entries)              the round that repeats in them: a list of ways in
    Round(kernel, ways_in)       .instructions .functions .atomics .roots .fpu
    show(arch, path, rows)       prints them: `./kochab bench --trace ROW`

QEMU executes one instruction at a time (-singlestep) and logs the address of each,
but for those outside of the kernel's code. One processor, and time is counted
instructions, so a trace does not depend on the host.
"""

import bisect
import collections
import os
import re
import subprocess
import tempfile
import threading

from . import machine as machines
from .common import Failure, need
from .options import MachineOptions

LINE = re.compile(rb"\[[0-9a-f]+/([0-9a-f]+)/")
BLOCK = 1 << 20
SKIP, TAKE = 3000, 400  # ways in until a row is in its stride, and looked at
# Rows that touch all their pages once before they measure.
SKIPS = {"fault-cow": 30000, "fault-pager": 50000, "cap-revoke": 1000,
         "clone-1m": 200, "share-1m": 200}
ROUND_MOST = 16  # ways in
LIMIT_S = 600  # of the host: a safety net

# The code where the kernel is entered: name, how many, bytes from one to the next.
ENTRIES = {"x86_64": (("syscall_entry", 1, 16), ("trap_stubs", 256, 16)),
           "aarch64": (("trap_vectors", 16, 128),),
           "riscv64": (("trap_entry", 1, 4),)}
# Where most rows enter it: to be counted quickly.
OFTEN = {"x86_64": (("syscall_entry", 0), ("trap_stubs", 14 * 16)),
         "aarch64": (("trap_vectors", 8 * 128),), "riscv64": (("trap_entry", 0),)}
ATOMIC = {"x86_64": r"lock\b|xchg\w* .*\(",
          "aarch64": r"(swp|cas|ldadd|ldclr|ldset|ldeor|stadd|stclr|stset"
                     r"|stl?xr)\w* ",
          "riscv64": r"(amo\w+|sc)\."}
ROOT = {"x86_64": r"movq %r\w+, %cr3", "aarch64": r"msr ttbr0_el1",
        "riscv64": r"csr\w+ (\w+, )?satp"}
FPU = {"x86_64": r"f?xsave|f?xrstor", "aarch64": r"(st|ld)p q0,",
       "riscv64": r"f(sd|ld) ft0,"}


class Kernel:
    def __init__(self, arch, path):
        def said(*command):
            return subprocess.run(
                (need(command[0], "llvm-19"),) + command[1:] + (path,),
                check=True, text=True, capture_output=True).stdout
        self.arch, self.functions, self.code = arch, {}, {}
        for line in said("llvm-nm-19").splitlines():
            address, kind, name = line.split()[-3:]
            if kind in "tT" and not name.startswith(("$", ".")):
                self.functions[name] = int(address, 16)
        for line in said("llvm-objdump-19", "-d",
                         "--no-show-raw-insn").splitlines():
            match = re.match(r"\s*([0-9a-f]+):\s+(.*)", line)
            if match:
                self.code[int(match[1], 16)] = re.sub(r"\s+", " ", match[2])
        self.places = sorted((address, name) for name, address
                             in self.functions.items())
        self.entries = {self.functions[name] + i * step
                        for name, count, step in ENTRIES[arch]
                        for i in range(count)}

    def name_at(self, address):
        """With the numbers that the linker adds to equal names taken off."""
        at = bisect.bisect(self.places, (address, "\x7f")) - 1
        return re.sub(r"\.\d+$", "", self.places[at][1]) if at >= 0 else "?"


def collect(kernel, pipe, skip, take, found):
    """Fill found with `take` ways in, behind the first `skip`."""
    often = [b"/%x/" % (kernel.functions[name] + offset)
             for name, offset in OFTEN[kernel.arch]]
    rest, now = b"", None
    with open(pipe, "rb") as log:
        while block := log.read1(BLOCK):
            lines, _, rest = (rest + block).rpartition(b"\n")
            if skip > 0:
                skip -= sum(map(lines.count, often))
                continue
            for match in LINE.finditer(lines):
                address = int(match[1], 16)
                if address in kernel.entries:
                    if now:
                        found.append(now)
                    if len(found) == take:
                        return
                    now = []
                if now is not None:
                    now.append(address)


def machine_for(kernel, words, pipe, folder):
    wrapper = os.path.join(folder, "qemu")
    code = sorted(kernel.code)
    with open(wrapper, "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\nexec %s -singlestep -d exec,nochain -dfilter "
                "0x%x..0x%x -D '%s' \"$@\"\n" % (
                    need(*machines.QEMU[kernel.arch]), code[0], code[-1],
                    pipe))
    os.chmod(wrapper, 0o755)
    options = MachineOptions()
    options.arch, options.smp, options.icount = kernel.arch, 1, True
    machine = machines.Machine(options, "test", words=words.split())
    machine.program = wrapper
    return machine


def trace(kernel, row, folder, skip=None, take=TAKE):
    pipe, found = os.path.join(folder, "trace"), []
    os.mkfifo(pipe)
    machine = machine_for(kernel, "root=kernel-bench rows=" + row, pipe,
                          folder)
    if skip is None:
        skip = SKIPS.get(row, SKIP)
    # It reads from before the machine starts until it has enough.
    reader = threading.Thread(target=collect,
                              args=(kernel, pipe, skip, take, found))
    reader.start()
    try:
        machine.start()
        for _ in range(LIMIT_S * 10):
            try:
                machine.com1.recv(65536)  # nobody reads the console
            except OSError:
                pass
            reader.join(0.1)
            if not reader.is_alive():
                break
    finally:
        machine.stop()
        reader.join()
        os.unlink(pipe)
    if len(found) < take:
        raise Failure("%s: the kernel was entered %d times too few; the log "
                      "ends:\n%s" % (row, take - len(found),
                                     machine.log_text()[-1000:]))
    return found


def period(entries):
    """The ways in of the most common round, [] if nothing repeats."""
    kinds = [tuple(way) for way in entries]
    for length in range(1, ROUND_MOST + 1):
        pairs = len(kinds) - length
        same = sum(kinds[i] == kinds[i + length] for i in range(pairs))
        if same >= 0.9 * pairs:
            whole = collections.Counter(
                tuple(kinds[i:i + length])
                for i in range(0, len(kinds) - length + 1, length))
            return [list(way) for way in whole.most_common(1)[0][0]]
    return []


class Round:
    def __init__(self, kernel, ways_in):
        def count(pattern):
            find = re.compile(pattern[kernel.arch], re.IGNORECASE)
            return sum(bool(find.match(kernel.code.get(address, "")))
                       for address in every)
        every = [address for way in ways_in for address in way]
        self.ways_in, self.instructions = ways_in, len(every)
        self.functions = collections.Counter(map(kernel.name_at, every))
        self.atomics, self.roots = count(ATOMIC), count(ROOT)
        self.fpu = count(FPU)


def round_of(kernel, row):
    with tempfile.TemporaryDirectory() as folder:
        found = period(trace(kernel, row, folder))
    if not found:
        raise Failure(row + ": no two rounds are the same")
    return Round(kernel, found)


def summary(row, one):
    return "%s: %d instructions of the kernel, entered %d times, %d atomic, " \
        "%d roots loaded, %d times floating point saved or loaded" % (
            row, one.instructions, len(one.ways_in), one.atomics, one.roots,
            one.fpu)


def show(arch, path, rows):
    """The trace of each of these rows, on the terminal."""
    kernel = Kernel(arch, path)
    for row in rows:
        one = round_of(kernel, row)
        for way in one.ways_in:
            before = None
            for address in way:
                name = kernel.name_at(address)
                if name != before:
                    print(name + ":")
                print("  %x  %s" % (address, kernel.code.get(address, "?")))
                before = name
        print(summary(row, one))
        for name, number in one.functions.most_common():
            print("%6d  %s" % (number, name))
