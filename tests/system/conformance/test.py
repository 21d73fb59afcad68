# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Every system call as abi/syscall.idl describes it, tried by a program that runs
as the machine's first process (apps/kernel-test). The generated list of what a
conformance test must show is the checklist: each line is shown by a case that
passed, or stands below with the reason why no program can show it.

The machine counts instructions (icount), so that what is judged by time is
judged by the guest's, however busy the host is."""

import os
import re

# The machine going off at the end shows this one.
BY_THE_END = {"system_control ok"}
NOT_SHOWN = {
    "call error PEER_GONE": "the kernel's own answer to a peer's death is "
    "PEER_RESTARTED; this one is sent by services",
    "cap_copy error QUOTA": "slots were paid for with their cnode",
    "irq_bind error OCCUPIED": "binding again replaces the binding",
    "object_create error MEMORY": "the first pool is no larger than the "
    "machine, so its quota ends first; see tests/unit/create",
    "send error NOREPLY": "an answered reply capability leaves its slot empty: "
    "only a race between look-up and lock can show it",
    "signal error DEAD": "a dead object's slots are empty: only a race between "
    "look-up and lock can show it",
}


def outcome(log):
    """{case: text behind its name}, as printed."""
    return dict(re.findall(r"^CASE (\S+) (.*)$", log, re.MULTILINE))


def judge(context, log, at_least):
    cases = outcome(log)
    bad = sorted("%s: %s" % row for row in cases.items()
                 if row[1] != "ok" and not row[1].startswith("skip "))
    context.check(not bad, "\n".join(bad))
    last = re.findall(r"^CASES (\d+) (\d+) (\d+)$", log, re.MULTILINE)
    context.check(last, "the log ends early:\n" + log[-2000:])
    context.equal(int(last[-1][1]), 0, "cases that failed")
    context.check(int(last[-1][0]) + int(last[-1][2]) >= at_least,
                  "%s cases passed or were skipped, %d are there"
                  % (last[-1][0], at_least))
    for name, text in sorted(cases.items()):
        if text.startswith("skip "):
            context.note("%s: %s" % (name, text))
    context.note("%s cases" % last[-1][0])


def test_conformance(context):
    log = context.run_root("root=kernel-test suite=conformance", icount=True,
                           mem="256M")
    judge(context, log, 130)
    path = os.path.join(context.output(), "gen/tests/conformance_list.txt")
    with open(path, encoding="utf-8") as f:
        wanted = set(f.read().splitlines()) - BY_THE_END
    shown = set(re.findall(r"^SHOWS (.*)$", log, re.MULTILINE))
    excused = set(NOT_SHOWN)
    if context.arch != "x86_64":  # there are no ports
        excused |= {line for line in wanted
                    if line.startswith("ioport_access ")
                    and " error RIGHTS" not in line}
    missing = wanted - shown - excused
    context.check(not missing, "not shown:\n" + "\n".join(sorted(missing)))
    stale = set(NOT_SHOWN) - wanted | set(NOT_SHOWN) & shown
    context.check(not stale, "excused for nothing: %s" % sorted(stale))
    context.note("%d of %d lines of the list shown"
                 % (len(wanted & shown) + len(BY_THE_END),
                    len(wanted) + len(BY_THE_END)))


def test_one_processor(context):
    log = context.run_root("root=kernel-test suite=conformance case=ipc", smp=1,
                           icount=True, mem="64M")
    judge(context, log, 25)
