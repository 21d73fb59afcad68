# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Tests of the tests: of a hundred small mistakes in the kernel's files, sampled by
the seed, the host tests notice most (mutants.py)."""

import os
import sys

from kochab_tools.testcase import traits

COUNT = 100
LEAST = 0.7  # of them noticed


@traits(tier="full", timeout_s=7200, alone=True)
def test_sample(context):
    sys.path.insert(0, os.path.join(context.top, "tests/model/mutation"))
    import mutants
    killed, total, survivors = mutants.run(COUNT, context.seed)
    context.equal(total, COUNT, "mutants tried")
    context.note("%d of %d mutants noticed, seed %d" % (killed, total,
                                                         context.seed))
    context.check(killed >= LEAST * total, "\n".join(survivors))
