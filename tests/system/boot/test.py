# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Every way in: the same system behind each firmware and boot loader, the boot
archive and the command line with it; and what must not start: a kernel with a
changed byte, a disk without the archive."""

import os
import random
import re
import struct
import time

from kochab_tools.fat import tool
from kochab_tools.guest import Guest, machine_words
from kochab_tools.image import DISK_TABLE, RAW_START
from kochab_tools.machine import Machine
from kochab_tools.options import BOOTS, parse_machine
from kochab_tools.testcase import traits

# One way for each firmware, fast enough for every run.
QUICK = {"x86_64": ("uefi", "bios"), "aarch64": ("uefi", "uboot"),
         "riscv64": ("uboot",)}
# What the log calls it, where that is not by the Image header.
CALLED = {"pvh": "PVH", "uefi": "UEFI", "bios": "BIOS",
          "multiboot2": "Multiboot2", "multiboot2-uefi": "Multiboot2"}
OWN = ("uefi", "bios")  # by our own first stage
COMPRESSED = struct.Struct("<QIIIIQQQ")  # boot/compressed/compressed.h
COMPRESSED_MAGIC = b"Z4Kernel"
STARTED = re.compile(r"^Kochab: \d+ CPUs found", re.MULTILINE)
# of the firmware itself, or of the places where it loads files
MEM_MIN = {("aarch64", "uefi"): "128M", ("riscv64", "uboot"): "256M"}


def own_ways(context):
    return [way for way in BOOTS[context.arch] if way in OWN]


def try_way(context, way, **options):
    """uname and a file of the host's by one way in; returns the log."""
    marker = context.write("marker", "from outside\n")
    result = context.sh("uname -m; cat /tmp/marker; exit 7", boot=way,
                        adds={marker: "/tmp/marker"}, **options)
    context.equal((result.status, result.text),
                  (7, context.arch + "\nfrom outside\n"),
                  "%s: %s" % (way, result))
    context.check("started by %s\n" % CALLED.get(way, "Image header")
                  in result.log, result.log[:3000])
    context.check("command line: mode=exec" in result.log, result.log[:3000])
    return result.log


def test_one_of_each_firmware(context):
    for way in QUICK[context.arch]:
        try_way(context, way)


@traits(arches=("x86_64", "aarch64"))
def test_the_hour_under_uefi(context):
    """AArch64's firmware keeps the clock to itself: the first stage asks it."""
    there = int(context.sh_ok("date +%s", boot="uefi"))
    context.check(abs(there - time.time()) < 60, "the date is %d" % there)


@traits(build="debug")
def test_debug_build(context):
    """With every assertion and lock check: a disk, a death, both processors."""
    disk = context.fat_image("disk.img", 34)
    guest = context.boot(build="debug", disks=[disk])
    guest.line_ok("dd if=/dev/urandom of=/tmp/a bs=1k count=256 2>/dev/null")
    for name in ("virtio-blk.1", "fat.1", "vfs"):
        guest.line_ok("cp /tmp/a /disk1/a & svc kill %s; wait; "
                      "cmp /tmp/a /disk1/a" % name)
    context.equal(guest.line_ok("nproc"), "2\n")


@traits(arches=("aarch64",))
def test_uefi_with_a_device_tree(context):
    """AAVMF gives ACPI tables unless it is told not to; at EL2 too."""
    for machine in ("acpi=off", "virtualization=on"):
        disk = context.fat_image("disk.img", 34)
        context.equal(context.sh_ok("echo here >/disk1/a; cat /disk1/a; nproc",
                                    boot="uefi", machine=machine, smp=4,
                                    disks=[disk]), "here\n4\n", machine)


@traits(tier="full", timeout_s=1800)
def test_every_way_in_machines_of_all_sizes(context):
    for way in BOOTS[context.arch]:
        for mem in (MEM_MIN.get((context.arch, way), "64M"), "1G", "5G"):
            log = try_way(context, way, mem=mem, smp=3, timeout=600)
            mib = int(re.search(r"memory: (\d+) MiB usable", log)[1])
            wanted = int(mem[:-1]) * (1024 if mem[-1] == "G" else 1)
            context.check(wanted * 0.8 - 16 < mib <= wanted,
                          "%s, %s: %d MiB" % (way, mem, mib))
            context.check("cpu 2:" in log, log[:3000])


def spoiled(context, way, change):
    """A machine whose boot disk was changed before its start."""
    words = machine_words(context.arch, {"boot": way, "smp": 1})
    machine = Machine(parse_machine(words, "exec")[0], "exec", ["true"])
    try:
        change(os.path.join(machine.folder, "disk"))
        return machine
    except BaseException:
        machine.stop()
        raise


