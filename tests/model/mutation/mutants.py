# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Small mistakes in kernel files, one at a time, each built into the host tests of
its file: a test that is worth its time fails. Prints killed/total and the line of
every mutant that no test noticed.

    python3 tests/model/mutation/mutants.py [--count N] [--seed S] [--file PATH]

A mutant is one change of one line: a condition negated, a comparison or logical
operator turned into its neighbour, one more or less left out, true for false, a
statement removed. What does not compile is no mutant. Some survivors are mutants
that mean the same, or that cost time and nothing else: the score has no 100 %.
Nothing in the tree is changed; make says how a file is compiled and linked."""

import argparse
import os
import random
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
CPU_SECONDS = 120  # of one test; a mutant that goes on for ever is noticed

CAP = ("unit/cap",)
DERIVATION = ("model/derivation", "3")
RENDEZVOUS = ("model/rendezvous", "4", "1")
SCHEDULER = ("model/scheduler", "3", "0", "30")
SHOOTDOWN = ("model/shootdown", "1")
# The tests of a file, the fastest first.
TESTS = {
    "kernel/object/cap.c": (CAP, DERIVATION, RENDEZVOUS),
    "kernel/object/slot.c": (CAP, DERIVATION, RENDEZVOUS),
    "kernel/object/pool.c": (("unit/pool",), CAP, DERIVATION, SHOOTDOWN,
                             RENDEZVOUS),
    "kernel/object/message.c": (RENDEZVOUS,),
    "kernel/sched/sched.c": (SCHEDULER, RENDEZVOUS),
    "kernel/object/thread.c": (SCHEDULER, RENDEZVOUS, SHOOTDOWN),
    "kernel/sched/cpu.c": (SHOOTDOWN, SCHEDULER, RENDEZVOUS),
}

OPERATORS = (
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "),
    (r" == ", " != "), (r" != ", " == "), (r" && ", " || "), (r" \|\| ", " && "),
    (r" \+ 1\b", ""), (r" - 1\b", ""), (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
)
STATEMENT = re.compile(r"\t+[a-z_*][\w>.\[\]*()-]*(\(.*\)|(\+\+|--)|"
                       r" [-+|&]?= .*);( //.*)?$")
# Assertions only notice; declarations do not compile without.
LEFT_ALONE = re.compile(r"\s*(//|\*|#|kassert|kdebug|klog|static_assert|return\b|"
                        r"case\b|poison)|BUG\(")
CONDITION = re.compile(r"(\t+(?:\} else )?(?:if|while) \()(.*)(\)(?: \{)?)$")


def balanced(text):
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            return False
    return not depth


def mutants_of(path):
    """[(line number, new line)]"""
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        lines = f.read().split("\n")
    found = []
    for number, line in enumerate(lines):
        if not line.startswith("\t") or "static const" in line:
            continue
        if re.match(r"\s*(//|\*|#|kassert|kdebug|klog|static_assert)", line):
            continue
        condition = CONDITION.match(line)
        if condition and balanced(condition[2]):
            found.append((number, "%s!(%s)%s" % condition.groups()))
        code = line.split(" //")[0]
        for pattern, new in OPERATORS:
            for hit in re.finditer(pattern, code):
                found.append((number, code[:hit.start()] + new +
                              code[hit.end():]))
        if STATEMENT.match(line) and balanced(line) and \
                not LEFT_ALONE.match(line):
            found.append((number, re.match(r"\t+", line)[0] + ";"))
    return found


def commands(path, test):
    """How make would compile path for the test, and link the test."""
    target = "build/host/" + test
    text = subprocess.run(["make", "-n", "-W", path, target], cwd=TOP,
                          check=True, capture_output=True).stdout.decode()
    rows = [shlex.split(row) for row in text.splitlines()
            if row.lstrip().startswith("clang")]
    compiles = [row for row in rows if "-c" in row and path in row]
    links = [row for row in rows if row[-2:] == ["-o", target]]
    if len(compiles) != 1 or len(links) != 1:
        raise SystemExit("%s is not compiled for %s" % (path, test))
    return compiles[0], links[0]


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))


class Mutants:
    def __init__(self, folder):
        self.folder = folder
        self.cached = {}

    def program(self, path, test, source):
        """The test with the file's mutant; None: it does not compile."""
        key = path, test
        if key not in self.cached:
            self.cached[key] = commands(path, test)
        compile_it, link = self.cached[key]
        made = os.path.join(self.folder, "mutant.o")
        program = os.path.join(self.folder, "program")
        new = list(compile_it)
        old = new[new.index("-o") + 1]
        new[new.index("-o") + 1] = made
        new[new.index(path)] = source
        new = [word for word in new if word not in ("-MMD", "-MP")] + ["-w"]
        if subprocess.run(new, cwd=TOP, capture_output=True).returncode:
            return None
        link = [made if word == old else word for word in link]
        link[link.index("-o") + 1] = program
        subprocess.run(link, cwd=TOP, check=True, capture_output=True)
        return program

    def try_one(self, path, number, new):
        """Name of the test that failed, "" if none did, None: no mutant."""
        source = os.path.join(self.folder, "mutant.c")
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            lines = f.read().split("\n")
        lines[number] = new
        with open(source, "w", encoding="utf-8") as f:
            f.write("\n".join(lines))
        environment = dict(os.environ, KOCHAB_NO_SEEDED_BUGS="1")
        for test, *arguments in TESTS[path]:
            program = self.program(path, test, source)
            if not program:
                return None
            ran = subprocess.run([program] + arguments, cwd=TOP,
                                 env=environment, preexec_fn=limit,
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            if ran.returncode:
                return test
        return ""


def run(count, seed, paths=None, say=print):
    """(killed, total, [survivor])"""
    chosen = paths or sorted(TESTS)
    subprocess.run(["make", "-j2"] + sorted(
        {"build/host/" + test[0] for path in chosen for test in TESTS[path]}),
        cwd=TOP, check=True, capture_output=True)
    # As many of each file, however long it is.
    order = random.Random(seed)
    queues = {path: mutants_of(path) for path in chosen}
    for queue in queues.values():
        order.shuffle(queue)
    folder = tempfile.mkdtemp(prefix="kochab-mutants-")
    machine = Mutants(folder)
    score = {path: [0, 0] for path in chosen}
    survivors = []
    total = 0
    try:
        while total < count and any(queues.values()):
            path = min((path for path in chosen if queues[path]),
                       key=lambda path: score[path][1])
            number, new = queues[path].pop()
            failed = machine.try_one(path, number, new)
            if failed is None:
                continue
            total += 1
            score[path][1] += 1
            score[path][0] += bool(failed)
            if not failed:
                survivors.append("%s:%d: %s" % (path, number + 1, new.strip()))
                say("survived " + survivors[-1])
    finally:
        shutil.rmtree(folder)
    for path in chosen:
        say("%3d of %3d  %s" % (*score[path], path))
    killed = total - len(survivors)
    say("mutants: %d of %d noticed, seed %d" % (killed, total, seed))
    return killed, total, survivors


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", action="append", choices=sorted(TESTS))
    chosen = parser.parse_args()
    run(chosen.count, chosen.seed, chosen.file,
        lambda text: print(text, flush=True))


if __name__ == "__main__":
    sys.exit(main())
