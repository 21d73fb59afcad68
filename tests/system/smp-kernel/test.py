# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Races between processors (apps/kernel-test/smp.c): a page that is taken away is
gone everywhere when the call returns, storms of copying and revoking, of dying
servers, of whole pools, of threads that are stopped and started, of processors that go
and come; and behind every
one, all frames are back. Here the emulator runs each processor in a thread of its
own, so the outcome depends on no schedule and the schedule is different each
time."""

import re

from kochab_tools.testcase import traits


def storm(context, words, timeout_s, **options):
    log = context.run_root("root=kernel-test suite=smp " + words,
                           timeout_s=timeout_s, mem="256M", **options)
    cases = re.findall(r"^CASE (\S+) (.*)$", log, re.MULTILINE)
    bad = ["%s: %s" % case for case in cases if case[1] != "ok"]
    context.check(not bad, "\n".join(bad))
    context.check(cases and "CASES %d 0 0" % len(cases) in log, log[-2000:])
    for line in re.findall(r"^smp: (.*)$", log, re.MULTILINE)[:12]:
        context.note(line)
    return cases


@traits(timeout_s=1800)
def test_two_processors(context):
    context.equal(len(storm(context, "", 1700)), 13, "cases")


@traits(tier="full", timeout_s=1800)
def test_four_processors(context):
    storm(context, "loop=3", 1700, smp=4)


@traits(tier="full", timeout_s=3600)
def test_again_and_again(context):
    storm(context, "loop=10", 3500)
