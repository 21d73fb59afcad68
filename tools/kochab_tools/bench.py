# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab bench`: guest instructions per operation, beside the targets and
the peers.

Rows and targets stand in tests/bench/targets.json, the peers' recorded figures
in tests/bench/peers.json. Where a row's value comes from (its `source`):
    boot      the log of a boot with apps/kernel-bench as the first process
              holds `BENCH <name> <unit> <value>`, and for rows of single
              operations `BENCH-LATENCY <name> <unit> <p50> <p99> <max>`
              Also `BENCH-SCALE <things> <row> <tenths>…`, at 10, 100, 1,000 and
              10,000 of those things
    pairs     the same program on two processors
    program   tests/bench/linux/<name without linux->.c, a static Linux
              program run by `exec`, prints the same lines
    size      counted on the host
    none      not measured by this version; the row's `reason` says why
Machine: one processor, -icount shift=0,sleep=off, the release build. A row
without a figure has the value null and says why. docs/book/benchmarks.md
explains the rows.

--peers measures Linux (linux_peer.py) and writes peers.json; --record adds the
run to tests/bench/history (bench_history.py); --recorded shows the last recorded
run again. Both with --book, and --record in any case, write the page of results,
its picture and the figures of other pages (bench_page.py). --trace ROW,ROW shows
what the kernel executes in one round of a row, instruction by instruction
(bench_trace.py), and measures nothing.
"""

import argparse
import json
import os
import re
import subprocess

from . import bench_history, bench_page, bench_trace, build, guest, linux_peer
from . import size
from .bench_page import about_linux, peers_of, ratio, shown, verdict
from .common import ARCHES, BUILD, Failure, TOP, arch_of, need, progress
from .execute import Session
from .machine import Machine
from .options import MachineOptions
from .terminal import environment

FOLDER = os.path.join(TOP, "tests", "bench")
RESULTS = os.path.join(BUILD, "bench")
LINE = re.compile(r"\bBENCH (\S+) (\S+) ([0-9]+(?:\.[0-9]+)?)\s*$",
                  re.MULTILINE)
LATENCY = re.compile(r"\bBENCH-LATENCY (\S+) \S+ (\d+) (\d+) (\d+)\s*$",
                     re.MULTILINE)
SCALE = re.compile(r"\bBENCH-SCALE (\S+) (\S+) ([0-9 ]+?)\s*$", re.MULTILINE)
BOOT_TIMEOUT_S = 900
PROGRAM_TIMEOUT_S = 240
ENTRY = {"boot": ["-Wl,-e,bench_start"]}


def read(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
        return json.load(f)


def lines_of(text):
    """{name: (unit, value)} of all BENCH lines."""
    return {match[1]: (match[2], float(match[3]))
            for match in LINE.finditer(text)}


def latencies_of(text):
    """{name: [p50, p99, max]} of all BENCH-LATENCY lines."""
    return {match[1]: [int(match[number]) for number in (2, 3, 4)]
            for match in LATENCY.finditer(text)}


def scaling_of(text):
    """{things: {name: [figure at 10, 100, 1,000, 10,000 of them]}}."""
    found = {}
    for things, name, tenths in SCALE.findall(text):
        found.setdefault(things, {})[name] = [
            int(each) / 10 for each in tenths.split()]
    return found


def machine_options(arch):
    options = MachineOptions()
    options.arch = arch
    options.smp = 1
    options.icount = True
    return options


def boot_rows(arch, smp=1):
    """(log, reason why others are missing) of apps/kernel-bench."""
    progress("bench: the kernel's rows" + (", two processors" * (smp > 1)))
    verdict, log = guest.run_to_end(arch, "root=kernel-bench latency=1",
                                    BOOT_TIMEOUT_S,
                                    {"smp": smp, "icount": True})
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
    return log, reason


def compile_one(arch, source, target, flags):
    """A static Linux program; raises with what the compiler said."""
    cross = [] if arch == "x86_64" else [
        "--target=%s-linux-gnu" % arch, "-fuse-ld=lld-19"]
    result = subprocess.run(
        [need("clang-19", "clang-19"), "-std=c2x", "-D_GNU_SOURCE", "-O2",
         "-Wall", "-Wextra", "-Werror", "-static"] + cross + flags
        + ["-o", target, source], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failure("%s does not compile:\n%s"
                      % (os.path.relpath(source, TOP), result.stderr))


def compile_programs(arch, target=None):
    """{name: path} of the static Linux programs."""
    source = os.path.join(FOLDER, "linux")
    target = target or os.path.join(RESULTS, "linux-" + arch)
    os.makedirs(target, exist_ok=True)
    found = {}
    for entry in sorted(os.listdir(source)):
        name, dot, kind = entry.partition(".")
        if kind == "c" and dot:
            found[name] = os.path.join(target, name)
            compile_one(arch, os.path.join(source, entry), found[name],
                        ENTRY.get(name, []))
    return found


def program_row(arch, name, path, latency=False):
    """(text, reason) of one Linux program in a machine of its own."""
    progress("bench: " + name)
    options = machine_options(arch)
    options.adds.append((path, "tmp/" + name))
    out, said = bytearray(), bytearray()
    machine = Machine(options, "exec",
                      ["/tmp/" + name] + ["latency"] * latency, environment())
    status = Session(machine, None, out.extend, said.extend).run(
        PROGRAM_TIMEOUT_S)
    if status == 0:
        return out.decode("utf-8", "replace"), \
            "the program printed no such figure"
    last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
    return "", "the program ended with status %d%s" % (
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
    """{name: (value, reason, latency)} for every row, latency [p50, p99, max] or
    None; and what scaling_of() found."""
    sources = {row["source"] for row in rows}
    figures, latencies, reasons, scaling = {}, {}, {}, {}

    def take(text):
        figures.update(lines_of(text))
        latencies.update(latencies_of(text))
    if "size" in sources:
        found, reasons["size"] = size_rows(arch)
        figures.update(found)
    if "boot" in sources:
        log, reasons["boot"] = boot_rows(arch)
        take(log)
        scaling = scaling_of(log)
    if "pairs" in sources:
        log, reasons["pairs"] = boot_rows(arch, 2)
        take(log)
    programs = compile_programs(arch) if "program" in sources else {}
    results = {}
    for row in rows:
        name = row["name"]
        reason = row.get("reason") or reasons.get(row["source"])
        if row["source"] == "program":
            short = name.removeprefix("linux-")
            if short not in programs:
                raise Failure("tests/bench/linux has no %s.c" % short)
            text, reason = program_row(arch, short, programs[short], True)
            take(text)
        unit, value = figures.get(name, (row["unit"], None))
        if unit != row["unit"]:
            value, reason = None, "measured in %s, not %s" % (unit,
                                                               row["unit"])
        results[name] = (value, None if value is not None else reason,
                         latencies.get(name))
    return results, scaling


def target_of(row, arch):
    return row.get("targets", {}).get(arch, row["target"])


def contract(arch, rows, results, recorded):
    """The list that --json writes."""
    peers = peers_of(recorded, arch)
    return [{
        "name": row["name"], "arch": arch, "unit": row["unit"],
        "value": results[row["name"]][0],
        "target": target_of(row, arch), "better": row["better"],
        "peers": {peer: peers[peer].get(row["name"])
                  for peer in ("sel4", "linux")},
        "reason": results[row["name"]][1],
        "latency": results[row["name"]][2],
    } for row in rows]


def print_table(arch, rows, what, before, recorded):
    line = "%-24s %13s %13s %7s %8s %15s %13s"
    print(line % (arch, "Kochab", "target", "ratio", "seL4", "Linux",
                  "before"))
    for row in rows:
        print(line % (row["name"], shown(row["value"]), shown(row["target"]),
                      "-" if ratio(row) is None else "%.2f" % ratio(row),
                      shown(row["peers"]["sel4"]),
                      shown(row["peers"]["linux"]),
                      shown(before.get(row["name"]))))
    print("\n%-24s %13s %13s %13s" % ("single operations", "median", "99th",
                                      "longest"))
    for row in rows:
        if row["latency"]:
            print("%-24s %13s %13s %13s" % (
                row["name"], *map(shown, row["latency"])))
    for row in rows:
        if row["value"] is None:
            print("not measured: %s: %s" % (what[row["name"]], row["reason"]))
    print("%s. Unit and meaning: tests/bench/targets.json; seL4: recorded %s; "
          "Linux: %s" % (verdict(rows), recorded["sel4"]["date"],
                         about_linux(recorded, arch)))


def previous_values(path):
    try:
        with open(path, encoding="utf-8") as f:
            return {row["name"]: row["value"] for row in json.load(f)}
    except (OSError, ValueError):
        return {}


def write_json(path, value, indent=1):
    with open(path, "w", encoding="utf-8") as f:
        f.write(bench_history.on_lines(json.dumps(value, indent=indent)))


def measure_linux(arch, recorded):
    """Linux's figures of an architecture, now also in peers.json."""
    found = linux_peer.measure(
        arch, compile_programs(arch),
        lambda source, target, flags: compile_one(arch, source, target, flags),
        lines_of, latencies_of)
    recorded.update(read("peers.json"))  # others may have been measured since
    recorded["linux"][arch] = found
    recorded["linux"] = {name: recorded["linux"][name] for name in ARCHES
                         if name in recorded["linux"]}
    write_json(os.path.join(FOLDER, "peers.json"), recorded, "\t")


