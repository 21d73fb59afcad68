# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab bench` with a stand-in for QEMU: the table, and the JSON that other
tools rely on."""

import json
import os
import subprocess

from kochab_tools import bench

FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "fake_qemu.py")
KEYS = {"name", "arch", "unit", "value", "target", "better", "peers",
        "reason"}


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
    context.equal(rows["yield-pair"]["value"], None)
    context.equal(rows["linux-pipe"]["value"], 100.0)
    context.check("no memory" in rows["linux-fork"]["reason"],
                  rows["linux-fork"]["reason"])
    context.check("reached" in result.stdout
                  and "not measured" in result.stdout, result.stdout)


def test_verdicts(context):
    def ratio(value, target, better="lower"):
        row = {"value": value, "target": target, "better": better}
        context.equal(bench.reached(row), value is not None
                      and (value <= target) == (better == "lower")
                      or value == target, "reached %r" % row)
        return bench.ratio(row)
    context.equal(ratio(100, 100), 1.0)
    context.equal(ratio(150, 100), 1.5)
    context.equal(ratio(150, 100, "higher"), 100 / 150)
    context.equal(ratio(50, 100, "higher"), 2.0)
    context.equal(ratio(None, 100), None)
