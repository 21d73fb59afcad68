# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The recorded runs of the benchmark, tests/bench/history/<date>-<number>.json,
and how much worse a row may be than the last of them.

A run is what one `./kochab bench` measured:
    {"date", "tree", "compiler", "emulator",
     "figures": {arch: {row: value}}, "missing": {arch: {row: reason}},
     "latency": {arch: {row: [p50, p99, max]}},
     "scaling": {arch: {things: {row: [at 10, 100, 1,000, 10,000 of them]}}}}

    new, add, append    make one, put an architecture's rows in, keep it
    last                the last one that is kept
    results             its rows as bench.measure returns them
    bound               what a row may take now (tests/system/bench-guard)
"""

import datetime
import json
import os
import re

from .common import Failure, TOP

FOLDER = os.path.join(TOP, "tests", "bench", "history")
NAME = re.compile(r"^\d{4}-\d\d-\d\d-\d\d\d\.json$")
WORSE = 1.05  # than the last recorded figure
ROUNDING = 1  # a figure of 40 may become 41 whatever 5 % of it is


def new(about):
    return dict(date=datetime.date.today().isoformat(), **about,
                figures={}, missing={}, latency={}, scaling={})


def add(run, arch, measured, scaling):
    """What bench.measure found: {name: (value, reason, latency)}, and the rest."""
    run["scaling"][arch] = scaling
    run["figures"][arch] = {name: value for name, (value, _, _)
                            in measured.items() if value is not None}
    run["missing"][arch] = {name: reason for name, (value, reason, _)
                            in measured.items() if value is None}
    run["latency"][arch] = {name: latency for name, (_, _, latency)
                            in measured.items() if latency}


def results(run, arch):
    """{name: (value, reason, latency)}, for any name."""
    class Row(dict):
        def __missing__(self, name):
            return (None, "not in the recorded run", None)
    latency = run["latency"].get(arch, {})
    found = Row((name, (value, None, latency.get(name)))
                for name, value in run["figures"].get(arch, {}).items())
    found.update((name, (None, reason, None))
                 for name, reason in run["missing"].get(arch, {}).items())
    return found


def names(folder=FOLDER):
    """The files of all runs, the last one last."""
    return sorted(name for name in os.listdir(folder) if NAME.match(name)) \
        if os.path.isdir(folder) else []


def last(folder=FOLDER):
    found = names(folder)
    if not found:
        raise Failure("no recorded run of the benchmark: `./kochab bench "
                      "--arch all --record` makes one")
    with open(os.path.join(folder, found[-1]), encoding="utf-8") as f:
        return json.load(f)


def on_lines(text):
    """JSON whose lists of numbers take one line each."""
    return re.sub(r"\[[\d\s,.]*\]", lambda found: re.sub(
        r"\s+", " ", found[0]).replace("[ ", "[").replace(" ]", "]"),
        text) + "\n"


def append(run, folder=FOLDER):
    """The new file's path; no recorded run is ever overwritten."""
    os.makedirs(folder, exist_ok=True)
    today = [name for name in names(folder) if name.startswith(run["date"])]
    number = int(today[-1][11:14]) + 1 if today else 1
    path = os.path.join(folder, "%s-%03d.json" % (run["date"], number))
    with open(path, "x", encoding="utf-8") as f:
        f.write(on_lines(json.dumps(run, indent="\t")))
    return os.path.relpath(path, TOP)


def bound(figure, target, steady=True):
    """What a row with this recorded figure may take at most: hardly more, and a
    target that was reached stays reached, as does twice the target. A row that is
    not steady is held to the target, or to twice of it, alone."""
    limit = max(figure * WORSE, figure + ROUNDING)
    if not steady:
        limit = max(limit, 2 * target)
    for line in (target, 2 * target):
        if figure <= line:
            return min(limit, line)
    return limit