def about_run(arch):
    """What the figures of a run depend on."""
    def said(command):
        result = subprocess.run(command, cwd=TOP, capture_output=True,
                                text=True, check=False)
        return (result.stdout.splitlines() or ["unknown"])[0]
    return {"tree": said(["git", "describe", "--always", "--dirty"]),
            "compiler": said([need("clang-19", "clang-19"), "--version"]),
            "emulator": linux_peer.emulator(arch)
            + " TCG, -icount shift=0,sleep=off, -smp 1"}


def parse(words):
    parser = argparse.ArgumentParser(prog="kochab bench", add_help=False)
    parser.add_argument("--arch", default="x86_64")
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    parser.add_argument("--plot")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--recorded", action="store_true")
    parser.add_argument("--book", action="store_true")
    parser.add_argument("--trace")
    chosen = parser.parse_args(words)
    chosen.arches = list(ARCHES) if chosen.arch == "all" \
        else [arch_of(chosen.arch)]
    if chosen.record and (chosen.arches != list(ARCHES) or chosen.recorded):
        raise Failure("bench --record: a recorded run has all architectures: "
                      "`./kochab bench --arch all --record`", 2)
    if chosen.record and os.environ.get("KOCHAB_OUTPUT"):
        raise Failure("bench --record: a stand-in's figures are none", 2)
    if chosen.book and (chosen.arches != list(ARCHES) or not chosen.recorded):
        raise Failure("bench --book: of a recorded run: `./kochab bench --arch "
                      "all --recorded --book`", 2)
    if chosen.recorded and chosen.peers:
        raise Failure("bench --recorded measures nothing, so not with --peers",
                      2)
    return chosen


