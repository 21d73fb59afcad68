# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Tokens: capabilities as 40 bytes, between two components (services/token-test)
in the place of the Linux container: exported, imported, forged bit by bit, expired,
replayed, revoked, with the token service killed in between. All of it twice: what
was free before the second time is free after it."""

import os
import re
import time

from kochab_tools.guest import machine_words
from kochab_tools.machine import Machine
from kochab_tools.options import parse_machine
from kochab_tools.testcase import traits

PAIR = """
component token-owner
	binary token-test
	domain services
	layer 20
	memory 2M
	heap 256K
	slots 1024
	arguments owner
	use tokens
	use log

component token-user
	binary token-test
	domain drivers
	layer 60
	memory 4M
	slots 1024
	restart never
	heartbeat off
	arguments %s
	channel mail to token-owner:mail data 16K
	use tokens
	use engine admin
	use log
"""


def manifest(context, arguments):
    texts = []
    for name in ("systems/base.sys", "services/tokens/tokens.sys"):
        with open(os.path.join(context.top, name), encoding="ascii") as f:
            texts.append(f.read())
    base = texts[0][:texts[0].index("component linux")]
    return context.write("system.sys", base + texts[1] + PAIR % arguments)


def run(context, arguments, timeout_s=800, **options):
    """The log of a machine that runs until the user has turned it off."""
    parsed, _ = parse_machine(machine_words(context.arch, options), "exec")
    parsed.adds.append((manifest(context, arguments), "kochab/system.sys"))
    machine = Machine(parsed, "test")
    deadline = time.monotonic() + timeout_s
    try:
        machine.start()
        while machine.process.poll() is None and time.monotonic() < deadline:
            try:
                machine.com1.recv(65536)  # nobody reads the console
            except OSError:
                pass
            machine.wait_end(0.1)
    finally:
        machine.stop()
    verdict, log = machine.verdict(), machine.log_text()
    tail = "\n".join(log.splitlines()[-40:])
    context.check(verdict.kind == "off", "%s %s\n%s" % (
        verdict.kind, verdict.text, tail))
    failures = re.findall(r"token-user: (FAIL .*)", log)
    context.check(not failures, "\n".join(failures))
    context.check(re.search(r"token-user: DONE (\d+) passed, 0 failed", log),
                  "no result\n" + tail)
    return log


def tested(context, log):
    passed = re.findall(r"token-user: PASS (\S+)", log)
    for name in ("forged-each-bit", "expired", "replayed", "revoked-token",
                 "store-103rd", "ring-wrong-rights", "ring-messages",
                 "killed-token", "killed-busy", "frames"):
        context.check(name in passed, name + " was not tried")
    context.check("tokens: instance 2, " in log, "the service was not killed")
    context.check("tokens are lost" not in log and "was damaged" not in log,
                  "the stash was damaged")
    context.note("%d checks; %s" % (len(passed), " ".join(re.findall(
        r"PASS killed-busy (.*)", log))))


@traits(timeout_s=900)
def test_export_import(context):
    tested(context, run(context, "kills=3"))


@traits(timeout_s=900)
def test_two_processors(context):
    tested(context, run(context, "kills=10", smp=2))


@traits(timeout_s=900)
def test_cost(context):
    """Instructions of one call, messages included; nobody else runs."""
    log = run(context, "cost", icount=True)
    costs = dict(re.findall(r"token-user: COST (\S+) (\d+)", log))
    context.equal(sorted(costs), ["call", "export", "import", "import-forged",
                                  "revoke"], "what was measured")
    context.note("instructions: " + ", ".join(
        "%s %s" % (name, cost) for name, cost in sorted(costs.items())))
    verify = int(costs["import-forged"]) - int(costs["call"])
    context.check(0 < verify < 50000, "a check takes %d instructions" % verify)


def listed(guest, name):
    """(state, restarts) of a component."""
    for line in guest.line_ok("svc list").splitlines():
        words = line.split()
        if words and words[0] == name:
            return words[1], int(words[3])
    raise AssertionError("%s is not in the list" % name)


def wait_for(guest, what, condition):
    for _ in range(1000):
        if condition():
            return
        guest.line_ok("sleep 0.1")
    raise AssertionError(what + "\n" + guest.describe())


def test_example(context):
    """examples/hello-token: the service and the sender die and no number is
    missing; the receiver dies and there is a new ring."""
    texts = []
    for name in ("systems/base.sys", "services/tokens/tokens.sys",
                 "examples/hello-token/token.sys"):
        with open(os.path.join(context.top, name), encoding="ascii") as f:
            texts.append(f.read())
    guest = context.boot(manifest=context.write("system.sys", "".join(texts)))

    def said():
        return [tuple(map(int, words)) for words in re.findall(
            r"received up to (\d+), (\d+) missing", guest.log_text())]

    wait_for(guest, "nothing was received", said)
    for name in ("tokens", "token-send", "tokens", "token-receive",
                 "token-send"):
        count = listed(guest, name)[1]
        guest.line_ok("svc kill " + name)
        wait_for(guest, name + ": not restarted",
                 lambda: listed(guest, name) == ("ready", count + 1))
        told = len(said())
        wait_for(guest, "silent after killing " + name,
                 lambda: len(said()) > told + 1)
    numbers = [number for number, _ in said()]
    again = numbers.index(1000, 1)
    context.equal(numbers, [1000 * (i + 1) for i in range(again)] +
                  [1000 * (i + 1) for i in range(len(numbers) - again)])
    context.equal({missing for _, missing in said()}, {0}, "numbers missing")
    joined = re.findall(r"token-send: joined, going on at (\d+)",
                        guest.log_text())
    context.check(len(joined) >= 4, "joined at %r" % joined)
    context.note("joined at %s" % " ".join(joined))
    context.equal(guest.poweroff(), "off")
