# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Many processes, and what is free afterwards."""

import re

from kochab_tools.testcase import traits

FORKS = """
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
        int alive = atoi(argv[1]), status, ended = 0, go[2];
        char byte;
        if (pipe(go)) return 1;
        for (int i = 0; i < alive; i++) {
                pid_t child = fork();
                if (child < 0) { perror("fork"); return 2; }
                if (child == 0) {
                        close(go[1]);
                        _exit(read(go[0], &byte, 1) == 0 ? 7 : 8);
                }
        }
        printf("%d alive\\n", alive);
        close(go[1]);
        while (wait(&status) > 0)
                ended += WIFEXITED(status) && WEXITSTATUS(status) == 7;
        printf("%d ended\\n", ended);
        return ended != alive;
}
"""


# Nobody but the shell runs while it rests, so that what has ended lets go of what it
# had before the next look. Two rounds come first: page tables and the like stay as
# large as they once had to be.
SCRIPT = """
mkfifo /tmp/rest
look()
{
        read -t 1 nothing <>/tmp/rest
        /bin/svc mem
        read -t 1 nothing <>/tmp/rest
}
churn()
{
        %s
}
warm()
{
        %s
}
warm && warm || exit 1
for round in 1 2 3; do warm || exit 1; look; done
for round in $(seq %d); do churn || exit 1; look; done
for round in 1 2; do warm || exit 1; look; done
exit 0
"""


# Kernel objects lie in pieces of pages: where the pieces of those that stay come to
# lie may differ by so many pages. It does not grow with the number of processes.
PIECES = 2


def same(context, text):
    """Free frames are what they were: the best of the last three looks is compared
    with the middle one of the first three. What is lost with each process would
    be hundreds of pages."""
    frames = [int(n) for n in re.findall(r"free frames (\d+)", text)]
    context.check(len(frames) >= 6 and
                  max(frames[-3:]) + PIECES >= sorted(frames[:3])[1],
                  "free frames: %s" % frames)
    context.note("free frames: %s" % frames)


def churn(context, rounds, warm, command, timeout, adds=None):
    script = context.write("script", SCRIPT % (command, warm, rounds))
    result = context.exec("sh", "/tmp/script", timeout=timeout,
                          adds=dict(adds or {}, **{script: "/tmp/script"}))
    context.equal(result.status, 0, str(result))
    same(context, result.text)
    return result.text


def processes(context, rounds, alive, timeout):
    program = context.compile("forks", FORKS)
    text = churn(context, rounds, "churn", "/tmp/forks %d" % alive, timeout,
                 {program: "/tmp/forks"})
    context.equal(text.count("%d ended" % alive), rounds + 7, text)


def test_100_processes_at_once(context):
    processes(context, 3, 100, 800)


@traits(timeout_s=1800)
def test_1000_processes_at_once(context):
    processes(context, 1, 1000, 1700)


LOOP = "i=0; while [ $i -lt %d ]; do /bin/true || return 1; i=$((i+1)); done"


def test_fork_and_exec(context):
    churn(context, 1, LOOP % 30, LOOP % 300, 800)


@traits(tier="full", timeout_s=3600)
def test_10000_fork_and_exec(context):
    churn(context, 1, LOOP % 100, LOOP % 10000, 3000)
