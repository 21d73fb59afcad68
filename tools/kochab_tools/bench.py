# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab bench`: guest instructions per operation, beside the targets and
the peers.

Rows and targets stand in tests/bench/targets.json, the peers' recorded figures
in tests/bench/peers.json. Where a row's value comes from (its `source`):
    boot      the log of a boot with apps/kernel-bench as the first process
              holds `BENCH <name> <unit> <value>`
    program   tests/bench/linux/<name without linux->.c, a static Linux
              program run by `exec`, prints the same line
    size      counted on the host
    none      not measured by this version; the row's `reason` says why
Machine: one processor, -icount shift=0,sleep=off, the release build. A row
without a figure has the value null and says why. docs/book/benchmarks.md
explains the rows.
"""

import argparse
import json
import os
import re
import subprocess

from . import build, guest, linux_peer, size
from .common import BUILD, Failure, TOP, arch_of, need, progress
from .execute import Session
from .machine import Machine
from .options import MachineOptions
from .terminal import environment

FOLDER = os.path.join(TOP, "tests", "bench")
RESULTS = os.path.join(BUILD, "bench")
LINE = re.compile(r"\bBENCH (\S+) (\S+) ([0-9]+(?:\.[0-9]+)?)\s*$",
                  re.MULTILINE)
BOOT_TIMEOUT_S = 300
PROGRAM_TIMEOUT_S = 240
ENTRY = {"boot": ["-Wl,-e,bench_start"]}


def read(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
        return json.load(f)


def lines_of(text):
    """{name: (unit, value)} of all BENCH lines."""
    return {match[1]: (match[2], float(match[3]))
            for match in LINE.finditer(text)}


def machine_options(arch):
    options = MachineOptions()
    options.arch = arch
    options.smp = 1
    options.icount = True
    return options


def boot_rows(arch):
    """(figures, reason why others are missing) of apps/kernel-bench."""
    progress("bench: the kernel's rows")
    verdict, log = guest.run_to_end(arch, "root=kernel-bench", BOOT_TIMEOUT_S,
                                    {"smp": 1, "icount": True})
    failed = re.search(r"BENCH-FAILED (.*)", log)
    if failed:
        reason = "kernel-bench failed: " + failed[1].strip()
    elif verdict.kind == "timeout":
        reason = "kernel-bench did not end within %d s" % BOOT_TIMEOUT_S
    elif verdict.kind != "off":
        reason = "kernel-bench ended in %s: %s" % (
            verdict.kind, (verdict.text or "no text").splitlines()[0])
    else:
        reason = "kernel-bench printed no such figure"
    return lines_of(log), reason


def compile_programs(arch):
    """{name: path} of the static Linux programs."""
    compiler = need("clang-19", "clang-19")
    source = os.path.join(FOLDER, "linux")
    target = os.path.join(RESULTS, "linux-" + arch)
    cross = [] if arch == "x86_64" else [
        "--target=%s-linux-gnu" % arch, "-fuse-ld=lld-19"]
    os.makedirs(target, exist_ok=True)
    found = {}
    for entry in sorted(os.listdir(source)):
        name, dot, kind = entry.partition(".")
        if kind != "c" or not dot:
            continue
        found[name] = os.path.join(target, name)
        result = subprocess.run(
            [compiler, "-std=c2x", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra",
             "-Werror", "-static"] + cross + ENTRY.get(name, [])
            + ["-o", found[name], os.path.join(source, entry)],
            capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise Failure("tests/bench/linux/%s does not compile:\n%s"
                          % (entry, result.stderr))
    return found


def program_row(arch, name, path):
    """(figures, reason) of one Linux program in a machine of its own."""
    progress("bench: " + name)
    options = machine_options(arch)
    options.adds.append((path, "tmp/" + name))
    out, said = bytearray(), bytearray()
    machine = Machine(options, "exec", ["/tmp/" + name], environment())
    status = Session(machine, None, out.extend, said.extend).run(
        PROGRAM_TIMEOUT_S)
    figures = lines_of(out.decode("utf-8", "replace"))
    if status == 0:
        return figures, "the program printed no such figure"
    last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
    return {}, "the program ended with status %d%s" % (
        status, ": " + last[0] if last else "")


def size_rows(arch):
    try:
        found = size.measure(arch, size.Budget())
    except Failure as failure:
        return {}, str(failure)
    text = sum(count for name, count in found["sections"].items()
               if name.startswith((".text", ".rodata")))
    calls = 0
    idl = os.path.join(TOP, "abi", "syscall.idl")
    if os.path.exists(idl):
        with open(idl, encoding="utf-8") as f:
            calls = len(re.findall(r"^call\s+\w+", f.read(), re.MULTILINE))
    return {"kernel-lines": ("lines", found["total"]),
            "kernel-text": ("bytes", text),
            "system-calls": ("calls", calls)}, "not counted"


def measure(arch, rows):
    """{name: (value, reason)} for every row."""
    sources = {row["source"] for row in rows}
    figures, reasons = {}, {}
    if "size" in sources:
        found, reasons["size"] = size_rows(arch)
        figures.update(found)
    if "boot" in sources:
        found, reasons["boot"] = boot_rows(arch)
        figures.update(found)
    programs = compile_programs(arch) if "program" in sources else {}
    results = {}
    for row in rows:
        name = row["name"]
        reason = row.get("reason") or reasons.get(row["source"])
        if row["source"] == "program":
            short = name.removeprefix("linux-")
            if short not in programs:
                raise Failure("tests/bench/linux has no %s.c" % short)
            found, reason = program_row(arch, short, programs[short])
            figures.update(found)
        unit, value = figures.get(name, (row["unit"], None))
        if unit != row["unit"]:
            value, reason = None, "measured in %s, not %s" % (unit,
                                                               row["unit"])
        results[name] = (value, None if value is not None else reason)
    return results


def contract(arch, rows, results, peers):
    """The list that --json writes."""
    return [{
        "name": row["name"], "arch": arch, "unit": row["unit"],
        "value": results[row["name"]][0],
        "target": row.get("targets", {}).get(arch, row["target"]),
        "better": row["better"],
        "peers": {"sel4": peers.get(row["name"], {}).get("sel4"),
                  "linux": peers.get(row["name"], {}).get("linux")},
        "reason": results[row["name"]][1],
    } for row in rows]


def shown(value):
    if value is None:
        return "-"
    if float(value).is_integer():
        return "{:,.0f}".format(value)
    return "{:,.1f}".format(value)


def ratio(row):
    """Value over target (or the reverse for "higher"): 1 or less is reached."""
    if row["value"] is None:
        return None
    if row["better"] == "lower":
        return row["value"] / row["target"]
    return row["target"] / max(row["value"], 1e-9)


def reached(row):
    return ratio(row) is not None and ratio(row) <= 1


def print_table(rows, what, previous, peers_date):
    line = "%-24s %13s %13s %7s %8s %15s %13s"
    print(line % ("operation", "Kochab", "target", "ratio", "seL4", "Linux",
                  "before"))
    for row in rows:
        print(line % (row["name"], shown(row["value"]), shown(row["target"]),
                      "-" if ratio(row) is None else "%.2f" % ratio(row),
                      shown(row["peers"]["sel4"]),
                      shown(row["peers"]["linux"]),
                      shown(previous.get(row["name"]))))
    missing = [row for row in rows if row["value"] is None]
    for row in missing:
        print("not measured: %s: %s" % (what[row["name"]], row["reason"]))
    print("%d of %d rows measured, %d targets reached (ratio up to 1), %d "
          "within twice the target. Unit and meaning: tests/bench/targets.json; "
          "peers: %s"
          % (len(rows) - len(missing), len(rows), sum(map(reached, rows)),
             sum(ratio(row) is not None and ratio(row) <= 2 for row in rows),
             peers_date))


def previous_values(path):
    try:
        with open(path, encoding="utf-8") as f:
            return {row["name"]: row["value"] for row in json.load(f)}
    except (OSError, ValueError):
        return {}


def write_json(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(rows, f, indent=1)
        f.write("\n")


def bench_command(words):
    parser = argparse.ArgumentParser(prog="kochab bench", add_help=False)
    parser.add_argument("--arch", default="x86_64")
    parser.add_argument("--json")
    parser.add_argument("--peers", action="store_true")
    chosen = parser.parse_args(words)
    arch = arch_of(chosen.arch)
    targets, recorded = read("targets.json"), read("peers.json")
    peers = {row["name"]: row if arch == recorded["arch"]
             else row.get(arch, {}) for row in recorded["rows"]}
    date = "recorded " + recorded["date"]
    os.makedirs(RESULTS, exist_ok=True)
    if chosen.peers:
        if arch != recorded["arch"]:
            raise Failure("bench --peers: Linux is measured on %s only"
                          % recorded["arch"], 2)
        measured = linux_peer.measure(compile_programs(arch), lines_of)
        for name, value in measured.items():
            peers.setdefault(name, {})["linux"] = value
        date += ", Linux measured now"
    build.ensure(arch, "release")
    rows = contract(arch, targets["rows"], measure(arch, targets["rows"]),
                    peers)
    last = os.path.join(RESULTS, "last-%s.json" % arch)
    print_table(rows, {row["name"]: row["what"] for row in targets["rows"]},
                previous_values(last), date)
    if not os.environ.get("KOCHAB_OUTPUT"):  # a stand-in's are no figures
        write_json(last, rows)
    if chosen.json:
        write_json(chosen.json, rows)
    return 0
