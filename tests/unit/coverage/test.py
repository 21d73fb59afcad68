# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""personalities/linux/coverage.def against the numbers in the headers that
programs are compiled with, on each architecture."""

import os
import re

ROW = re.compile(r"(CALL|X86_64|AARCH64|RISCV64)\(([^)]*)\)")
LAST = 450  # set_mempolicy_home_node, the last of Linux 6.1
# Not calls, or of later versions of Linux; and what arm64's headers hide.
NO_CALLS = {"arch_specific_syscall", "syscalls"}
HIDDEN = {"memfd_secret"}


def ours(context, arch):
    """{name: number} as the personality of the architecture has them."""
    column = 0 if arch == "x86_64" else 1
    path = os.path.join(context.top, "personalities/linux/coverage.def")
    calls = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            match = ROW.match(line)
            if not match:
                continue
            words = [word.strip() for word in match[2].split(",")]
            if match[1] == "CALL":
                calls[words[2]] = int(words[column])
            elif match[1] == arch.upper():
                calls[words[1]] = int(words[0])
    return calls


def theirs(context, arch):
    text = context.write("unistd.c", "#include <asm/unistd.h>\n")
    out = context.host("clang-19", "--target=%s-linux-gnu" % arch, "-dM",
                       "-E", text).stdout.decode()
    defines = dict(re.findall(r"#define (__NR\w+) (.+)", out))
    calls = {}
    for name, value in defines.items():
        if not name.startswith("__NR_"):
            continue
        number = 0
        for word in value.strip("()").split(" + "):  # RISC-V's own
            while word in defines:
                word = defines[word]
            number += int(word)
        if number <= LAST and name[5:] not in NO_CALLS:
            calls[name[5:]] = number
    return calls


def compare(context, arch):
    mine, headers = ours(context, arch), theirs(context, arch)

    context.check(len(headers) > 250, "the headers name %d calls"
                  % len(headers))
    wrong = {name: (mine.get(name), number)
             for name, number in headers.items() if mine.get(name) != number}
    context.equal(wrong, {}, "ours and the header's")
    more = set(mine) - set(headers) - HIDDEN
    context.equal(more, set(), "not in the headers")
    context.equal(len(set(mine.values())), len(mine), "a number twice")


def test_x86_64(context):
    compare(context, "x86_64")


def test_aarch64(context):
    compare(context, "aarch64")


def test_riscv64(context):
    compare(context, "riscv64")
