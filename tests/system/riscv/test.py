# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""What only a RISC-V machine shows: interrupt lines that devices share, and the
advanced interrupt architecture instead of the PLIC."""

import re


def only_here(context):
    if context.arch != "riscv64":
        context.skip("for riscv64")


# Disks 1 and 5 sit in slots 0x11 and 0x15: one line. The driver of one is killed
# again and again while both are read.
def test_drivers_on_one_line(context):
    only_here(context)
    content = bytes(i * 7 % 251 for i in range(1 << 20))
    disks = [context.fat_image("disk%d" % n, 34, {"data": content})
             for n in range(1, 6)]
    out = context.sh_ok(
        "for i in 1 2 3 4 5 6 7 8; do"
        " /bin/svc kill virtio-blk.1 >/dev/null;"
        " cmp /disk1/data /disk5/data || echo differs;"
        " cp /disk5/data /disk1/copy$i && sync; done;"
        "md5sum /disk1/copy8 /disk5/data | cut -d' ' -f1 | uniq | wc -l",
        disks=disks, timeout=200)
    context.equal(out.split(), ["1"], "sums that differ")
    context.equal(context.fat_read(disks[0], "copy8"), content)


def test_imsic_and_aplic(context):
    only_here(context)
    disk = context.fat_image("disk", 34, {"data": b"through messages"})
    result = context.exec("cat", "/disk1/data", disks=[disk],
                          machine="aia=aplic-imsic")
    context.equal(result.status, 0, result)
    context.equal(result.out, b"through messages")
    context.check("interrupts: IMSIC and APLIC" in result.log, result.log)
    log = context.run_root("root=kernel-test suite=conformance case=devices",
                           machine="aia=aplic-imsic", smp=2)
    cases = dict(re.findall(r"^CASE (\S+) (.*)$", log, re.MULTILINE))
    context.equal({case: text for case, text in cases.items()
                   if text != "ok" and case != "devices.port"}, {})
    context.equal(cases.get("devices.msi"), "ok", "messages")
