# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The test runner itself, on a folder of tests that pass, fail, hang, are
skipped, and leave processes behind."""

import json
import os
import subprocess
import time

SAMPLE = '''
import os, subprocess, sys, time
from kochab_tools.testcase import traits

def test_good(context):
    context.note("seven states")
    context.equal(1, 1)

def test_bad(context):
    context.equal(2, 3, "the number")

def test_absent(context):
    context.skip("no such machine here")

@traits(tier="full")
def test_long(context):
    context.check(context.full, "the long tier does not know that it is")

@traits(timeout_s=5)
def test_hangs(context):
    with open(os.environ["LEFTOVER"], "w") as f:
        f.write(str(subprocess.Popen(["sleep", "300"]).pid))
    time.sleep(300)
'''


def run(context, *words):
    context.write("tests/unit/sample/test.py", SAMPLE)
    context.write("tests/model/script/run", "#!/bin/sh\nexit 0\n", 0o755)
    result = subprocess.run(
        [os.path.join(context.top, "kochab"), "test", "--json",
         context.path("json")] + list(words),
        capture_output=True, text=True, check=False,
        env=dict(os.environ, KOCHAB_TESTS=context.path("tests"),
                 KOCHAB_TESTED=context.path("tested"),
                 LEFTOVER=context.path("leftover")))
    rows = []
    if os.path.exists(context.path("json")):
        with open(context.path("json"), encoding="utf-8") as f:
            rows = json.load(f)
    return result, {row["name"]: row for row in rows}


def test_counts_and_cleans_up(context):
    result, rows = run(context)
    context.equal(result.returncode, 1, "status")
    context.equal(result.stdout.splitlines()[-1],
                  "2 passed, 2 failed, 1 skipped")
    context.check("the number: got 2, wanted 3" in result.stdout,
                  result.stdout)
    context.check("seven states" in result.stdout, result.stdout)
    context.equal({name: row["outcome"] for name, row in rows.items()},
                  {"sample/good": "passed", "sample/bad": "failed",
                   "sample/absent": "skipped", "sample/hangs": "timeout",
                   "script": "passed"})
    context.equal(set(rows["script"]),
                  {"kind", "name", "arch", "outcome", "seconds"})
    with open(context.path("leftover"), encoding="utf-8") as f:
        pid = int(f.read())
    for _ in range(1000):
        try:
            with open("/proc/%d/stat" % pid, encoding="utf-8") as f:
                if f.read().rsplit(")")[-1].split()[0] == "Z":
                    return  # dead; whoever inherited it has not looked yet
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(0.05)
    raise AssertionError("a process of the hung test is still there")


def test_names_and_tiers(context):
    result, rows = run(context, "sample/long", "script")
    context.equal(result.stdout.splitlines()[-1], "2 passed, 0 failed")
    context.equal((result.returncode, set(rows)),
                  (0, {"sample/long", "script"}))
    context.equal(run(context, "model")[0].stdout.splitlines()[-1],
                  "1 passed, 0 failed")
    result, _ = run(context, "nosuch")
    context.equal(result.returncode, 2, "status")
    context.check("nosuch" in result.stderr, result.stderr)
