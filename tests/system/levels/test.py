# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Where the kernel is entered on AArch64: at exception level 1 and, on a machine
with a hypervisor's level, at level 2, from which it goes down by itself."""

from kochab_tools.testcase import traits


@traits(arches=("aarch64",))
def test_one_and_two(context):
    for machine in ("virtualization=off", "virtualization=on"):
        result = context.exec("uname", "-m", machine=machine, smp=2)
        context.equal((result.status, result.out), (0, b"aarch64\n"), machine)
