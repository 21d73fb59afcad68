# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The supervision from inside: sys-test in the place of the Linux container.

services/sys-test kills and hangs every component and the engine, tries rights
that its manifest does not list, and keeps 1,000 native processes alive at once;
free frames afterwards are what they were.
"""

import os
import re
import time

from kochab_tools.guest import machine_words
from kochab_tools.machine import Machine
from kochab_tools.options import parse_machine
from kochab_tools.testcase import traits

PARAGRAPH = """
component sys-test
	domain drivers
	layer 60
	memory 4M
	restart never
	heartbeat off
	use engine admin
	use log
	system system log
	archive archive
	arguments %s
"""


def manifest(context, arguments):
    with open(os.path.join(context.top, "systems/base.sys"),
              encoding="ascii") as f:
        text = f.read()
    text = text[:text.index("component linux")] + PARAGRAPH % arguments
    return context.write("system.sys", text)


def boot_with(context, system, timeout_s, **options):
    """The log of a machine that runs this system until it is off.

    --add refuses /kochab, rightly; here the manifest itself is the test, so it is
    put behind the boot archive by hand."""
    parsed, _ = parse_machine(machine_words(context.arch, options), "exec")
    parsed.adds.append((system, "kochab/system.sys"))
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
    if verdict.kind != "off":
        raise AssertionError("%s %s\n%s" % (
            verdict.kind, verdict.text, "\n".join(log.splitlines()[-40:])))
    return log


def run(context, arguments, disks=1, timeout_s=800, **options):
    images = [context.fat_image("disk%d" % i, 8) for i in range(disks)]
    log = boot_with(context, manifest(context, arguments), timeout_s,
                    disks=images, **options)
    failures = re.findall(r"sys-test: (FAIL .*)", log)
    context.check(not failures, "\n".join(failures))
    done = re.search(r"sys-test: DONE (\d+) passed, 0 failed", log)
    context.check(done, "no result\n" + "\n".join(log.splitlines()[-30:]))
    return log


def recoveries(context, log):
    times = sorted(int(us) for us in re.findall(
        r"RESTART \S+ \S+ \d+ (\d+) us", log))
    context.check(times, "no restart in the log")
    context.note("%d restarts: median %.1f ms, 99 of 100 within %.1f ms, "
                 "longest %.1f ms" % (
                     len(times), times[len(times) // 2] / 1e3,
                     times[len(times) * 99 // 100] / 1e3, times[-1] / 1e3))


def test_denied_rights(context):
    log = run(context, "denied", disks=0)
    context.check(log.count("PASS denied-") >= 13, "too few were tried")


def test_every_component_killed_under_load(context):
    recoveries(context, run(context, "kill=10 hang=1 engine=10 load=3"))


@traits(tier="full", timeout_s=1800, alone=True)
def test_every_component_killed_100_times(context):
    recoveries(context, run(context, "kill=100 hang=5 engine=100 load=4",
                            timeout_s=1500))


def test_a_thousand_native_processes(context):
    run(context, "spawn=1000", disks=0)


def test_bad_manifest_names_the_line(context):
    text = "component log\n\tserve log\n\tlayer one\n"
    log = boot_with(context, context.write("system.sys", text), 800)
    context.check("line 3: 'one' is not a number" in log, log[-2000:])
