# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Disks with FAT: read, written, judged from outside, damaged, and broken."""

import hashlib
import random

from kochab_tools import fat


def noise(context, size):
    return random.Random(context.seed).randbytes(size)


def test_read_and_write(context):
    data = noise(context, 300_000)
    image = context.fat_image("disk", 64, {
        "hello.txt": b"from outside\n", "folder/A long name.dat": data})
    digest = hashlib.sha256(data).hexdigest()
    text = context.sh_ok(
        "cat /disk1/hello.txt; sha256sum '/disk1/folder/A long name.dat';"
        "mkdir /disk1/new; cp '/disk1/folder/A long name.dat' /disk1/new/copy;"
        "echo appended >>/disk1/hello.txt; mv /disk1/hello.txt /disk1/new/h;"
        "ls /disk1; sync", disks=[image])
    context.check(digest in text and "from outside" in text, text)
    context.equal(text.splitlines()[-2:], ["folder", "new"])
    fat.check_image(image)
    context.equal(fat.read_file(image, "new/copy"), data, "the copy")
    context.equal(fat.read_file(image, "new/h"),
                  b"from outside\nappended\n", "the text")


def test_every_fat_width(context):
    for bits, mib in ((12, 4), (16, 32), (32, 64)):
        image = context.fat_image("fat%d" % bits, mib, {"x": b"x" * 5000},
                                  bits=bits)
        context.equal(context.sh_ok(
            "wc -c </disk1/x; cp /disk1/x /disk1/y; rm /disk1/x; sync",
            disks=[image]).strip(), "5000")
        fat.check_image(image)
        context.equal(fat.names(image), ["y"], "FAT%d" % bits)


def test_two_disks(context):
    data = noise(context, 2 << 20)
    one = context.fat_image("one", 64, {"data": data})
    two = context.fat_image("two", 64)
    context.sh_ok("cp /disk1/data /disk2/data && cmp /disk1/data /disk2/data "
                  "&& sync", disks=[one, two])
    context.equal(fat.read_file(two, "data"), data)
    fat.check_image(two)


def test_read_only_disk(context):
    image = context.fat_image("disk", 8, {"x": b"content"})
    before = hashlib.sha256(open(image, "rb").read()).digest()
    result = context.sh("cat /disk1/x; echo no >/disk1/y",
                        disks=[image + ",readonly=on"])
    context.equal(result.text, "content", "what can be read")
    context.check(result.status != 0 and "ead-only" in result.error,
                  str(result))
    context.check(hashlib.sha256(open(image, "rb").read()).digest() == before,
                  "the image has changed")


def test_full_disk(context):
    image = context.fat_image("disk", 4, {"x": b"x"})
    result = context.sh("dd if=/dev/zero of=/disk1/big bs=64k; echo $?;"
                        "rm /disk1/big; cp /disk1/x /disk1/y; cat /disk1/y",
                        disks=[image])
    context.check("No space left" in result.error, str(result))
    context.equal(result.text, "1\nx")
    fat.check_image(image)


def test_not_a_file_system(context):
    for name, content in (("zeroes", bytes(1 << 20)),
                          ("noise", noise(context, 1 << 20)),
                          ("sector", b"\xeb\x3c\x90" + bytes(509))):
        image = context.write(name, content)
        result = context.sh("ls /disk1 || echo refused; echo alive",
                            disks=[image])
        context.equal(result.status, 0, str(result))
        context.check("alive" in result.text, str(result))


def test_damaged_file_systems(context):
    """Random bytes in the FAT's own structures: errors, never a crash."""
    chance = random.Random(context.seed)
    for round_number in range(4):
        image = context.fat_image("d%d" % round_number, 8, {
            "a/b/c/%d" % number: bytes(3000) for number in range(20)})
        with open(image, "r+b") as f:
            for _ in range(200):
                f.seek(chance.randrange(0, 200_000))
                f.write(chance.randbytes(1))
        result = context.sh(
            "find /disk1 | head -n 200 | wc -l; cat /disk1/a/b/c/* | wc -c;"
            "echo x >/disk1/new; rm -rf /disk1/a; echo alive",
            disks=[image])
        context.check(result.status == 0 and "alive" in result.text,
                      str(result))
        context.check("PANIC" not in result.log, str(result))


def test_disk_that_fails_every_read(context):
    image = context.fat_image("disk", 8, {"x": b"content"})
    guest = context.boot(drives=[
        "driver=blkdebug,image.driver=file,image.filename=%s,"
        "inject-error.0.event=none,inject-error.0.iotype=read,"
        "inject-error.0.errno=5" % image])
    status, text = guest.line("ls /disk1")
    context.check(status != 0, text)
    context.equal(guest.line("echo alive"), (0, "alive\n"))
