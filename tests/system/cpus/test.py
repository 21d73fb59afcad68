# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Processors that go and come back while the machine works (svc cpu), and one that
is plugged in. The kernel's side, under a storm of threads, timers, calls and
mappings: cases smp.cpus-* of apps/kernel-test/cpus.c."""

import json
import re

from kochab_tools.testcase import traits


def states(text):
    return {int(row["cpu"]): row["state"] for row in json.loads(text)}


def processors(count):
    return "".join("processor\t: %d\n" % i for i in count)


LOAD = """
cd /tmp
dd if=/dev/zero of=zeros bs=64k count=8 2>/dev/null
want=$(sha256sum <zeros)
work() {
    i=0
    while [ $i -lt 25 ]; do
        [ "$(sha256sum <zeros)" = "$want" ] || echo wrong
        i=$((i+1))
    done
    echo work done
}
naps() {
    i=0
    while [ $i -lt 50 ]; do
        sleep 0.02 || echo wrong
        i=$((i+1))
    done
    echo naps done
}
for i in 1 2 3 4; do work & done
for i in 1 2 3; do naps & done
i=0
while [ $i -lt 10 ]; do
    /bin/svc cpu offline 3 || echo failed
    /bin/svc cpu offline 2 || echo failed
    echo $(grep -c ^processor /proc/cpuinfo) $(nproc)
    /bin/svc cpu online 2 || echo failed
    /bin/svc cpu online 3 || echo failed
    echo $(grep -c ^processor /proc/cpuinfo) $(nproc)
    i=$((i+1))
done
wait
"""


@traits(timeout_s=600)
def test_under_load(context):
    lines = context.sh_ok(LOAD, smp=4).splitlines()
    context.equal(sorted(lines), sorted(
        ["2 2", "4 4"] * 10 + ["work done"] * 4 + ["naps done"] * 3), "lines")


def test_which_are_there(context):
    text = context.sh_ok("""
        /bin/svc cpu --json
        echo =; /bin/svc cpu offline 1
        /bin/svc cpu --json
        echo =; grep ^processor /proc/cpuinfo
        echo =; grep -o '^cpu[0-9]*' /proc/stat
        echo =; /bin/svc cpu online 1
        /bin/svc cpu --json
        echo =; grep ^processor /proc/cpuinfo
        """, smp=3).split("=\n")
    context.equal(states(text[0]), {0: "on", 1: "on", 2: "on"})
    context.equal(states(text[1]), {0: "on", 1: "off", 2: "on"})
    context.equal(text[2], processors([0, 2]))
    context.equal(text[3].split(), ["cpu", "cpu0", "cpu2"])
    context.equal(states(text[4]), {0: "on", 1: "on", 2: "on"})
    context.equal(text[5], processors([0, 1, 2]))


def test_refusals(context):
    text = context.sh_ok("""
        for words in "offline 0" "offline 7" "online 7" "online 1" "offline x" \\
            "offline" "sideways 1"; do
            /bin/svc cpu $words 2>&1 && echo taken
        done
        /bin/svc cpu offline 1
        /bin/svc cpu offline 1 2>&1 && echo taken
        true
        """)
    for line, words in zip(text.splitlines(), (
            "CPU 0 serves", "no such CPU: 7", "no such CPU: 7",
            "CPU 1 is on already", "no such CPU: x", "usage: ", "usage: ",
            "CPU 1 is off already"), strict=True):
        context.check(words in line, "%r: no %r" % (line, words))


@traits(arches=("x86_64",))
def test_plugged_in(context):
    guest = context.boot(smp=1, machine="smp.maxcpus=4")
    context.equal(guest.line_ok("nproc"), "1\n")
    context.equal(guest.line_ok("svc cpu scan"), "")
    for core in (1, 2, 3):
        guest.machine.control("device_add", driver="max-x86_64-cpu",
                              **{"id": "cpu%d" % core, "socket-id": 0,
                                 "core-id": core, "thread-id": 0})
    found = ""
    for _ in range(100):  # they come when the emulator gets to it
        found += guest.line_ok("svc cpu scan; sleep 0.1")
        if len(found.splitlines()) == 3:
            break
    context.equal([int(n) for n in re.findall(r"CPU (\d+) is new", found)],
                  [1, 2, 3])
    context.equal(states(guest.line_ok("svc cpu --json")),
                  {0: "on", 1: "off", 2: "off", 3: "off"})
    guest.line_ok("for i in 1 2 3; do svc cpu online $i; done")
    context.equal(guest.line_ok("nproc"), "4\n")
    rows = json.loads(guest.line_ok("svc cpu --json"))
    context.equal([(row["state"], row["core"], row["hardware"])
                   for row in rows], [("on", i, i) for i in range(4)])
    guest.line_ok("svc cpu offline 2")
    context.equal(guest.line_ok("grep ^processor /proc/cpuinfo"),
                  processors([0, 1, 3]))
    guest.line_ok("svc cpu online 2")
    context.equal(guest.poweroff(), "off")


def test_nothing_to_plug_in(context):
    if context.arch == "x86_64":
        return
    result = context.sh("/bin/svc cpu scan")
    context.equal(result.status, 1)
    context.check("no processor can be plugged" in result.error, str(result))


def test_places(context):
    # QEMU's RISC-V board tells of one socket without threads, whatever is asked;
    # a device tree that has both: tests/unit/fdt.
    layout = {"x86_64": (2, 2, 2), "aarch64": (2, 2, 2), "riscv64": (1, 8, 1)}
    sockets, cores, threads = layout[context.arch]
    rows = json.loads(context.sh_ok(
        "/bin/svc cpu --json", smp=8,
        machine="smp.sockets=%d,smp.cores=%d,smp.threads=%d"
        % (sockets, cores, threads)))
    context.equal(
        sorted((row["socket"], row["core"], row["thread"]) for row in rows),
        [(s, c, t) for s in range(sockets) for c in range(cores)
         for t in range(threads)])
    context.equal(rows[0]["state"], "on")
