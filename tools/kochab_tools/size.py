# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab size`: the kernel's code lines against its budget, and its sections.

Lines are cloc's code lines (no blanks, no comments) of the files that really
went into the kernel's build: the compiler's dependency files say which.
Generated files, boot/, and what of lib/ and abi/ the kernel shares with user
space are shown apart. kernel/budget.def holds the budget:

    limit  subsystem  glob glob ...     first matching row takes a file;
                                        * does not match a slash
    total  limit                        all rows of one architecture's build
    whole  limit                        every file under kernel/

The command fails when a limit is exceeded or a file under kernel/ is in no row.
"""

import argparse
import fnmatch
import json
import os
import re
import subprocess

from . import build
from .common import Failure, TOP, arch_of, need, output_dir

BUDGET = os.path.join(TOP, "kernel", "budget.def")
CODE = (".c", ".h", ".S")
SECTION_TARGET = 96 * 1024


def matches(path, glob):
    parts, patterns = path.split("/"), glob.split("/")
    return len(parts) == len(patterns) and all(
        fnmatch.fnmatchcase(part, pattern)
        for part, pattern in zip(parts, patterns))


class Budget:
    """kernel/budget.def, read and checked."""

    def __init__(self, path=BUDGET):
        self.rows = []  # (limit, subsystem, globs)
        self.total = self.whole = None
        name = os.path.relpath(path, TOP)
        try:
            with open(path, encoding="utf-8") as f:
                lines = f.read().splitlines()
        except FileNotFoundError:
            raise Failure("%s is missing" % name) from None
        for number, line in enumerate(lines, 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            try:
                if words[0] in ("total", "whole"):
                    setattr(self, words[0], int(words[1]))
                elif len(words) < 3:
                    raise ValueError
                else:
                    self.rows.append((int(words[0]), words[1], words[2:]))
            except (ValueError, IndexError):
                raise Failure("%s:%d: wants `limit subsystem glob…`, `total "
                              "limit` or `whole limit`" % (name, number)) \
                    from None
        if not self.rows or self.total is None or self.whole is None:
            raise Failure("%s: wants rows, a total and a whole" % name)

    def row_of(self, path):
        for _, subsystem, globs in self.rows:
            if any(matches(path, glob) for glob in globs):
                return subsystem
        return None


def compiled_files(folder):
    """Paths, relative to the top, of all that the kernel's objects read."""
    found = set()
    for base, _, names in os.walk(os.path.join(folder, "obj", "kernel")):
        for name in names:
            if not name.endswith(".d"):
                continue
            with open(os.path.join(base, name), encoding="utf-8") as f:
                text = f.read().replace("\\\n", " ")
            for line in text.splitlines():
                for word in line.partition(":")[2].split():
                    path = os.path.normpath(os.path.join(TOP, word))
                    if path.startswith(TOP + os.sep) and \
                            path.endswith(CODE) and os.path.exists(path):
                        found.add(os.path.relpath(path, TOP))
    if not found:
        raise Failure("%s holds no dependency files of the kernel"
                      % os.path.relpath(folder, TOP))
    return found


def kernel_files():
    return {os.path.relpath(os.path.join(base, name), TOP)
            for base, _, names in os.walk(os.path.join(TOP, "kernel"))
            for name in names if name.endswith(CODE)}


def code_lines(paths):
    """{path: code lines} by cloc."""
    cloc = need("cloc", "cloc")
    listing = "\n".join(sorted(paths))
    result = subprocess.run(
        [cloc, "--by-file", "--json", "--quiet", "--skip-uniqueness",
         "--force-lang=C,S", "--list-file=-"],
        input=listing, capture_output=True, text=True, cwd=TOP, check=False)
    if result.returncode != 0 or not result.stdout.strip():
        raise Failure("cloc failed: " + result.stderr.strip())
    counted = json.loads(result.stdout)
    lines = {os.path.normpath(path): row["code"]
             for path, row in counted.items() if "code" in row
             and path not in ("header", "SUM")}
    return {path: lines.get(path, 0) for path in paths}


