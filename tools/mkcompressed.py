# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Writes the compressed kernel: boot/compressed/compressed.h says its form.

    mkcompressed.py --elf kernel.elf --image kernel.image [--fixed] OUT

The image is the ELF's segments as flat bytes (llvm-objcopy -O binary). --fixed:
it has to lie where it is linked; else at any multiple of 2 MiB. Compresses
with the program lz4.
"""

import argparse
import struct
import subprocess
import sys

MAGIC = 0x6c656e72654b345a
LEGACY = 0x184c2102  # LZ4's legacy frame: blocks of 8 MiB behind their size
LOAD = 1


def crc32c(data):
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
        table.append(value)
    total = 0xffffffff
    for byte in data:
        total = total >> 8 ^ table[(total ^ byte) & 255]
    return total ^ 0xffffffff


def layout(path):
    """(lowest physical address, bytes in memory from there, entry)."""
    with open(path, "rb") as f:
        elf = f.read()
    if elf[:6] != b"\x7fELF\x02\x01":
        raise SystemExit("%s: not a little-endian ELF-64 file" % path)
    entry, offset = struct.unpack_from("<QQ", elf, 24)
    size, count = struct.unpack_from("<HH", elf, 54)
    rows = [struct.unpack_from("<IIQQQQQQ", elf, offset + i * size)
            for i in range(count)]
    rows = [(row[3], row[4], row[6]) for row in rows
            if row[0] == LOAD and row[6]]
    start = min(physical for _, physical, _ in rows)
    end = max(physical + memory for _, physical, memory in rows)
    for virtual, physical, memory in rows:  # an entry by either address
        if virtual <= entry < virtual + memory:
            entry = entry - virtual + physical
            break
    return start, end - start, entry


def block_of(image):
    frame = subprocess.run(["lz4", "-12", "-l", "-c"], input=image,
                           stdout=subprocess.PIPE, check=True).stdout
    magic, size = struct.unpack_from("<II", frame)
    if magic != LEGACY or size != len(frame) - 8:
        raise SystemExit("lz4 wrote no single block")
    return frame[8:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--elf", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--fixed", action="store_true")
    parser.add_argument("out")
    args = parser.parse_args()
    start, memory, entry = layout(args.elf)
    with open(args.image, "rb") as f:
        image = f.read()
    if len(image) > memory:
        raise SystemExit("%s is larger than its ELF says" % args.image)
    block = block_of(image)
    behind = struct.pack("<IIIQQQ", len(block), len(image), memory,
                         start if args.fixed else 0,
                         4096 if args.fixed else 2 << 20,
                         entry - start) + block
    with open(args.out, "wb") as f:
        f.write(struct.pack("<QI", MAGIC, crc32c(behind)) + behind)


if __name__ == "__main__":
    sys.exit(main())
