# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab test`: finds the tests, runs them two at a time, counts.

A test is a folder tests/<kind>/<name>/, see tests/README.md:
  - with test.py: every function test_*(context) in it is one case;
  - with an executable `run`: that is the case;
  - else a host program that `make` builds as build/host/<kind>/<name>.
Each case runs in a process of its own, in a process group of its own, so that
nothing of it survives: QEMU dies with the process that started it.
"""

import argparse
import ast
import json
import os
import random
import signal
import subprocess
import sys
import time

from . import build
from .common import ARCHES, BUILD, Failure, TESTED, TOP, arch_of, progress

KINDS = ("unit", "model", "kernel", "fuzz", "system")
TESTS = os.environ.get("KOCHAB_TESTS") or os.path.join(TOP, "tests")
HOST_TIMEOUT_S = {"quick": 900, "full": 3600}
SKIPPED_EXIT = 77
SYSTEM_KINDS = ("kernel", "system")
PYTHON_CASE = "import sys; sys.path.insert(0, %r); sys.dont_write_bytecode " \
    "= True; from kochab_tools.testcase import main; sys.exit(main())" \
    % os.path.join(TOP, "tools")


class Case:
    """One thing that passes or fails."""

    def __init__(self, kind, folder, function=None, traits=None):
        self.kind = kind
        self.folder = folder
        self.function = function
        run = os.path.join(self.path(), "run")
        self.script = run if not function and os.path.exists(run) else None
        traits = traits or {}
        self.tier = traits.get("tier", "quick")
        self.alone = bool(traits.get("alone"))
        self.timeout_s = traits.get("timeout_s", HOST_TIMEOUT_S[self.tier])
        self.traits = traits
        self.on_target = kind in SYSTEM_KINDS
        self.name = folder
        if function and function != "test_" + folder.replace("-", "_"):
            self.name += "/" + function[len("test_"):].replace("_", "-")

    def path(self):
        return os.path.join(TESTS, self.kind, self.folder)

    def command(self, full, seed):
        if self.function:
            return [sys.executable, "-c", PYTHON_CASE,
                    os.path.join(self.path(), "test.py"), self.function]
        if self.script:
            return [self.script]
        program = os.path.join(BUILD, "host", self.kind, self.folder)
        arguments = self.traits.get("full_args" if full else "args")
        if self.kind == "fuzz":
            corpus = os.path.join(TESTED, "fuzz-" + self.folder)
            os.makedirs(corpus, exist_ok=True)
            runs = self.traits.get("full_runs" if full else "runs",
                                   2000000 if full else 50000)
            seeds = os.path.join(self.path(), "corpus")
            arguments = ["-runs=%d" % runs, "-seed=%d" % seed,
                         "-print_final_stats=1", "-timeout=120",
                         "-artifact_prefix=%s/crash-" % corpus, corpus]
            arguments += [seeds] if os.path.isdir(seeds) else []
        return [program] + list(arguments or [])


def traits_of(function):
    """Keywords of a @traits(...) decorator, read without running the file."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and \
                getattr(decorator.func, "id", "") == "traits":
            return {word.arg: ast.literal_eval(word.value)
                    for word in decorator.keywords}
    return {}


def cases_of(kind, folder):
    path = os.path.join(TESTS, kind, folder)
    script = os.path.join(path, "test.py")
    if os.path.exists(script):
        with open(script, encoding="utf-8") as f:
            tree = ast.parse(f.read(), script)
        return [Case(kind, folder, node.name, traits_of(node))
                for node in tree.body if isinstance(node, ast.FunctionDef)
                and node.name.startswith("test_")]
    if any(name.endswith(".c") or name == "run" for name in os.listdir(path)):
        traits = {}
        if os.path.exists(path + "/test.json"):
            with open(path + "/test.json", encoding="utf-8") as f:
                traits = json.load(f)
        return [Case(kind, folder, None, traits)]
    return []


def discover():
    found = []
    for kind in KINDS:
        base = os.path.join(TESTS, kind)
        for folder in sorted(os.listdir(base)) if os.path.isdir(base) else ():
            if os.path.isdir(os.path.join(base, folder)):
                found += cases_of(kind, folder)
    return found