def sections(elf):
    """{section: bytes} of the parts that are loaded."""
    result = subprocess.run([need("llvm-size-19", "llvm-19"), "-A", elf],
                            capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failure("%s: %s" % (os.path.relpath(elf, TOP),
                                  result.stderr.strip()))
    found = {}
    for line in result.stdout.splitlines():
        match = re.match(r"(\.\S+)\s+(\d+)\s+(\d+)$", line)
        if match and int(match[2]) and int(match[3]):
            found[match[1]] = int(match[2])
    return found


def measure(arch, budget):
    """Everything about one architecture as plain data, with its errors."""
    folder = output_dir(arch, "release")
    compiled = compiled_files(folder)
    all_kernel = kernel_files()
    lines = code_lines(compiled | all_kernel)
    errors = ["%s is in no row of kernel/budget.def" % path
              for path in sorted(all_kernel) if budget.row_of(path) is None]
    generated = {path for path in compiled if path.startswith("build/")}
    boot = {path for path in compiled if path.startswith("boot/")}
    rows = {subsystem: {"lines": 0, "limit": limit, "files": 0}
            for limit, subsystem, _ in budget.rows}
    shared = {path for path in compiled - generated - boot
              if path.startswith(("lib/", "abi/"))}
    other = compiled - generated - boot - shared - all_kernel
    errors += ["%s is compiled into the kernel from a room that is not "
               "counted" % path for path in sorted(other)]
    total = 0
    for path in compiled & all_kernel:
        subsystem = budget.row_of(path)
        total += lines[path]
        if subsystem is not None:
            rows[subsystem]["lines"] += lines[path]
            rows[subsystem]["files"] += 1
    whole = sum(lines[path] for path in all_kernel)
    for subsystem, row in rows.items():
        if row["lines"] > row["limit"]:
            errors.append("%s has %d lines, %d are allowed"
                          % (subsystem, row["lines"], row["limit"]))
    if total > budget.total:
        errors.append("the build has %d lines, %d are allowed"
                      % (total, budget.total))
    if whole > budget.whole:
        errors.append("kernel/ has %d lines, %d are allowed"
                      % (whole, budget.whole))
    return {
        "subsystems": rows, "total": total,
        "total_limit": budget.total, "whole": whole,
        "whole_limit": budget.whole,
        "shared": sum(lines[path] for path in shared),
        "boot": sum(lines[path] for path in boot),
        "generated": sum(lines[path] for path in generated),
        "sections": sections(os.path.join(folder, "kernel.elf")),
        "errors": errors,
    }


def show(arch, found):
    print("Kernel code lines, %s (cloc, without blanks and comments)" % arch)
    for subsystem, row in found["subsystems"].items():
        print("  %-22s %6d of %6d   %d files" % (
            subsystem, row["lines"], row["limit"], row["files"]))
    print("  %-22s %6d of %6d" % ("this build", found["total"],
                                  found["total_limit"]))
    print("  %-22s %6d of %6d" % ("all of kernel/", found["whole"],
                                  found["whole_limit"]))
    print("  %-22s %6d   apart: also part of user space"
          % ("lib/ and abi/", found["shared"]))
    print("  %-22s %6d   apart" % ("boot/", found["boot"]))
    print("  %-22s %6d   apart" % ("generated", found["generated"]))
    print("Sections of kernel.elf, bytes")
    for name, size in found["sections"].items():
        print("  %-22s %8d" % (name, size))
    fixed = sum(size for name, size in found["sections"].items()
                if name.startswith((".text", ".rodata")))
    print("  %-22s %8d   target %d" % (".text + .rodata", fixed,
                                       SECTION_TARGET))
    for error in found["errors"]:
        print("over budget: " + error)


def size_command(words):
    parser = argparse.ArgumentParser(prog="kochab size", add_help=False)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--arch", default="x86_64")
    chosen = parser.parse_args(words)
    arch = arch_of(chosen.arch)
    build.make(["ARCH=" + arch, "BUILD=release", "kernel"], "the kernel")
    found = measure(arch, Budget())
    if chosen.json:
        print(json.dumps({arch: found}, indent=1))
    else:
        show(arch, found)
    return 1 if found["errors"] else 0
