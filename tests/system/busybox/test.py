# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""busybox's own suite, from Debian's source package, run inside by Debian's own
busybox. linux.txt holds what passes on Debian's kernel in the same emulator;
known.txt every case of those that does not pass here, with its reason."""

import os
import sys

from kochab_tools import ports
from kochab_tools.testcase import traits

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import cases  # noqa: E402

PASS_LEAST = 689
QUICK = ("echo", "cat", "wc", "head", "cut", "test", "expr", "true", "false",
         "basename", "dirname", "mkdir", "rmdir", "mv", "ln", "touch", "tr",
         "uniq", "seq", "tail")


def rows(name):
    path = os.path.join(HERE, name)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        return [line.rstrip("\n").split("\t", 1) for line in f
                if line.strip() and not line.startswith("#")]


def run(context, applets, timeout):
    suite = ports.port("busybox-suite")
    result = context.exec(
        "/suite/suite.sh", "/suite", *applets, timeout=timeout, mem="1G",
        adds={os.path.join(suite, "testsuite"): "/suite/testsuite",
              os.path.join(suite, ".config"): "/suite/.config",
              os.path.join(HERE, "suite.sh"): "/suite/suite.sh",
              os.path.join(ports.port("busybox"), "busybox"):
              "/suite/busybox"})
    context.check("SUITE-END" in result.text, str(result))
    return cases.parse(result.text)


def judge(context, found, least):
    linux = {name for outcome, name in rows("linux.txt") if outcome == "PASS"}
    known = {name: reason for reason, name in rows("known.txt")}
    passed = {name for name, outcome in found.items() if outcome == "PASS"}
    print("\n".join("%s %s" % (outcome, name)
                    for name, outcome in sorted(found.items())
                    if outcome != "PASS"))
    context.note(cases.count(found))
    applets = {name.split(":")[0] for name in found}
    lost = sorted(name for name in linux - passed
                  if name.split(":")[0] in applets and name not in known)
    context.equal(lost, [], "pass on Linux, fail here, and are not listed")
    gone = sorted(name for name in known if name in passed)
    context.equal(gone, [], "listed as failing, but pass")
    good = len(passed & linux)
    context.check(good >= least, "%d pass of those that pass on Linux, %d "
                  "are asked for" % (good, least))


def test_applets(context):
    """A few applets in the quick tier."""
    judge(context, run(context, QUICK, 800), 160)


@traits(tier="full", timeout_s=5400, alone=True)
def test_whole_suite(context):
    judge(context, run(context, (), 5300), PASS_LEAST)
