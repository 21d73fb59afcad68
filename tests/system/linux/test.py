# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The Linux personality from inside: C programs linked with glibc, and a shell
script. Each program counts its checks and prints those that failed."""

import os

HERE = os.path.dirname(os.path.abspath(__file__))


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        return f.read()


def run(context, name, *flags):
    program = context.compile(name, read("check.h") + read(name + ".c"),
                              "-w", *flags)
    inside = "/tmp/" + name
    result = context.exec(inside, adds={program: inside}, timeout=120)
    context.equal(result.status, 0, str(result))
    context.check(" 0 failed" in result.text, result.text)


def test_processes(context):
    run(context, "processes")


def test_signals(context):
    run(context, "signals")


def test_memory(context):
    run(context, "memory")


def test_threads(context):
    run(context, "threads", "-pthread")


def test_files(context):
    run(context, "files")


def test_sockets(context):
    run(context, "sockets")


def test_script(context):
    script = context.write("script", read("script.sh"))
    result = context.exec("sh", "/tmp/script", adds={script: "/tmp/script"},
                          timeout=120)
    context.equal(result.status, 0, str(result))


def test_static_pie(context):
    """Position-independent static programs go elsewhere and work."""
    run(context, "processes", "-static-pie", "-fPIE")