def run_of(chosen, rows, recorded):
    """A run as bench_history.py describes it: measured, or the last recorded
    one."""
    if chosen.recorded:
        return bench_history.last()
    run = None
    for arch in chosen.arches:
        if chosen.peers:
            measure_linux(arch, recorded)
        build.ensure(arch, "release")
        if run is None:
            run = bench_history.new(about_run(arch))
        bench_history.add(run, arch, *measure(arch, rows))
    return run


def trace_rows(chosen, rows):
    wanted = chosen.trace.split(",")
    able = [row["name"] for row in rows if row["source"] == "boot"]
    unknown = [name for name in wanted if name not in able]
    if unknown:
        raise Failure("bench --trace: not a row of the kernel's: %s; there are "
                      "%s" % (", ".join(unknown), ", ".join(able)), 2)
    for arch in chosen.arches:
        output = build.ensure(arch, "release")
        bench_trace.show(arch, os.path.join(output, "kernel.elf"), wanted)
    return 0


def missing_rows(targets, tables):
    """Rows without a figure that have a program to measure them."""
    able = {row["name"] for row in targets if row["source"] != "none"}
    return ["%s (%s)" % (row["name"], arch) for arch, rows in tables.items()
            for row in rows if row["value"] is None and row["name"] in able]


def bench_command(words):
    chosen = parse(words)
    targets, recorded = read("targets.json"), read("peers.json")
    os.makedirs(RESULTS, exist_ok=True)
    if chosen.trace:
        return trace_rows(chosen, targets["rows"])
    run = run_of(chosen, targets["rows"], recorded)
    what = {row["name"]: row["what"] for row in targets["rows"]}
    tables = {}
    for arch in chosen.arches:
        rows = tables[arch] = contract(arch, targets["rows"],
                                       bench_history.results(run, arch),
                                       recorded)
        last = os.path.join(RESULTS, "last-%s.json" % arch)
        print_table(arch, rows, what, previous_values(last), recorded)
        # A stand-in's are no figures, and recorded ones were the last once.
        if not os.environ.get("KOCHAB_OUTPUT") and not chosen.recorded:
            write_json(last, rows)
    missing = missing_rows(targets["rows"], tables)
    measured = not chosen.recorded and not os.environ.get("KOCHAB_OUTPUT")
    if measured and missing and chosen.record:
        raise Failure("bench --record: not measured: " + ", ".join(missing), 1)
    if chosen.json:
        write_json(chosen.json, sum(tables.values(), []))
    pages = [(chosen.markdown, chosen.plot)]
    if chosen.record:
        progress("bench: recorded in " + bench_history.append(run))
    if chosen.record or chosen.book:
        pages.append((bench_page.PAGE, bench_page.PLOT))
        for path in bench_page.chapters():
            with open(path, encoding="utf-8") as f:
                text = f.read()
            bench_page.write(path, bench_page.with_figures(text, tables, what))
    for page, plot in pages:
        if page:
            bench_page.write(page, bench_page.markdown(
                run, tables, what, recorded))
        if plot:
            bench_page.write(plot, bench_page.plot(tables))
    if measured and missing:
        progress("bench: rows that should have been measured were not: "
                 + ", ".join(missing))
        return 1
    return 0