def select(cases, words, full):
    """Which of the cases the words mean; a name brings its long tier too."""
    if not words:
        return [case for case in cases if full or case.tier == "quick"]
    chosen = []
    for word in words:
        if word in KINDS:
            some = [case for case in cases if case.kind == word
                    and (full or case.tier == "quick")]
        else:
            some = [case for case in cases
                    if word in (case.folder, case.name,
                                case.kind + "/" + case.folder,
                                case.kind + "/" + case.name)]
            if not some:
                raise Failure(
                    "test %s: neither a kind (%s) nor a test; there are: %s"
                    % (word, " ".join(KINDS), " ".join(
                        sorted({case.folder for case in cases}))), 2)
        chosen += [case for case in some if case not in chosen]
    return chosen


def for_arches(cases, arches):
    """[(case, arch)]: what runs on the host once, as "host"; the rest on each
    architecture, unless its traits name others: those of one case behind each
    other, so that different ones run side by side."""
    return [(case, arch) for case in cases
            for arch in (arches if case.on_target else ("host",))
            if arch in case.traits.get("arches", (arch,))]


class Running:
    """A case whose process has been started."""

    def __init__(self, case, number, arch, full, seed):
        self.case = case
        self.arch = arch
        self.began = time.monotonic()
        # The outer time limit catches a hung test; verdicts rest on counts.
        self.deadline = self.began + case.timeout_s
        folder = os.path.join(TESTED, "log")
        os.makedirs(folder, exist_ok=True)
        self.output = os.path.join(folder, "%s-%s-%s" % (
            case.kind, case.name.replace("/", "-"), arch))
        environment = dict(
            os.environ, KOCHAB_NO_BUILD="1", LC_ALL="C.UTF-8", TZ="UTC0",
            KOCHAB_TEST_ARCH=arch if case.on_target else "x86_64",
            KOCHAB_TEST_FULL="1" if full or case.tier == "full" else "",
            KOCHAB_TEST_SEED=str(seed), KOCHAB_TEST_NAME="%s-%s-%d" % (
                case.kind, case.folder, number))
        with open(self.output, "wb") as out:
            try:
                self.process = subprocess.Popen(
                    case.command(full, seed), stdin=subprocess.DEVNULL,
                    stdout=out, stderr=out, env=environment,
                    cwd=TOP, start_new_session=True)
            except OSError as error:
                out.write(("%s\n" % error).encode())
                self.process = None

    def finished(self):
        """None while it runs; else passed, failed, skipped or timeout."""
        if self.process is None:
            return "failed"
        # Not reaped before its group is gone: the group's number stays taken.
        ended = os.waitid(os.P_PID, self.process.pid,
                          os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None and time.monotonic() < self.deadline:
            return None
        self.end()
        if ended is None:
            return "timeout"
        return {0: "passed", SKIPPED_EXIT: "skipped"}.get(
            self.process.returncode, "failed")

    def end(self):
        """Whatever is left of the case's process group goes."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self.process.wait()

    def text(self):
        with open(self.output, "rb") as f:
            return f.read().decode("utf-8", "replace")


class Report:
    """What is printed, counted and written as JSON."""

    def __init__(self, total):
        self.total = total
        self.rows = []

    def add(self, case, arch, outcome, seconds, text):
        self.rows.append({"kind": case.kind, "name": case.name, "arch": arch,
                          "outcome": outcome, "seconds": round(seconds, 2)})
        print("%-7s %3d/%d  %-6s %-7s %s  (%.1f s)" % (
            outcome, len(self.rows), self.total, case.kind, arch, case.name,
            seconds))
        lines = text.strip().splitlines()
        if outcome in ("failed", "timeout"):
            print("\n".join("    | " + line for line in lines[-40:]))
        elif outcome == "skipped":
            print("\n".join("    | " + line for line in lines[-1:]))
        else:
            print("".join("    | %s\n" % line[5:].strip() for line in lines
                          if line.startswith("NOTE ")), end="")
        sys.stdout.flush()

    def count(self, *outcomes):
        return sum(row["outcome"] in outcomes for row in self.rows)

    def finish(self, json_path):
        if json_path:
            with open(json_path, "w", encoding="utf-8") as f:
                json.dump(self.rows, f, indent=1)
                f.write("\n")
        failed = self.count("failed", "timeout")
        skipped = self.count("skipped")
        for row in self.rows:
            if row["outcome"] in ("failed", "timeout"):
                print("failed: %s %s %s" % (row["kind"], row["arch"],
                                            row["name"]))
        print("%d passed, %d failed%s" % (
            self.count("passed"), failed,
            ", %d skipped" % skipped if skipped else ""))
        return 1 if failed else 0


def build_system(cases, arch):
    """Why the system for an architecture did not build, or None."""
    try:
        if cases:
            build.ensure(arch, "release")
            if any(case.traits.get("build") == "debug" for case in cases):
                build.ensure(arch, "debug")
    except Failure as failure:
        progress(str(failure))
        return "the system does not build; see build/make.log"
    return None


def build_host(cases):
    """The host programs; one that does not build fails alone."""
    targets = ["build/host/%s/%s" % (case.kind, case.folder)
               for case in cases if not case.function and not case.script]
    try:
        if targets:
            build.make(["-k"] + targets, "host tests")
    except Failure as failure:
        progress(str(failure))
        for target in targets:  # an old program must not pass in its place
            result = subprocess.run(
                ["make", "-C", TOP, "-q", target],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                check=False)
            path = os.path.join(TOP, target)
            if result.returncode != 0 and os.path.exists(path):
                os.remove(path)


def run_all(cases, report, full, seed):
    """cases: [(case, arch)]."""
    limit = int(os.environ.get("KOCHAB_TEST_JOBS") or
                min(2, os.cpu_count() or 1))
    waiting = sorted(cases, key=lambda pair: pair[0].alone)
    total = len(waiting)
    running = []
    try:
        while waiting or running:
            while waiting and len(running) < limit and not (
                    running and (waiting[0][0].alone or
                                 running[0].case.alone)):
                case, arch = waiting.pop(0)
                running.append(Running(case, total - len(waiting), arch, full,
                                       seed))
            for item in list(running):
                outcome = item.finished()
                if outcome is not None:
                    running.remove(item)
                    report.add(item.case, item.arch, outcome,
                               time.monotonic() - item.began, item.text())
            time.sleep(0.02)
    finally:
        for item in running:
            if item.process is not None:
                item.end()


def on_end(number, _):
    raise KeyboardInterrupt(number)


def test_command(words):
    parser = argparse.ArgumentParser(prog="kochab test", add_help=False)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--arch", action="append")
    parser.add_argument("--json")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--list", action="store_true")
    chosen = parser.parse_args(words)
    arches = list(dict.fromkeys(
        arch for word in chosen.arch or ("all",)
        for arch in (ARCHES if word == "all" else (arch_of(word),))))
    cases = select(discover(), chosen.words, chosen.full)
    if chosen.list:
        for case in cases:
            print("%-6s %-5s %s" % (case.kind, case.tier, case.name))
        return 0
    pairs = for_arches(cases, arches)
    if not pairs:
        raise Failure("test: there is nothing to run", 2)
    signal.signal(signal.SIGTERM, on_end)
    signal.signal(signal.SIGHUP, on_end)
    os.umask(0o022)  # what tests expect of the files they make
    seed = chosen.seed if chosen.seed is not None else \
        random.SystemRandom().randrange(1, 1 << 31)
    print("kochab test: %d tests, %s, seed %d (--seed %d repeats it)"
          % (len(pairs), ", ".join(arches), seed, seed))
    sys.stdout.flush()
    report = Report(len(pairs))
    for arch in arches:
        mine = [case for case, its in pairs if its == arch]
        problem = build_system(mine, arch)
        if problem:
            for case in mine:
                report.add(case, arch, "failed", 0, problem)
            pairs = [pair for pair in pairs if pair[1] != arch]
    build_host(cases)
    began = time.monotonic()
    run_all(pairs, report, chosen.full, seed)
    print("%.0f s" % (time.monotonic() - began))
    return report.finish(chosen.json)
