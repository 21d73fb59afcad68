# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The examples of docs/book, as their pages use them: started, killed, hung,
restarted, and what they keep across a death."""

import os
import re


def boot_with(context, example, devices=()):
    """The base system with the example's paragraph behind it, as its script
    `run` puts it together."""
    text = ""
    for name in ("systems/base.sys", example):
        with open(os.path.join(context.top, name), encoding="ascii") as f:
            text += f.read()
    return context.boot(manifest=context.write("system.sys", text),
                        devices=list(devices))


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


def die_and_come_back(context, guest, name, pattern, follows):
    """Each death is followed by an instance that goes on counting."""
    def said():
        return [int(number) for number in re.findall(
            pattern, guest.log_text())]

    wait_for(guest, name + " says nothing", said)
    for verb in ("kill", "hang", "restart"):
        count = listed(guest, name)[1]
        guest.line_ok("svc %s %s" % (verb, name))
        wait_for(guest, "svc %s %s: not restarted" % (verb, name),
                 lambda: listed(guest, name) == ("ready", count + 1))
        told = said()
        wait_for(guest, "silent after " + verb,
                 lambda: len(said()) > len(told))
    told = said()
    for last, number in zip(told, told[1:]):
        context.check(follows(last, number), "%d after %d in %r"
                      % (number, last, told))
    context.note("said %r" % told)
    context.equal(guest.poweroff(), "off")


def test_hello_component(context):
    guest = boot_with(context, "examples/hello-component/hello.sys")
    die_and_come_back(context, guest, "hello", r"hello: hello number (\d+)\r?\n",
                      # one may die between counting and saying
                      lambda last, number: last < number <= last + 2)


def test_hello_driver(context):
    """With QEMU's `edu`: the next factorial, or the one that it died in."""
    guest = boot_with(context, "examples/hello-driver/edu.sys",
                      ["edu,dma_mask=0xffffffffff"])
    die_and_come_back(context, guest, "edu", r"edu: (\d+)! = ",
                      lambda last, number: number in (last, last % 12 + 1))


def test_hello_ring(context):
    """Numbers through a ring: whoever dies, none is missing."""
    guest = boot_with(context, "examples/hello-ring/ring.sys")

    def said():
        return [tuple(map(int, words)) for words in re.findall(
            r"received up to (\d+), (\d+) again, (\d+) missing",
            guest.log_text())]

    wait_for(guest, "nothing was received", said)
    for name in ("ring-send", "ring-receive", "ring-send", "ring-receive"):
        count = listed(guest, name)[1]
        guest.line_ok("svc kill " + name)
        wait_for(guest, name + ": not restarted",
                 lambda: listed(guest, name) == ("ready", count + 1))
        told = said()
        wait_for(guest, "silent after killing " + name,
                 lambda: len(said()) > len(told) + 1)
    told = said()
    context.equal([number for number, _, _ in told],
                  list(range(1000, 1000 * len(told) + 1, 1000)))
    context.equal(told[-1][2], 0, "numbers missing")
    context.note("%d numbers, %d came again" % told[-1][:2])
    context.equal(guest.poweroff(), "off")
