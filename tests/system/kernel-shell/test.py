# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The kernel shell of debug builds: what it lists is there, it answers with the
engine dead, and a release image has none of it."""

import os
import re

from kochab_tools.testcase import traits

QUESTIONS = {
    "help": r"(?m)^threads\t",
    "pools": r"(?m)^pool 0x\w+ of \S+: \d+ of \d+ pages, \d+ objects",
    "threads": r"(?m)^thread 0x\w+ pool 0x\w+ cpu \d receiving priority "
               r"\d+/\d+ layer 1 pc 0x4\w+ on ENDPOINT 0x\w+",
    "caps": r"(?m)^cnode 0x\w+ pool 0x\w+: \d+ of \d+ slots used",
    "maps": r"(?m)^  0x\w+-0x\w+ r-x- memory 0x\w+ \+ 0",
    "queues": r"(?s)cpu 0: runs .*cpu 1: runs .*servers wait\n  thread 0x",
    "locks": r"(?m)^\d+ locks held",
}


@traits(build="debug")
def test_lists(context):
    guest = context.boot(build="debug")
    for question, wanted in QUESTIONS.items():
        for _ in range(100):  # a component may just answer a heartbeat
            text = guest.kernel(question)
            if re.search(wanted, text):
                break
        context.check(re.search(wanted, text), "%s: %s" % (question, text))
    cnode = re.search(r"cnode (0x\w+) pool \w+: [1-9]", guest.kernel("caps"))
    text = guest.kernel("caps " + cnode[1])
    context.check(re.search(r"(?m)^  \d+: [A-Z]+ 0x\w+ rights 0x\w+ badge",
                            text), text)
    for bad in ("nonsense", "caps here", "x" * 70, ""):
        answer = guest.kernel(bad)
        context.check("slots used" not in answer, answer)
    context.equal(guest.line("echo alive"), (0, "alive\n"))


@traits(build="debug")
def test_answers_with_the_engine_dead(context):
    guest = context.boot(build="debug")
    # Its thread is stopped for the second until the vault finds out. On a busy
    # host that may be over before the question is asked.
    for count in range(1, 20):
        guest.send("svc hang engine\n")
        for _ in range(500):
            if guest.log_text().count("RESTART engine ") >= count:
                break
            text = guest.kernel("threads")
            if re.search(r"stopped.* \(stopped\) priority 60/60", text):
                return
        guest.line_ok("svc list")
    raise AssertionError(text)


def test_not_in_a_release(context):
    names = context.host("llvm-nm-19", os.path.join(
        context.output(), "kernel.elf")).stdout.decode()
    context.check("kernel_start" in names, "no names in kernel.elf")
    context.check("shell_start" not in names and "look_at_port" not in names,
                  "the kernel shell is in the release")
