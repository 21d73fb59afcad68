# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""build/run/: old folders go, the living one stays, and commands that clean up at
the same moment do not trip over each other."""

import os
import subprocess
import sys

COMMANDS = 4
ROUNDS = 40
NOBODY = "99999999"  # above any process's number
# Every command waits for the round's start, so that all prune at once.
PRUNE = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from kochab_tools.machine import prune
for number in range(%d):
    open(os.path.join(sys.argv[2], "at-%%d-%%s" %% (number, sys.argv[3])), "w")
    until = time.monotonic() + 200
    while len([name for name in os.listdir(sys.argv[2])
               if name.startswith("at-%%d-" %% number)]) < %d:
        if time.monotonic() > until:
            sys.exit("another command has failed")
        time.sleep(0.0005)
    prune()
    for k in range(30):
        folder = os.path.join(os.environ["KOCHAB_RUNS"], "%%s-%%d" %% (
            sys.argv[4], 1000 * (1 + int(sys.argv[3])) + 30 * number + k))
        made = os.path.join(sys.argv[2], "made-" + sys.argv[3])
        os.mkdir(made)
        open(os.path.join(made, "initrd"), "w").close()
        os.rename(made, folder)
""" % (ROUNDS, COMMANDS)


def test_pruned_by_several_commands(context):
    runs, marks = context.path("runs"), context.path("marks")
    os.makedirs(marks)
    mine = os.path.join(runs, "%d-1" % os.getpid())
    os.makedirs(mine)
    context.write("runs/%d-1/initrd" % os.getpid(), "in use")
    commands = [subprocess.Popen(
        [sys.executable, "-c", PRUNE, os.path.join(context.top, "tools"),
         marks, str(number), NOBODY], stderr=subprocess.PIPE, text=True,
        env=dict(os.environ, KOCHAB_RUNS=runs)) for number in range(COMMANDS)]
    errors = [command.communicate(timeout=300)[1] for command in commands]
    context.equal([command.returncode for command in commands],
                  [0] * COMMANDS, "\n".join(errors))
    subprocess.run(
        [sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv[1]); "
         "from kochab_tools.machine import prune; prune()",
         os.path.join(context.top, "tools")], check=True,
        env=dict(os.environ, KOCHAB_RUNS=runs))
    left = os.listdir(runs)
    context.equal(len(left), 21, "folders left, the living one among them")
    context.check(os.path.exists(mine + "/initrd"), "the living one's image")
    context.check(not any(os.path.exists(os.path.join(runs, name, "initrd"))
                          for name in left if name.startswith(NOBODY + "-")),
                  "images of the dead")
