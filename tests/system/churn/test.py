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


def free_frames(guest):
    text = guest.line_ok("svc mem")
    match = re.search(r"free\D*(\d+)", text)
    if not match:
        raise AssertionError("svc mem says no free frames: " + text)
    return int(match[1])


# Frames that may be in use more or less than before: tables of the personality
# that fill up (its heap, its pools' pages of kernel objects), and the program that
# asks. It does not grow with the number of processes: see CAVEATS.md.
SLACK = 96


def same(context, now, before):
    context.check(abs(now - before) <= SLACK,
                  "free frames: %d before, %d now" % (before, now))


def settle(guest):
    """Free frames once two looks in a row agree."""
    last = -1
    for _ in range(20):
        now = free_frames(guest)
        if now == last:
            return now
        last = now
        guest.line_ok("sleep 0.3")
    return last


def churn(context, rounds, alive):
    program = context.compile("forks", FORKS)
    guest = context.boot(adds={program: "/tmp/forks"})
    guest.line_ok("/tmp/forks 20")
    for _ in range(4):  # the heap keeps what it needed at most, in pieces
        guest.line_ok("/tmp/forks %d" % alive, 600)
    before = settle(guest)
    for _ in range(rounds):
        text = guest.line_ok("/tmp/forks %d" % alive, 600)
        context.check("%d ended" % alive in text, text)
        same(context, settle(guest), before)


def test_100_processes_at_once(context):
    churn(context, 3, 100)


@traits(timeout_s=900)
def test_1000_processes_at_once(context):
    churn(context, 1, 1000)


def test_fork_and_exec(context):
    guest = context.boot()
    count = 1000 if context.full else 100
    loop = "i=0; while [ $i -lt %d ]; do /bin/true || break; i=$((i+1)); " \
        "done; echo $i"
    guest.line_ok(loop % 20)
    before = settle(guest)
    context.equal(guest.line_ok(loop % count, 900).strip(), str(count))
    same(context, settle(guest), before)


@traits(tier="full", timeout_s=3600)
def test_10000_fork_and_exec(context):
    guest = context.boot()
    loop = "i=0; while [ $i -lt %d ]; do /bin/true || break; i=$((i+1)); " \
        "done; echo $i"
    guest.line_ok(loop % 100)
    before = settle(guest)
    context.equal(guest.line_ok(loop % 10000, 3000).strip(), "10000")
    same(context, settle(guest), before)
