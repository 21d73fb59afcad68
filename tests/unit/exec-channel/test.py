# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab exec` against a stand-in for QEMU: streams, credit, statuses, the
overlay archive, and every way in which the guest's half may go wrong."""

import os
import signal
import subprocess
import time

WAIT_S = 120  # a safety net
FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "fake_qemu.py")


def start(context, *words, **more):
    """`kochab exec` with the fake; a Popen."""
    output = context.path("output")
    if not os.path.exists(output):
        os.makedirs(output)
        context.write("output/kernel.elf", b"")
        # As tar writes it: one member and an end of zeroes.
        context.write("output/etc/motd", b"hello")
        context.host("tar", "-C", output, "-cf", output + "/boot.tar", "etc")
    environment = dict(os.environ, KOCHAB_QEMU=FAKE, KOCHAB_OUTPUT=output,
                       TERM="xterm-256color",
                       FAKE_QEMU_PID=context.path("pid"))
    return subprocess.Popen(
        [os.path.join(context.top, "kochab"), "exec"] + list(words),
        stdin=more.get("stdin", subprocess.PIPE), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=environment)


def play(context, *words, data=b""):
    process = start(context, *words)
    out, err = process.communicate(data, timeout=WAIT_S)
    no_qemu_left(process)
    return process.returncode, out, err.decode("utf-8", "replace")


def machines_of(parent):
    """The stand-ins that a `kochab exec` has started and that still run: its
    run folder is on their command lines. The dead have none."""
    mark = b"/%d-" % parent.pid
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % name, "rb") as f:
                line = f.read()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if mark in line and os.fsencode(FAKE) in line:
            found.append(int(name))
    return found


def no_qemu_left(parent):
    for _ in range(WAIT_S * 20):
        if not machines_of(parent):
            return
        time.sleep(0.05)
    raise AssertionError("QEMU outlived its parent: %r" % machines_of(parent))


def test_streams_are_apart_and_byte_clean(context):
    status, out, err = play(context, "--", "streams")
    context.equal(status, 3, "status")
    context.equal(out, bytes(range(256)), "stdout")
    context.equal(err, "to stderr\n\0\ufffd", "stderr")


def test_frames_in_pieces(context):
    context.equal(play(context, "--", "slowly")[:2], (0, b"hello"))


def test_stdin_within_credit(context):
    data = os.urandom(300_000)
    status, out, err = play(context, "--", "cat", data=data)
    context.equal(status, 0, "status (%s)" % err)
    context.check(out == data, "stdin did not come back unchanged")


def test_empty_stdin(context):
    context.equal(play(context, "--", "cat")[:2], (0, b""))


def test_stdin_from_a_file(context):
    path = context.write("data", b"from a file\n" * 999)
    with open(path, "rb") as f:
        process = start(context, "--", "cat", stdin=f)
        out = process.communicate(timeout=WAIT_S)[0]
    context.equal((process.returncode, len(out)), (0, 12 * 999))


def test_no_credit_no_stdin(context):
    context.equal(play(context, "--", "no-stdin", data=b"x" * 999)[0], 0)


def test_much_output(context):
    status, out, _ = play(context, "--", "flood")
    context.equal((status, len(out)), (0, 200 * 0xffff))


def test_arguments_and_environment(context):
    status, out, _ = play(context, "arguments", "a b", "", "ü\n", "--x")
    lines = out.decode().splitlines()
    context.equal(status, 0, "status")
    context.equal(lines[0], repr(["a b", "", "ü\n", "--x"]))
    for line in ("HOME=/root", "TERM=xterm-256color",
                 "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"):
        context.check(line in lines, "no %s in %r" % (line, lines))


def test_kernel_command_line(context):
    image = context.write("disk", b"\0" * 512)
    out = play(context, "--calls", "--disk", image, "--disk",
               image + ",type=virtio", "--", "append")[1].decode()
    for word in ("mode=exec", "disks=2", "calls=1", "term=xterm-256color"):
        context.check(word in out.split(), "no %s in %r" % (word, out))


def test_overlay(context):
    context.write("tree/run", b"#!x", 0o755)
    context.write("tree/in/data", b"data")
    os.symlink("in/data", context.path("tree/link"))
    out = play(context, "--add", context.path("tree") + ":/opt/t", "--add",
               context.path("tree/run") + ":/tmp/run", "--", "members")[1]
    lines = out.decode().splitlines()
    for line in ("0 644 etc/motd  hello", "5 755 opt  ", "0 755 opt/t/run  "
                 "#!x", "2 777 opt/t/link in/data ", "0 644 opt/t/in/data  "
                 "data", "5 1777 tmp  ", "0 755 tmp/run  #!x"):
        context.check(line in lines, "no %r in\n%s" % (line, "\n".join(lines)))


