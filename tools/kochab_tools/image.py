# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab image`: one disk that boots by every firmware of an architecture.

    make_image(target, arch, output, archive, words)

An MBR with the EFI system partition (FAT, partition 1), on which lie

    EFI/BOOT/BOOTX64.EFI or BOOTAA64.EFI   our first stage with the kernel
    kochab/boot.tar, kochab/cmdline        what it loads
    kochab/Image, boot.scr                 the same for U-Boot

and for a BIOS: the boot sector and stage 2 in front of partition 1, kernel,
archive and command line once more in partition 2, whose sectors a table in
stage 2 names (boot/bios/bios.h).
"""

import os
import shutil
import struct
import tempfile
import zlib

from . import build
from .common import Failure, arch_of, need, output_dir
from .fat import tool
from .options import add_of
from .overlay import write_initrd

SECTOR = 512
MIB = 1 << 20
RAW_START = MIB
ESP_MIN = 16 * MIB
TYPE_ESP = 0xef
TYPE_RAW = 0xda  # data without a file system
BOOT_CODE = 440  # bytes of the boot sector that are code
DISK_TABLE = b"KochabDisk".ljust(16, b"\0")
EFI_NAME = {"x86_64": "BOOTX64.EFI", "aarch64": "BOOTAA64.EFI"}
COMMAND_LINE_MAX = 1023
# U-Boot's names of the device tree that it hands on.
UBOOT_TREE = {"aarch64": "${fdt_addr}", "riscv64": "${fdtcontroladdr}"}
UBOOT_SCRIPT = """\
setenv bootargs '%s'
setexpr archive ${kernel_addr_r} + 1000000
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} kochab/Image
load ${devtype} ${devnum}:${distro_bootpart} ${archive} kochab/boot.tar
booti ${kernel_addr_r} ${archive}:${filesize} %s
"""


def check_words(words):
    line = " ".join(words)
    if len(line.encode()) > COMMAND_LINE_MAX or not line.isprintable() or \
            "'" in line:
        raise Failure("the command line is at most %d bytes of printable "
                      "text without quotes" % COMMAND_LINE_MAX, 2)
    return line


def uboot_script(arch, line):
    """boot.scr: U-Boot's legacy image of type script (its image.h)."""
    text = (UBOOT_SCRIPT % (line, UBOOT_TREE[arch])).encode()
    body = struct.pack(">II", len(text), 0) + text

    def header(own_sum):
        return struct.pack(">7I4B32s", 0x27051956, own_sum, 0, len(body), 0,
                           0, zlib.crc32(body), 5, 2, 6, 0, b"Kochab")
    return header(zlib.crc32(header(0))) + body


