# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Speed that must not be lost: no row that targets.json calls hot may be more
than 5 % above what tests/bench/history has last, nor leave a target (or twice
the target) that it had reached; and a figure is a figure only if the next run
gives the same."""

import re

from kochab_tools import bench, bench_history
from kochab_tools.testcase import traits

SAME_WITHIN = 0.1
# Between two stamps of a counter that moves once in 16 or 100 instructions: the
# mean of all distances from a move, which a loop of two instructions can tell
# apart. How long the firmware took decides which of them it sees.
STAMPED_WITHIN = {"x86_64": 0.1, "aarch64": 0.5, "riscv64": 3.0}


def rows(context, names):
    """{name: value} of these rows, one processor, counted instructions."""
    log = context.run_root("root=kernel-bench rows=" + ",".join(names), smp=1,
                           icount=True)
    context.check("BENCH-END" in log, log)
    found = {name: float(value) for name, value in re.findall(
        r"BENCH (\S+) insns ([0-9.]+)", log)}
    context.equal(sorted(found), sorted(names), "rows")
    return found


def guard(context, hot, found):
    """Every row that is above its bound, in one message."""
    run = bench_history.last()
    recorded = run["figures"][context.arch]
    worse = []
    for row in hot:
        name = row["name"]
        bound = bench_history.bound(recorded[name],
                                    bench.target_of(row, context.arch),
                                    row.get("steady", True))
        # A system call has two dozen instructions in any case.
        if not 20 < found[name] <= bound + SAME_WITHIN:
            worse.append("%s takes %.1f instructions, %.1f are allowed, %.1f "
                         "were recorded on %s" % (
                             name, found[name], bound, recorded[name],
                             run["date"]))
    context.equal(worse, [], "rows that got slower")
    context.note(", ".join("%s %.1f" % (row["name"], found[row["name"]])
                           for row in hot))


def hot_rows(source):
    return [row for row in bench.read("targets.json")["rows"]
            if row.get("hot") and row["source"] == source]


def test_kernel(context):
    hot = hot_rows("boot")
    context.check(hot, "no hot rows")
    guard(context, hot, rows(context, [row["name"] for row in hot]))


@traits(timeout_s=900)  # seven machines, one after the other
def test_linux_programs(context):
    hot, found = hot_rows("program"), {}
    context.check(hot, "no hot rows")
    programs = bench.compile_programs(context.arch, context.folder)
    for row in hot:
        short = row["name"].removeprefix("linux-")
        text, reason = bench.program_row(context.arch, short, programs[short])
        figures = bench.lines_of(text)
        context.check(row["name"] in figures, "%s: %s" % (short, reason))
        found[row["name"]] = figures[row["name"]][1]
    guard(context, hot, found)


def test_a_crowd_fits(context):
    """The rows that fill the machine: it is the program's own data, too, that each
    process has a copy of."""
    log = context.run_root("root=kernel-bench rows=native-processes", smp=1,
                           icount=True)
    found = re.search(r"BENCH native-processes processes ([0-9.]+)", log)
    context.check(found, log[-2000:])
    context.check(float(found[1]) > 10000, found[0])


def test_runs_agree(context):
    names = ["call-reply-0", "yield-pair", "cap-copy-delete", "signal-wake"]
    first, second = rows(context, names), rows(context, names)
    for name in names:
        within = (STAMPED_WITHIN[context.arch] if name == "signal-wake"
                  else SAME_WITHIN)
        context.check(abs(first[name] - second[name]) <= within,
                      "%s: %.1f, then %.1f"
                      % (name, first[name], second[name]))