def console_of(machine, wanted, seconds=800):
    """What console and log say until `wanted` is among it, and a second more:
    two texts."""
    text = ""
    deadline = time.monotonic() + seconds
    try:
        machine.start()
        while time.monotonic() < deadline:
            try:
                text += machine.com1.recv(65536).decode("latin-1")
                continue
            except BlockingIOError:
                time.sleep(0.05)
            except OSError:
                break
            if wanted in text + machine.log_text():
                # for a kernel that starts all the same
                deadline = time.monotonic() + 1
                wanted = "\0never"
    finally:
        machine.stop()
    return text, machine.log_text()


def kernels_in(data):
    """(start, end) of every compressed kernel in a disk."""
    at = data.find(COMPRESSED_MAGIC)
    while at >= 0:
        fields = COMPRESSED.unpack_from(data, at)
        if fields[6] in (4096, 2 << 20) and 10000 < fields[2] < 1 << 20:
            yield at, at + COMPRESSED.size + fields[2]
        at = data.find(COMPRESSED_MAGIC, at + 1)


def refuse(context, way, place, bit):
    """The kernel's byte at `place` (a share of its length) is changed."""
    def change(disk):
        with open(disk, "r+b") as f:
            data = bytearray(f.read())
            found = list(kernels_in(data))
            context.check(found, "no compressed kernel on the disk")
            for start, end in found:
                data[int(start + place * (end - start))] ^= 1 << bit
            f.seek(0)
            f.write(data)
    machine = spoiled(context, way, change)
    text, log = console_of(machine, "damaged; not started")
    context.check("damaged; not started" in text,
                  "%s, byte at %g: the console says %r" % (way, place, text))
    context.check(not STARTED.search(log), log[-2000:])


@traits(arches=("x86_64", "aarch64"))
def test_a_changed_byte_is_refused(context):
    chance = random.Random(context.seed)
    for way in own_ways(context):
        refuse(context, way, chance.random(), chance.randrange(8))


@traits(tier="full", timeout_s=1200, arches=("x86_64", "aarch64"))
def test_changed_bytes_everywhere_are_refused(context):
    chance = random.Random(context.seed)
    for way in own_ways(context):
        for place in (0, 0.0001, 0.0002, 0.0005, 0.001, 0.5, 0.9999):
            refuse(context, way, place, chance.randrange(8))


@traits(arches=("x86_64", "aarch64"))
def test_without_an_archive(context):
    def remove_file(disk):
        start = struct.unpack_from("<I", open(disk, "rb").read(512),
                                   446 + 8)[0] * 512
        tool("mdel", "-i", "%s@@%d" % (disk, start), "::/kochab/boot.tar")

    def clear_table(disk):
        with open(disk, "r+b") as f:
            stub = f.read(RAW_START)
            f.seek(stub.index(DISK_TABLE) + len(DISK_TABLE) + 16)
            f.write(bytes(16))
    for way, change in (("uefi", remove_file), ("bios", clear_table)):
        if way not in BOOTS[context.arch]:
            continue
        text, log = console_of(spoiled(context, way, change),
                               "no boot archive")
        context.check("no boot archive" in log, "%s: %s" % (way, log[-2000:]))
        context.check(way != "uefi" or "no \\kochab\\boot.tar" in text, text)


def test_unknown_words_are_named(context):
    guest = context.boot(words="colour=red mdoe=run mmu mmu=sv57")
    log = guest.log_text()
    for word in ("colour=red", "mdoe=run", "mmu", "mmu=sv57"):
        context.check("command line: %s: unknown" % word in log, log[:2000])
    context.equal(log.count(": unknown, ignored"), 4, "warnings")
    context.equal(guest.poweroff(), "off")


@traits(tier="full", timeout_s=600)
def test_the_image_command(context):
    """One file, which ./kochab image wrote, behind every firmware."""
    out = context.path("k.img")
    context.host(os.path.join(context.top, "kochab"), "image", "--arch",
                 context.arch, "--out", out)
    with open(out, "rb") as f:
        data = f.read()
    context.check(len({data[start:end] for start, end in kernels_in(data)}) <=
                  1, "the firmwares would start different kernels")
    for way in BOOTS[context.arch]:
        if way in ("pvh", "direct") or way.startswith("multiboot2"):
            continue
        guest = Guest(context.arch, {"boot": way})
        context.guests.append(guest)
        os.remove(os.path.join(guest.machine.folder, "disk"))
        os.link(out, os.path.join(guest.machine.folder, "disk"))
        guest.start(ready="root@kochab:" + r"\S*" + Guest.READY)
        context.equal(guest.line_ok("uname -m"), context.arch + "\n", way)
        context.equal(guest.poweroff(), "off", way)


