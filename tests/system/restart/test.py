# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Components are killed and hung under load; programs notice a pause only."""

import hashlib
import random
import re

from kochab_tools import fat
from kochab_tools.testcase import traits

# What stands between a program and its bytes on the disk.
STORAGE = ("virtio-blk.1", "blk.1", "fat.1", "vfs", "pci")


def components(guest):
    """{name: (state, restarts)} out of `svc list`."""
    found = {}
    for line in guest.line_ok("svc list").splitlines():
        words = line.split()
        if len(words) >= 5:
            found[words[0]] = (words[1], words[3])
    return found


def restarts(guest, name):
    return int(components(guest)[name][1])


def copy_under(context, victims, ways, rounds, mib):
    """Copy a file from disk to disk while victims die; compare checksums."""
    data = random.Random(context.seed).randbytes(1 << 20) * mib
    digest = hashlib.sha256(data).hexdigest()
    one = context.fat_image("one", mib + 32, {"data": data})
    two = context.fat_image("two", mib + 32)
    guest = context.boot(disks=[one, two])
    before = {name: restarts(guest, name) for name in victims}
    guest.line_ok("(cp /disk1/data /disk2/data; echo copy $? >/tmp/copied) & true")
    for _ in range(rounds):
        for victim in victims:
            for way in ways:
                guest.line_ok("svc %s %s" % (way, victim), 120)
                guest.line_ok("sleep 0.2", 120)
    guest.line_ok("while [ ! -e /tmp/copied ]; do sleep 0.2; done", 1200)
    context.equal(guest.line_ok("cat /tmp/copied").strip(), "copy 0")
    context.check(digest in guest.line_ok("sha256sum /disk2/data", 600),
                  "the copy has another checksum")
    for name in victims:
        count = restarts(guest, name) - before[name]
        context.check(count >= rounds, "%s restarted %d times in %d rounds"
                      % (name, count, rounds))
    times = [float(number) for number in re.findall(
        r"recovered\D*([0-9.]+) ?ms", guest.log_text())]
    if times:
        times.sort()
        context.note("%d recoveries: median %.1f ms, longest %.1f ms"
                     % (len(times), times[len(times) // 2], times[-1]))
    guest.line_ok("sync", 120)
    context.equal(guest.poweroff(60), "off")
    context.check(fat.read_file(two, "data") == data, "bytes on the disk")
    fat.check_image(two)


def test_copy_while_storage_is_killed(context):
    copy_under(context, ("virtio-blk.1", "fat.1", "vfs"), ("kill",), 3, 8)


@traits(tier="full", timeout_s=3600, alone=True)
def test_copy_of_64_mib_killed_and_hung(context):
    copy_under(context, ("virtio-blk.1", "fat.1", "vfs", "console"),
               ("kill", "hang"), 20, 64)


def test_each_component_comes_back(context):
    guest = context.boot(disks=[context.fat_image("disk", 8, {"x": b"ok"})])
    for name in sorted(components(guest)):
        if name in ("linux", "root"):
            continue  # the shell's own container; root is not kept
        count = restarts(guest, name)
        guest.line_ok("svc kill " + name, 120)
        context.equal(guest.line_ok("cat /disk1/x; echo", 120), "ok\n",
                      "after " + name)
        context.check(restarts(guest, name) > count,
                      name + " was not restarted")


def test_console_dies_under_the_shell(context):
    guest = context.boot()
    for _ in range(5):
        guest.line_ok("svc kill console")
        context.equal(guest.line_ok("echo still typing"), "still typing\n")


def test_unknown_names(context):
    guest = context.boot()
    for command in ("svc kill nosuch", "svc", "svc nosuch", "svc show nosuch"):
        status, text = guest.line(command)
        context.check(status != 0 and text.strip(), command + " said nothing")
