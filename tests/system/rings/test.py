# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Messages through shared memory between native processes (lib/ipc, by
apps/kernel-test/rings.c): a million each way, several producers, deaths in the
middle, a peer that spoils the memory, four megabytes by share, move and clone
without a copied byte. The emulator runs each processor in a thread of its own;
tests/model/ring tries every order that memory may have."""

import re

from kochab_tools.testcase import traits

CASES = 13


def rings(context, smp, words=""):
    log = context.run_root("root=kernel-test suite=rings " + words,
                           timeout_s=1700, smp=smp, mem="256M")
    cases = re.findall(r"^CASE (\S+) (.*)$", log, re.MULTILINE)
    bad = ["%s: %s" % case for case in cases if case[1] != "ok"]
    context.check(not bad, "\n".join(bad))
    context.check("CASES %d 0 0" % len(cases) in log, log[-2000:])
    context.equal(len(cases) % CASES, 0, "cases")
    for line in re.findall(r"^rings: (.*)$", log, re.MULTILINE)[:CASES]:
        context.note(line)


@traits(timeout_s=1800)
def test_one_processor(context):
    rings(context, 1)


@traits(timeout_s=1800)
def test_two_processors(context):
    rings(context, 2)


@traits(timeout_s=1800)
def test_four_processors(context):
    rings(context, 4)