@traits(arches=("x86_64", "aarch64"))
def test_the_firmware_s_picture(context):
    device = {"x86_64": "VGA", "aarch64": "ramfb"}[context.arch]
    guest = context.boot(boot="uefi", devices=[device])
    context.check(re.search(r"^picture of \d{3,4} x \d{3,4} at 0x[1-9a-f]",
                            guest.log_text(), re.MULTILINE),
                  guest.log_text()[:3000])
    context.equal(guest.poweroff(), "off")


def pe_sections(data):
    """Of a PE32+ file: (machine, subsystem, {name: (offset, bytes, flags)})."""
    start = struct.unpack_from("<I", data, 0x3c)[0]
    magic, machine, count, optional = struct.unpack_from("<4sHH12xH", data,
                                                         start)
    if data[:2] != b"MZ" or magic != b"PE\0\0":
        raise AssertionError("no PE header")
    kind, alignment = struct.unpack_from("<H34xI", data, start + 24)[:2]
    if kind != 0x20b or alignment != 512:
        raise AssertionError("not PE32+ with an alignment of 512")
    sections = {}
    for at in range(start + 24 + optional, start + 24 + optional + 40 * count,
                    40):
        name, _, _, size, offset, flags = struct.unpack_from("<8s4I12xI", data,
                                                             at)
        sections[name.rstrip(b"\0").decode()] = (offset, size, flags)
    return machine, struct.unpack_from("<H", data, start + 92)[0], sections


@traits(arches=("x86_64", "aarch64"))
def test_first_stages_are_small(context):
    """The PE header, and what stands before and around the kernel."""
    name, machine = {"x86_64": ("BOOTX64.EFI", 0x8664),
                     "aarch64": ("BOOTAA64.EFI", 0xaa64)}[context.arch]
    with open(os.path.join(context.output(), name), "rb") as f:
        data = f.read()
    got, subsystem, sections = pe_sections(data)
    context.equal((got, subsystem), (machine, 10), "machine, EFI application")
    for section, (offset, size, flags) in sections.items():
        context.check(offset + size <= len(data), section + " is cut")
        context.check(flags & 0xa0000000 != 0xa0000000,
                      section + " is writable and executable")
    start, end = list(kernels_in(data))[-1]
    context.equal(start, sections[".kernel"][0], "the kernel's place")
    image, = struct.unpack_from("<I", data, start + 16)
    context.check(len(data) - (end - start) < 8192,
                  "%s: %d bytes are not the kernel"
                  % (name, len(data) - (end - start)))
    context.note("%s: %d bytes of stub; kernel %d of %d bytes (%d %%)" % (
        name, len(data) - (end - start), end - start, image,
        100 * (end - start) // image))
    if context.arch == "x86_64":
        size = os.path.getsize(os.path.join(context.output(), "bios.stub"))
        context.check(size < 8192, "bios.stub: %d bytes" % size)
        context.note("bios.stub: %d bytes" % size)


@traits(arches=("x86_64",))
def test_multiboot2_header(context):
    with open(os.path.join(context.output(), "kernel.elf"), "rb") as f:
        data = f.read(32768)
    at = next(i for i in range(0, len(data), 8)
              if data[i:i + 4] == b"\xd6\x50\x52\xe8")
    header = struct.unpack_from("<4I", data, at)
    context.equal(sum(header) & 0xffffffff, 0, "checksum")
    context.equal(header[1], 0, "32-bit protected mode of i386")
    tags = []
    tag = at + 16
    while not tags or tags[-1]:
        kind, _, size = struct.unpack_from("<HHI", data, tag)
        tags.append(kind)
        tag += (size + 7) // 8 * 8
    context.equal((tags, tag), ([3, 6, 0], at + header[2]), "tags, end")


@traits(arches=("aarch64", "riscv64"))
def test_image_header(context):
    with open(os.path.join(context.output(), "kernel.image"), "rb") as f:
        data = f.read(64)
    context.equal(data[0x38:0x3c], {"aarch64": b"ARM\x64",
                                    "riscv64": b"RSC\x05"}[context.arch])
    guest = context.boot(words="term=of-its-own")
    context.check(re.search("command line: .*term=of-its-own",
                            guest.log_text()), guest.log_text()[:2000])
    context.equal(guest.poweroff(), "off")
