# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab bench` with a stand-in for QEMU: the table, and the JSON that other
tools rely on."""

import json
import os
import subprocess
import xml.etree.ElementTree

from kochab_tools import bench, bench_history, bench_page, bench_trace
from kochab_tools.common import ARCHES

FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "fake_qemu.py")
KEYS = {"name", "arch", "unit", "value", "target", "better", "peers",
        "reason", "latency"}


def test_table_and_json(context):
    context.write("output/kernel.elf", b"")
    context.write("output/boot.tar", b"")
    result = subprocess.run(
        [os.path.join(context.top, "kochab"), "bench", "--json",
         context.path("json")], capture_output=True, text=True, check=False,
        env=dict(os.environ, KOCHAB_QEMU=FAKE,
                 KOCHAB_OUTPUT=context.path("output")))
    context.equal(result.returncode, 0, result.stderr)
    with open(context.path("json"), encoding="utf-8") as f:
        rows = {row["name"]: row for row in json.load(f)}
    context.equal(len(rows), len(bench.read("targets.json")["rows"]))
    for row in rows.values():
        context.equal(set(row), KEYS, row["name"])
        context.equal(set(row["peers"]), {"sel4", "linux"}, row["name"])
        context.check((row["value"] is None) == bool(row["reason"]),
                      "%s: value %r, reason %r" % (
                          row["name"], row["value"], row["reason"]))
    context.equal(rows["call-reply-0"]["value"], 333.4)
    context.equal(rows["call-reply-0"]["peers"]["sel4"], 460)
    context.equal(rows["null-syscall"]["value"], None)
    context.check("ticks" in rows["null-syscall"]["reason"],
                  rows["null-syscall"]["reason"])
    context.equal(rows["call-reply-0"]["latency"], [330, 340, 900])
    context.equal(rows["null-syscall"]["latency"], None)
    context.equal(rows["yield-pair"]["value"], None)
    context.equal(rows["linux-pipe"]["value"], 100.0)
    context.check("no memory" in rows["linux-fork"]["reason"],
                  rows["linux-fork"]["reason"])
    context.check("reached" in result.stdout
                  and "not measured" in result.stdout, result.stdout)


def test_verdicts(context):
    def ratio(value, target, better="lower"):
        row = {"value": value, "target": target, "better": better}
        context.equal(bench_page.reached(row), value is not None
                      and (value <= target) == (better == "lower")
                      or value == target, "reached %r" % row)
        return bench_page.ratio(row)
    context.equal(ratio(100, 100), 1.0)
    context.equal(ratio(150, 100), 1.5)
    context.equal(ratio(150, 100, "higher"), 100 / 150)
    context.equal(ratio(50, 100, "higher"), 2.0)
    context.equal(ratio(None, 100), None)


def run_of(value):
    run = bench_history.new({"tree": "t", "compiler": "c", "emulator": "e"})
    for arch in ARCHES:
        bench_history.add(run, arch, {
            "a": (value, None, [1, 2, 3]), "b": (None, "why", None)},
                          {"mappings": {"a": [1, 2, 3, value]}})
    return run


def test_history(context):
    folder = context.path("history")
    context.equal(bench_history.names(folder), [])
    for value in range(11):
        bench_history.append(run_of(value), folder)
    context.write("history/readme.json", b"{}")
    context.equal(len(bench_history.names(folder)), 11)
    last = bench_history.last(folder)
    found = bench_history.results(last, "riscv64")
    context.equal((found["a"], found["b"]), ((10, None, [1, 2, 3]), (None, "why", None)))
    context.check(found["new"][0] is None and found["new"][1], found["new"])


def test_bounds(context):
    for figure, target, wanted in (
            (600, 1000, 630),     # 5 % more
            (980, 1000, 1000),    # the target was reached
            (1000, 1000, 1000),
            (1100, 1000, 1155),
            (1950, 1000, 2000),   # twice the target was
            (3000, 1000, 3150),
            (10, 30, 11)):        # one instruction in any case
        context.check(abs(bench_history.bound(figure, target) - wanted) < 1e-6,
                      "%d of %d: %r" % (figure, target, bench_history.bound(
                          figure, target)))


def test_page_and_picture(context):
    """What docs/ shows is what was recorded: not a figure by hand."""
    targets, recorded = bench.read("targets.json"), bench.read("peers.json")
    run = bench_history.last()
    tables = {arch: bench.contract(arch, targets["rows"],
                                   bench_history.results(run, arch), recorded)
              for arch in ARCHES}
    what = {row["name"]: row["what"] for row in targets["rows"]}
    pages = [(bench_page.PAGE, bench_page.markdown(run, tables, what,
                                                   recorded)),
             (bench_page.PLOT, bench_page.plot(tables))]
    for path in bench_page.chapters():
        with open(path, encoding="utf-8") as f:
            text = f.read()
        context.check("<!-- figures " in text, path + " shows no figures")
        pages.append((path, bench_page.with_figures(text, tables, what)))
    context.check(len(pages) >= 6, "%d pages" % len(pages))
    for path, text in pages:
        with open(path, encoding="utf-8") as f:
            context.check(f.read() == text, "%s is not what tests/bench says; "
                          "`./kochab bench --arch all --recorded --book` "
                          "writes it anew" % path)
    picture = xml.etree.ElementTree.fromstring(bench_page.plot(tables))
    bars = picture.findall("{http://www.w3.org/2000/svg}rect")
    context.check(len(bars) > len(ARCHES) * len(targets["rows"]) / 2,
                  "%d bars" % len(bars))
    for arch in ARCHES:
        linux = recorded["linux"][arch]
        context.check(linux["date"] and linux["kernel"], arch)
        for row in targets["rows"]:
            context.check(row["source"] != "program" or
                          linux["figures"][row["name"]] > 0,
                          "Linux on %s has no %s" % (arch, row["name"]))


def test_scaling(context):
    found = bench.scaling_of("x BENCH-SCALE mappings yield-pair 10 20 30 45\n"
                             "BENCH-SCALE mappings a 1 2 3 4\nBENCH b c 1\n")
    context.equal(found, {"mappings": {"yield-pair": [1.0, 2.0, 3.0, 4.5],
                                       "a": [0.1, 0.2, 0.3, 0.4]}})
    page = "\n".join(bench_page.scaling(found, {"yield-pair": "yields",
                                                "a": "one"}))
    context.check("| yields | 1 | 2 | 3 | 4.50 |" in page, page)


def test_rounds_of_a_trace(context):
    """The round that repeats is found, with one in ten disturbed, and not where
    there is none."""
    call, reply, timer = [1, 2, 3], [4, 5], [9]
    context.equal(bench_trace.period([call, reply] * 50), [call, reply])
    context.equal(bench_trace.period([call] * 30 + [timer] + [call] * 30),
                  [call])
    context.equal(bench_trace.period([[i] for i in range(100)]), [])


def test_words(context):
    """What cannot be done is refused before anything is measured."""
    for words in (["--record"], ["--arch", "aarch64", "--record"],
                  ["--arch", "all", "--record", "--recorded"],
                  ["--recorded", "--peers"], ["--arch", "vax"], ["--book"],
                  ["--recorded", "--book"], ["--trace", "nonsense"],
                  ["--trace", "linux-pipe"]):
        result = subprocess.run(
            [os.path.join(context.top, "kochab"), "bench"] + words,
            capture_output=True, text=True, check=False,
            env=dict(os.environ, KOCHAB_QEMU="/bin/false"))
        context.equal(result.returncode, 2, " ".join(words) + result.stderr)
