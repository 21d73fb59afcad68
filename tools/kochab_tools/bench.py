# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab bench`: guest instructions per operation, beside the targets and
the peers.

Rows and targets stand in tests/bench/targets.json, the peers' recorded figures
in tests/bench/peers.json. Where a row's value comes from (its `source`):
    boot      a boot in mode=bench; the log holds `BENCH <name> <unit> <value>`
    program   tests/bench/linux/<name without linux->.c, a static Linux
              program run by `exec`, prints the same line
    size      counted on the host
Machine: one processor, -icount shift=0,sleep=off, the release build. A row
without a figure has the value null and says why.
"""

import argparse
import json
import os
import re
import subprocess
import time

from . import build, linux_peer, size
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
    """(figures, reason why others are missing) of the system's bench mode."""
    progress("bench: the system's own bench mode")
    machine = Machine(machine_options(arch), "bench")
    try:
        machine.start()
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        while machine.process.poll() is None:
            try:
                machine.com1.recv(65536)  # nobody reads the console
            except OSError:
                pass
            if not machine.wait_end(0.2) and time.monotonic() > deadline:
                reason = "the bench mode did not end within %d s" \
                    % BOOT_TIMEOUT_S
                break
        else:
            reason = "the bench mode printed no such figure"
        machine.stop()
        verdict = machine.verdict()
        if verdict.kind in ("panic", "failed"):
            reason = "the bench mode ended in: " \
                + verdict.text.splitlines()[0]
        return lines_of(machine.log_text()), reason
    finally:
        machine.stop()


def compile_programs():
    """{name: path} of the static Linux programs."""
    compiler = need("clang-19", "clang-19")
    source = os.path.join(FOLDER, "linux")
    target = os.path.join(RESULTS, "linux")
    os.makedirs(target, exist_ok=True)
    found = {}
    for entry in sorted(os.listdir(source)):
        name, dot, kind = entry.partition(".")
        if kind != "c" or not dot:
            continue
        found[name] = os.path.join(target, name)
        result = subprocess.run(
            [compiler, "-std=c2x", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra",
             "-Werror", "-static"] + ENTRY.get(name, [])
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
    programs = compile_programs() if "program" in sources else {}
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
        "value": results[row["name"]][0], "target": row["target"],
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


def verdict_of(row):
    if row["value"] is None:
        return "not measured"
    worse = row["value"] / row["target"] if row["better"] == "lower" \
        else row["target"] / max(row["value"], 1e-9)
    return "reached" if worse <= 1 else "%.1f x the target" % worse


def print_table(rows, what, previous, peers_date):
    line = "%-24s %15s %15s %13s %13s %15s  %s"
    print(line % ("operation", "Kochab", "before", "target", "seL4", "Linux",
                  "against the target"))
    for row in rows:
        print(line % (row["name"], shown(row["value"]),
                      shown(previous.get(row["name"])), shown(row["target"]),
                      shown(row["peers"]["sel4"]),
                      shown(row["peers"]["linux"]), verdict_of(row)))
    missing = [row for row in rows if row["value"] is None]
    for row in missing:
        print("  not measured: %s: %s" % (what[row["name"]], row["reason"]))
    print("%d of %d rows measured, %d targets reached. Unit and meaning: "
          "tests/bench/targets.json; peers: %s"
          % (len(rows) - len(missing), len(rows),
             sum(verdict_of(row) == "reached" for row in rows), peers_date))


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
    peers = {row["name"]: row for row in recorded["rows"]}
    date = "recorded " + recorded["date"]
    os.makedirs(RESULTS, exist_ok=True)
    if chosen.peers:
        measured = linux_peer.measure(compile_programs(), lines_of)
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
