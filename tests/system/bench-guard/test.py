# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Speed that must not be lost: a few rows of the kernel's benchmark have a
limit, and a figure is a figure only if the next run gives the same."""

import re

# name: instructions at most, with the user stubs
LIMITS = {"call-reply-0": 400, "call-reply-64": 400, "null-syscall": 60,
          "poll-notification": 100}
# Saving and loading register by register: the target there is 410.
RISCV64 = {"call-reply-0": 480, "call-reply-64": 480}
# There every row of the kernel stays within twice its target.
X86_64 = {"call-reply-fpu": 600, "call-cap-transfer": 1600,
          "signal-wake": 440, "signal-pingpong": 1400, "yield-pair": 600,
          "cap-lookup": 40, "cap-copy-delete": 800,
          "endpoint-create-delete": 1800, "thread-create-delete": 2500,
          "map-unmap": 1400, "fault-zero-page": 1500, "fault-pager": 2600}
SAME_WITHIN = 0.1


def rows(context, names):
    """{name: value} of these rows, one processor, counted instructions."""
    log = context.run_root("root=kernel-bench rows=" + ",".join(names), smp=1,
                           icount=True)
    context.check("BENCH-END" in log, log)
    found = {name: float(value) for name, value in re.findall(
        r"BENCH (\S+) insns ([0-9.]+)", log)}
    context.equal(sorted(found), sorted(names), "rows")
    return found


def test_within_limits(context):
    limits = LIMITS | {"x86_64": X86_64, "riscv64": RISCV64}.get(
        context.arch, {})
    found = rows(context, limits)
    for name, limit in limits.items():
        # A system call has two dozen instructions in any case.
        context.check(20 < found[name] <= limit,
                      "%s takes %.1f instructions, %d are allowed"
                      % (name, found[name], limit))
    context.note(", ".join("%s %.1f" % row for row in sorted(found.items())))


def test_runs_agree(context):
    names = ["call-reply-0", "yield-pair", "cap-copy-delete", "signal-wake"]
    first, second = rows(context, names), rows(context, names)
    for name in names:
        context.check(abs(first[name] - second[name]) <= SAME_WITHIN,
                      "%s: %.1f, then %.1f"
                      % (name, first[name], second[name]))