def test_killed_by_a_signal(context):
    context.equal(play(context, "--", "signal")[0], 137)


def test_command_not_found(context):
    status, _, err = play(context, "--", "not-found")
    context.equal(status, 127)
    context.check("nosuch: not found" in err, err)


def test_command_not_started(context):
    status, _, err = play(context, "--", "not-started")
    context.equal(status, 125)
    context.check("out of memory while loading" in err, err)


def test_timeout(context):
    status, _, err = play(context, "--timeout", "1", "--", "hang")
    context.equal(status, 124)
    context.check("--timeout" in err, err)


def test_panic(context):
    status, _, err = play(context, "--", "panic")
    context.equal(status, 125)
    context.check("PANIC: invariant broken" in err, err)
    context.check("kernel: ready" not in err, "more than the panic: " + err)


def test_power_off_before_the_end(context):
    status, _, err = play(context, "--", "off")
    context.equal(status, 125)
    context.check("powered off" in err and "kernel: going down" in err, err)


def test_broken_protocol(context):
    for scene in ("unknown-frame", "short-frame"):
        status, _, err = play(context, "--", scene)
        context.equal(status, 125, scene)
        context.check("protocol" in err, err)


def test_qemu_fails(context):
    status, _, err = play(context, "--", "qemu-fails")
    context.equal(status, 125)
    context.check("qemu: could not do it" in err, err)


def interrupt(context, number):
    process = start(context, "--", "hang")
    for _ in range(WAIT_S * 20):
        if os.path.exists(context.path("pid")):
            break
        time.sleep(0.05)
    context.equal(len(machines_of(process)), 1, "machines before the signal")
    process.send_signal(number)
    process.communicate(timeout=WAIT_S)
    no_qemu_left(process)
    return process.returncode


def test_interrupt_ends_everything(context):
    context.equal(interrupt(context, signal.SIGINT), 130)
    os.remove(context.path("pid"))
    context.equal(interrupt(context, signal.SIGTERM), 143)


def test_killed_front_door_leaves_no_qemu(context):
    interrupt(context, signal.SIGKILL)


def test_reader_goes_away(context):
    process = start(context, "--", "flood")
    process.stdout.read(10)
    process.stdout.close()
    process.stdin.close()
    process.wait(timeout=WAIT_S)
    context.equal(process.returncode, 141)
    no_qemu_left(process)


def test_usage_errors_are_125(context):
    bad = (["--smp", "0"], ["--mem", "12Q"], ["--disk", "/nonexistent"],
           ["--add", "/nonexistent:/x"], ["--add", "/etc/hostname"],
           ["--timeout", "-1"], ["--arch", "vax"], ["--arch", "riscv32"],
           ["--nosuch"], ["--smp"], ["--accel", "magic"],
           ["--add", "/etc/hostname:/../x"], [])
    for words in bad:
        process = start(context, *words, *(["--", "off"] if words else []))
        err = process.communicate(timeout=WAIT_S)[1].decode()
        context.equal(process.returncode, 125, "%s: %s" % (words, err))
        context.check(err.startswith("kochab: ") and "Trace" not in err, err)
        context.check(not os.path.exists(context.path("pid")),
                      "%s started a machine" % words)


def test_report_bundles_the_panic(context):
    runs = context.path("runs")
    os.makedirs(runs)
    os.environ["KOCHAB_RUNS"] = runs
    play(context, "--", "panic")
    play(context, "--", "off")
    bundle = context.path("report.tar.gz")
    text = context.host(os.path.join(context.top, "kochab"), "report",
                        bundle).stdout.decode()
    context.check("PANIC: invariant broken" in text, text)
    context.host("tar", "-C", context.folder, "-xzf", bundle)
    for name, wanted in (("panic", "PANIC: invariant broken"),
                         ("log", "kernel: ready"), ("about", "Kochab"),
                         ("command", "-kernel")):
        with open(context.path("kochab-report/" + name),
                  encoding="utf-8") as f:
            content = f.read()
        context.check(wanted in content, name + ": " + content)


def test_report_without_a_run(context):
    os.environ["KOCHAB_RUNS"] = context.path("none")
    result = context.host(os.path.join(context.top, "kochab"), "report",
                          status=1)
    context.check(b"no run is recorded" in result.stderr, result.stderr)
