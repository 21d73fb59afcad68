# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The Linux personality from inside: C programs linked with glibc, and a shell
script. Each program counts its checks and prints those that failed."""

import os

HERE = os.path.dirname(os.path.abspath(__file__))


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        return f.read()


def program_of(context, name, *flags):
    machine = read("machine-%s.h" % context.arch)
    return context.compile(
        name, read("check.h") + machine + read(name + ".c"), "-w", *flags)


def run(context, name, *flags):
    program = program_of(context, name, *flags)
    inside = "/tmp/" + name
    result = context.exec(inside, adds={program: inside})
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
    result = context.exec("sh", "/tmp/script", adds={script: "/tmp/script"})
    context.equal(result.status, 0, str(result))


BARE = """
static const char text[] = "moved", *volatile pointer = 0;
static long call(long number, long a, long b, long c)
{
        register long a7 __asm__("a7") = number, a0 __asm__("a0") = a;
        register long a1 __asm__("a1") = b, a2 __asm__("a2") = c;
        __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2)
                         : "memory");
        return a0;
}
void _start(void)
{
        pointer = text; /* far away from where it was linked: address 0 on */
        if ((unsigned long)pointer > 0x100000000)
                call(64, 1, (long)pointer, 5);
        call(93, 0, 0, 0);
}
"""


def test_static_pie(context):
    """Position-independent static programs go elsewhere and work."""
    if context.arch != "riscv64":
        run(context, "processes", "-static-pie", "-fPIE")
        return
    # Debian 12 has no start code for them: a program without a library.
    program = context.compile("bare", BARE, "-static-pie", "-fPIE",
                              "-nostdlib", "-mno-relax")
    result = context.exec("/tmp/bare", adds={program: "/tmp/bare"})
    context.equal((result.status, result.text), (0, "moved"), str(result))
