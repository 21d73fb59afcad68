# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab exec` on the real system: statuses, streams, files put in."""

import hashlib
import os
import random
import subprocess
import time


def test_sample_of_everything(context):
    text = context.sh_ok(
        "uname -a; ls -l /; echo $((6*7)) | sed s/4/x/; (exit 3); echo $?")
    lines = text.splitlines()
    context.check(context.arch in lines[0], lines[0])
    context.check(any(line.endswith(" bin") for line in lines), text)
    context.equal(lines[-2:], ["x2", "3"])


def test_statuses(context):
    for script, status in (("exit 0", 0), ("exit 7", 7), ("exit 255", 255),
                           ("kill -9 $$", 137), ("kill -TERM $$", 143)):
        context.equal(context.sh(script).status, status, script)


def test_missing_command(context):
    result = context.exec("/bin/no-such-command")
    context.equal(result.status, 127, str(result))
    context.check("no-such-command" in result.error, result.error)
    context.equal(context.exec("no-such-command").status, 127)


def test_file_that_is_no_program(context):
    data = context.write("data", b"\x01\x02 not a program", 0o755)
    context.equal(context.exec("/tmp/data", adds={data: "/tmp/data"}).status,
                  126)
    plain = context.write("plain", b"#!/bin/sh\nexit 0\n", 0o644)
    context.equal(context.exec("/tmp/p", adds={plain: "/tmp/p"}).status, 126)


def test_streams_are_apart_and_byte_clean(context):
    data = bytes(range(256)) * 64
    path = context.write("data", data)
    result = context.sh("cat /tmp/data; cat /tmp/data >&2",
                        adds={path: "/tmp/data"})
    context.equal(result.status, 0, str(result))
    context.check(result.out == data, "stdout differs")
    context.check(result.err == data, "stderr differs")


def test_stdin(context):
    # a serial port carries it: little in the quick tier
    size = 1 << 20 if context.full else 1 << 16
    data = random.Random(context.seed).randbytes(size)
    result = context.sh("sha256sum; echo end >&2", stdin=data)
    context.equal(result.status, 0, str(result))
    context.equal(result.text.split()[0], hashlib.sha256(data).hexdigest())
    context.equal(context.exec("cat", stdin=b"").out, b"")
    context.equal(context.exec("cat", stdin=data[:9999]).out, data[:9999])


def test_arguments_and_environment(context):
    words = ["a b", "", "*", "$HOME", "ü", "new\nline"]
    result = context.exec("sh", "-c", 'for w; do printf "<%s>" "$w"; done',
                          "sh", *words)
    context.equal(result.text, "".join("<%s>" % word for word in words))
    text = context.sh_ok("echo $HOME; echo $PATH; pwd")
    context.check(text.startswith("/root\n"), text)
    context.check(":/bin" in text, text)


def test_added_files(context):
    context.write("tree/run", b"#!/bin/sh\necho ran $1\n", 0o755)
    context.write("tree/sub/data", b"data\n", 0o640)
    os.symlink("sub/data", context.path("tree/link"))
    text = context.sh_ok(
        "/opt/t/run ok; cat /opt/t/link; readlink /opt/t/link; "
        "[ -x /opt/t/sub/data ] || echo plain; "
        "echo more >>/opt/t/sub/data; wc -l </opt/t/link",
        adds={context.path("tree"): "/opt/t"})
    context.equal(text.split(), ["ran", "ok", "data", "sub/data", "plain",
                                 "2"])


def test_program_never_seen_before(context):
    program = context.compile("prog", """
        #include <stdio.h>
        #include <string.h>
        int main(int argc, char **argv)
        {
                char line[64];
                double half = 0.5;
                if (!fgets(line, sizeof line, stdin)) return 9;
                line[strcspn(line, "\\n")] = 0;
                printf("%s %s %.2f\\n", argv[argc - 1], line, half * 5);
                fputs("quiet\\n", stderr);
                return 5;
        }""")
    result = context.exec("/tmp/prog", "last", stdin=b"typed\n",
                          adds={program: "/tmp/prog"})
    context.equal((result.status, result.text, result.error),
                  (5, "last typed 2.50\n", "quiet\n"))


def test_missing_calls_are_counted(context):
    program = context.compile("calls", """
        #include <errno.h>
        #include <stdio.h>
        #include <unistd.h>
        #include <sys/syscall.h>
        int main(void)
        {
                for (int i = 0; i < 3; i++)
                        if (syscall(333) != -1 || errno != ENOSYS) return 1;
                return 0;
        }""")
    result = context.exec("/tmp/calls", adds={program: "/tmp/calls"},
                          calls=True)
    context.equal(result.status, 0, str(result))
    context.check("333" in result.error, result.error)


def test_timeout_ends_the_machine(context):
    result = context.sh("while :; do :; done", timeout=6)
    context.equal(result.status, 124, str(result))


def test_interrupt_leaves_nothing(context):
    process = subprocess.Popen(
        [os.path.join(context.top, "kochab"), "exec", "--arch", context.arch,
         "--", "sh", "-c", "echo up; sleep 1000"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    line = process.stdout.readline()
    if line != b"up\n":
        process.kill()
        raise AssertionError("%r\n%s" % (line, process.stderr.read()))
    process.send_signal(2)
    context.equal(process.wait(timeout=300), 130)
    time.sleep(0.2)
    left = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True,
                          text=True, check=False).stdout
    context.check("run/%d-" % process.pid not in left, left)


CLOCK = """
#include <stdio.h>
#include <time.h>
int main(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        printf("%ld.%09ld\\n", (long)now.tv_sec, now.tv_nsec);
        return 0;
}
"""


DATE_S = 2e-6  # what reckoning with another date may take


def test_icount_is_deterministic(context):
    """Nothing comes from outside: standard input is closed, so the host has not
    even its end to tell at a moment of its own. Only the date is another."""
    program = context.compile("clock", CLOCK)
    words = [os.path.join(context.top, "kochab"), "exec", "--arch",
             context.arch, "--icount", "--smp", "1", "--add",
             program + ":/tmp/clock", "--", "sh", "-c",
             "for i in 1 2 3; do echo $i; done; /tmp/clock"]
    runs = [subprocess.run(words, capture_output=True, check=False,
                           preexec_fn=lambda: os.close(0)) for _ in range(2)]
    for run in runs:
        context.equal(run.returncode, 0, run.stderr)
    (*said, clock), (*again, later) = (run.stdout.split() for run in runs)
    context.equal(said, again, "the second run")
    context.check(abs(float(clock) - float(later)) <= DATE_S,
                  "%s, then %s" % (clock, later))
