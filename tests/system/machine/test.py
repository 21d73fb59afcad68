# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Machines of other sizes: much and little memory, one and many processors."""

import re


def test_64_mib_reaches_the_prompt(context):
    guest = context.boot(mem="64M")
    context.equal(guest.line_ok("echo here"), "here\n")
    context.equal(guest.poweroff(), "off")


def test_32_mib_says_how_much_is_missing(context):
    result = context.exec("true", mem="32M")
    context.equal(result.status, 125, str(result))
    said = result.error + result.log
    context.check(re.search(r"[Mm]emory.*\d+ *[KM]iB|\d+ *[KM]iB.*memory",
                            said), said)


def test_processors(context):
    for count in (1, 2, 4, 8):
        text = context.sh_ok("grep -c ^processor /proc/cpuinfo; nproc",
                             smp=count)
        context.equal(text.split(), [str(count)] * 2, "with %d" % count)


def test_two_gibibytes(context):
    text = context.sh_ok("free -m | sed -n 2p", mem="2G")
    total = int(text.split()[1])
    # what the container may use: its share of the domain's
    context.check(600 < total <= 2048, text)


def test_disk_is_missing(context):
    result = context.exec("true", disks=[context.path("absent")])
    context.equal(result.status, 125)
    context.check("absent" in result.error, result.error)
    context.check(context.sh("ls /disk1").status != 0,
                  "there is a /disk1 without a disk")