def partition(active, kind, start, size):
    """An entry of the MBR's table; cylinders and heads are not used."""
    return struct.pack("<B3sB3sII", active, b"\xfe\xff\xff", kind,
                       b"\xfe\xff\xff", start // SECTOR, size // SECTOR)


def write_raw(target, stub, files):
    """Stub, files and the table of where they lie; returns their end."""
    with open(stub, "rb") as f:
        code = bytearray(f.read())
    table = code.index(DISK_TABLE) + len(DISK_TABLE)
    at = RAW_START
    for path in files:
        size = os.path.getsize(path)
        struct.pack_into("<QQ", code, table, at // SECTOR, size)
        table += 16
        target.seek(at)
        with open(path, "rb") as f:
            shutil.copyfileobj(f, target, MIB)
        at += (size + SECTOR - 1) // SECTOR * SECTOR
    target.seek(SECTOR)
    target.write(code[SECTOR:])
    target.seek(0)
    target.write(code[:BOOT_CODE])
    return (at + MIB - 1) // MIB * MIB


def make_fat(target, folder, files):
    """A FAT file system with {path: host path} at the end of target."""
    size = sum(os.path.getsize(path) for path in files.values())
    size = max(ESP_MIN, (size + size // 16 + 2 * MIB) // MIB * MIB)
    volume = os.path.join(folder, "esp")
    with open(volume, "wb") as f:
        f.truncate(size)
    tool("mkfs.fat", "-n", "KOCHAB", volume)
    made = set()
    for name, path in files.items():
        parts = name.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            if parent not in made:
                made.add(parent)
                tool("mmd", "-i", volume, "::/" + parent)
        tool("mcopy", "-i", volume, path, "::/" + name)
    with open(volume, "rb") as f:
        shutil.copyfileobj(f, target, MIB)
    return size


def make_image(target, arch, output, archive, words):
    """target: the disk's path; output: build/<arch>-<build>; archive: the boot
    archive's path; words: of the kernel's command line."""
    line = check_words(words)
    need("mkfs.fat", "dosfstools")
    need("mcopy", "mtools")
    with tempfile.TemporaryDirectory(dir=os.path.dirname(
            os.path.abspath(target))) as folder:
        def written(name, content):
            path = os.path.join(folder, name)
            with open(path, "wb") as f:
                f.write(content)
            return path

        files = {"kochab/boot.tar": archive,
                 "kochab/cmdline": written("cmdline", line.encode() + b"\n")}
        if arch in EFI_NAME:
            files["EFI/BOOT/" + EFI_NAME[arch]] = os.path.join(
                output, EFI_NAME[arch])
        if arch in UBOOT_TREE:
            files["kochab/Image"] = os.path.join(output, "kernel.image")
            files["boot.scr"] = written("boot.scr", uboot_script(arch, line))
        with open(target, "wb") as out:
            start, table = RAW_START, b""
            if arch == "x86_64":
                start = write_raw(out, os.path.join(output, "bios.stub"), (
                    os.path.join(output, "kernel.z"), archive,
                    files["kochab/cmdline"]))
                table = partition(0, TYPE_RAW, RAW_START, start - RAW_START)
            out.seek(start)
            size = make_fat(out, folder, files)
            table = partition(0x80, TYPE_ESP, start, size) + table
            out.seek(446)
            out.write(table.ljust(64, b"\0") + b"\x55\xaa")


def make_grub_image(target, kernel, archive, words):
    """A CD, for BIOS and UEFI, from which GRUB starts the kernel."""
    line = check_words(words)
    program = need("grub-mkrescue", "grub-common")
    need("xorriso", "xorriso")
    with tempfile.TemporaryDirectory(dir=os.path.dirname(
            os.path.abspath(target))) as folder:
        os.makedirs(folder + "/tree/boot/grub")
        shutil.copy(kernel, folder + "/tree/boot/kernel.elf")
        shutil.copy(archive, folder + "/tree/boot/boot.tar")
        with open(folder + "/tree/boot/grub/grub.cfg", "w",
                  encoding="utf-8") as f:
            f.write("set timeout=0\nserial\nterminal_output console serial\n"
                    "menuentry Kochab {\n"
                    "\tmultiboot2 /boot/kernel.elf %s\n"
                    "\tmodule2 /boot/boot.tar\n}\n" % line)
        tool(program, "-o", target, folder + "/tree")


def image_command(words):
    arch, out, adds, line = "x86_64", None, [], []
    words = list(words)
    while words:
        word = words.pop(0)
        option, equals, value = word.partition("=")
        if option in ("--arch", "--out", "--add"):
            if not equals:
                if not words:
                    raise Failure("%s: wants a value behind it" % option, 2)
                value = words.pop(0)
            if option == "--arch":
                arch = arch_of(value)
            elif option == "--out":
                out = value
            else:
                adds.append(add_of(value))
        elif word.startswith("-"):
            raise Failure("%s: no such option of `image`; see "
                          "`./kochab --help`" % word, 2)
        else:
            line.append(word)
    output = build.ensure(arch, "release")
    out = out or os.path.join(output_dir(arch), "kochab.img")
    folder = os.path.dirname(os.path.abspath(out))
    if not os.path.isdir(folder) or os.path.isdir(out):
        raise Failure("--out %s: cannot be written there" % out, 2)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        archive = os.path.join(scratch, "boot.tar")
        made = os.path.join(scratch, "disk")
        write_initrd(archive, os.path.join(output, "boot.tar"), adds)
        make_image(made, arch, output, archive, ["mode=run"] + line)
        os.replace(made, out)
    print("%s: %.1f MiB" % (out, os.path.getsize(out) / MIB))
    return 0
