# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab image`: one disk that boots by every firmware of an architecture.

    make_image(target, arch, output, archive, words)

An MBR with the EFI system partition (FAT, partition 1), on which lie

    EFI/BOOT/BOOTX64.EFI or BOOTAA64.EFI   our first stage with the kernel
    kochab/boot.tar, kochab/cmdline        what it loads
    kochab/Image, boot.scr                 the same for U-Boot
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
ESP_START = MIB
ESP_MIN = 16 * MIB
TYPE_ESP = 0xef
EFI_NAME = {"x86_64": "BOOTX64.EFI", "aarch64": "BOOTAA64.EFI"}
COMMAND_LINE_MAX = 1023
# U-Boot's names of the device tree that it hands on.
UBOOT_TREE = {"aarch64": "${fdt_addr}", "riscv64": "${fdtcontroladdr}"}
UBOOT_SCRIPT = """\
setenv bootargs '%s'
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} kochab/Image
load ${devtype} ${devnum}:${distro_bootpart} ${ramdisk_addr_r} kochab/boot.tar
booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} %s
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
            out.seek(ESP_START)
            size = make_fat(out, folder, files)
            table = partition(0x80, TYPE_ESP, ESP_START, size)
            out.seek(0)
            out.write((bytes(446) + table).ljust(510, b"\0") + b"\x55\xaa")


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
