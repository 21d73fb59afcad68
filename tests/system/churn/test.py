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


LOOKS = 40


def settle(guest):
    """Free frames once three looks in a row agree."""
    seen = []
    for _ in range(LOOKS):
        seen.append(free_frames(guest))
        if seen[-3:] == [seen[-1]] * 3:
            break
        guest.line_ok("sleep 0.3")
    return seen[-1]


def same(context, guest, before):
    """Free frames become exactly what they were. The program that asks needs
    some itself, and where the kernel puts its few objects differs by a page from
    time to time: so it may look several times."""
    seen = []
    while len(seen) < LOOKS and before not in seen:
        guest.line_ok("sleep 0.3")
        seen.append(free_frames(guest))
    context.check(before in seen, "free frames: %d before, then %s"
                  % (before, " ".join(map(str, seen))))


def churn(context, rounds, alive):
    program = context.compile("forks", FORKS)
    guest = context.boot(adds={program: "/tmp/forks"})
    guest.line_ok("/tmp/forks 20")
    for _ in range(4):  # page tables stay as large as they were needed
        guest.line_ok("/tmp/forks %d" % alive, 600)
    before = settle(guest)
    for _ in range(rounds):
        text = guest.line_ok("/tmp/forks %d" % alive, 600)
        context.check("%d ended" % alive in text, text)
        same(context, guest, before)


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
    same(context, guest, before)


@traits(tier="full", timeout_s=3600)
def test_10000_fork_and_exec(context):
    guest = context.boot()
    loop = "i=0; while [ $i -lt %d ]; do /bin/true || break; i=$((i+1)); " \
        "done; echo $i"
    guest.line_ok(loop % 100)
    before = settle(guest)
    context.equal(guest.line_ok(loop % 10000, 3000).strip(), "10000")
    same(context, guest, before)
