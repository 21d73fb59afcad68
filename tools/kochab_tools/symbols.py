# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Addresses of the kernel turned into names: the host half of a panic.

    symbolise(text, elf)   the text, with `function+0x12 file:line` behind
                           every address that lies in the kernel's code
    panic_of(log, elf)     the panic in a log, symbolised, or None
"""

import bisect
import os
import re
import shutil
import subprocess

from .common import TOP

ADDRESS = re.compile(r"(#\d+ +)?0x([0-9a-f]{8,16})\b")


def code_symbols(elf):
    """Sorted [(address, size, name)] of the functions in elf."""
    nm = shutil.which("llvm-nm-19") or shutil.which("nm")
    if nm is None or not os.path.exists(elf):
        return []
    text = subprocess.run([nm, "-S", "--defined-only", elf], text=True,
                          capture_output=True, check=False).stdout
    found = []
    for line in text.splitlines():
        parts = line.split()
        if len(parts) == 4 and parts[2] in "tT":
            found.append((int(parts[0], 16), int(parts[1], 16), parts[3]))
        elif len(parts) == 3 and parts[1] in "tT":
            found.append((int(parts[0], 16), 0, parts[2]))
    # Assembly labels carry no size: they reach to the next symbol.
    found.sort()
    ends = [row[0] for row in found[1:]] + [found[-1][0] + 4096] \
        if found else []
    return [(start, size or end - start, name)
            for (start, size, name), end in zip(found, ends)]


def lines_of(elf, addresses):
    """{address: "file:line"} where debug information says so."""
    tool = shutil.which("llvm-symbolizer-19")
    if tool is None or not addresses:
        return {}
    out = subprocess.run(
        [tool, "--obj=" + elf, "--output-style=GNU", "--no-inlines"]
        + ["0x%x" % address for address in addresses],
        capture_output=True, text=True, check=False).stdout.splitlines()
    places = [line for line in out if re.search(r":(\d+|\?)$", line)]
    if len(places) != len(addresses):
        return {}
    return {address: os.path.relpath(place, TOP)
            if place.startswith(TOP) else place
            for address, place in zip(addresses, places)
            if not place.startswith("??")}


def symbolise(text, elf):
    table = code_symbols(elf)
    starts = [row[0] for row in table]
    names = {}
    for frame, word in set(ADDRESS.findall(text)):
        # In a backtrace stands where a call returns to: look just before.
        address = int(word, 16) - bool(frame)
        at = bisect.bisect_right(starts, address) - 1
        if at >= 0 and address < table[at][0] + max(table[at][1], 1):
            names[address] = "%s+0x%x" % (table[at][2],
                                          address - table[at][0])
    places = lines_of(elf, sorted(names))

    def named(match):
        address = int(match[2], 16) - bool(match[1])
        if address not in names:
            return match[0]
        place = places.get(address)
        return "%s <%s%s>" % (match[0], names[address],
                              " " + place if place else "")
    return ADDRESS.sub(named, text)


def panic_of(log, elf):
    try:
        with open(log, "rb") as f:
            text = f.read().decode("utf-8", "replace")
    except OSError:
        return None
    match = re.search(r"^.*PANIC", text, re.MULTILINE)
    if match is None:
        return None
    return symbolise(text[match.start():].replace("\r", ""), elf)
