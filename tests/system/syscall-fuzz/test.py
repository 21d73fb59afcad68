# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Random system calls from inside (apps/kernel-test/fuzz.c): several threads on two
processors, with capabilities of all types and rights, in a process that may
destroy itself. The kernel stays up, and whenever the process is made anew, every
page, object and capability of the old one is back."""

import re

from kochab_tools.testcase import traits

# The child holds the system object for reading only.
NEVER_ALLOWED = {"device_create", "system_control", "system_log"}
# Wants a page of paged memory that was written to: too seldom to count on.
SELDOM = {"memory_clean"}
# Share of calls that must have succeeded: a fuzzer that is refused everything
# tests nothing but the refusal.
GOOD_SHARE = 0.1
RESULTS = 14  # different statuses that calls return, of two dozen


def fuzz(context, calls, seed, timeout_s, **options):
    log = context.run_root("root=kernel-test fuzz=%d seed=%d" % (calls, seed),
                           timeout_s=timeout_s, mem="256M", **options)
    tail = "\n".join(line for line in log.splitlines()
                     if "FUZZ call " not in line)[-3000:]
    context.check("CASE fuzz ok" in log, tail)
    made = int(re.search(r"^FUZZ calls (\d+) ", log, re.MULTILINE)[1])
    context.check(made >= calls, "%d calls were made, not %d" % (made, calls))
    rows = re.findall(r"^FUZZ call (\S+) tried (\d+) good (\d+)$", log,
                      re.MULTILINE)
    context.check(len(rows) >= 48, "a report on %d calls only" % len(rows))
    good = sum(int(row[2]) for row in rows)
    context.check(good >= GOOD_SHARE * made,
                  "only %d of %d calls succeeded" % (good, made))
    never = {row[0] for row in rows if row[2] == "0"} - NEVER_ALLOWED - SELDOM
    context.check(not never, "never succeeded: %s" % sorted(never))
    for row in rows:
        if row[0] in NEVER_ALLOWED:
            context.equal(row[2], "0", row[0] + " without the right to it")
    results = re.findall(r"^FUZZ status (\S+) (\d+)$", log, re.MULTILINE)
    context.check(len(results) >= RESULTS, "only these results: %s" % results)
    context.note("coverage: %d of %d calls have succeeded, each was tried %d "
                 "times or more; results: %s" % (
                     sum(row[2] != "0" for row in rows), len(rows),
                     min(int(row[1]) for row in rows),
                     ", ".join("%s %s" % row for row in results)))
    context.note("%d calls, %d succeeded, seed %d; %s" % (
        made, good, seed,
        re.search(r"revives \d+ rebuilds \d+", log)[0]))


@traits(timeout_s=1800)
def test_quick(context):
    fuzz(context, 1000000, context.seed, 1700)


@traits(tier="full", timeout_s=7200)
def test_long(context):
    fuzz(context, 20000000, context.seed, 7000)


@traits(tier="full", timeout_s=1200)
def test_four_processors(context):
    fuzz(context, 1000000, context.seed, 1100, smp=4)
