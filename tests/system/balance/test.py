# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Eight loops that were all on the first of four processors, and may go: 100 ms
later no processor is idle any more."""

import re

# The machine does not count instructions here: with all four processors busy, QEMU
# 7.2 then leaves one of them standing at a write to its timer. So the 100 ms are the
# host's, which may be too busy to run its four threads in them: it may try again. A
# kernel that leaves the loops where they were fails every time.
TRIES = 6


def test_eight_loops_on_four_processors(context):
    for _ in range(TRIES):
        log = context.run_root("root=kernel-test suite=conformance "
                               "case=threads.balance", smp=4, mem="256M")
        if "CASES 1 0 0" in log:
            break
    context.check("CASES 1 0 0" in log, log[-2000:])
    found = re.search(r"^threads: of 8 loops at most (\d+) at work, then (\d+) "
                      r"and more$", log, re.MULTILINE)
    context.check(found and int(found[1]) <= 1 and int(found[2]) >= 3,
                  log[-2000:])
    context.note(found[0])
