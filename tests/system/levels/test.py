# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Where the kernel is entered, and stays, on AArch64: at exception level 1 and, on a
machine that has it, at level 2 (which for the kernel looks the same)."""

from kochab_tools.testcase import traits


@traits(arches=("aarch64",))
def test_one_and_two(context):
    for machine in ("virtualization=off", "virtualization=on"):
        result = context.exec("uname", "-m", machine=machine, smp=2)
        context.equal((result.status, result.out), (0, b"aarch64\n"), machine)
