# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""Programs that are broken or mean no good: each gets its error or its end, and
the rest of the system goes on."""

import random


def put(context, name, content):
    return {context.write(name, content, 0o755): "/tmp/" + name}


def good_program(context):
    path = context.compile("good", "int main(void) { return 0; }")
    with open(path, "rb") as f:
        return f.read()


def test_damaged_elf(context):
    """Cut off, or with random bytes in its headers: an error or a signal."""
    whole = good_program(context)
    chance = random.Random(context.seed)
    adds = {}
    for number, length in enumerate((4, 52, 64, 200, 4096, len(whole) // 2)):
        adds.update(put(context, "cut%d" % number, whole[:length]))
    for number in range(40):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(0, 0x238)] = chance.randrange(256)
        adds.update(put(context, "bad%d" % number, bytes(data)))
    result = context.sh(
        "for p in /tmp/cut* /tmp/bad*; do timeout -s KILL 10 $p; "
        "echo $p $?; done 2>/dev/null; echo alive", adds=adds, timeout=300)
    context.check(result.status == 0 and "alive" in result.text, str(result))
    context.check("PANIC" not in result.log, str(result))
    for line in result.text.splitlines():
        if "/cut" in line:
            context.check(not line.endswith(" 0"), line + ": cut off, yet ran")


def test_faults(context):
    program = context.compile("fault", """
        #include <stdlib.h>
        int main(int argc, char **argv)
        {
                switch (atoi(argv[1])) {
                case 0: *(volatile int *)8 = 1; break;
                case 1: *(volatile int *)0xffffffff80000000 = 1; break;
                case 2: ((void (*)(void))argv)(); break;
                case 3: __asm__ volatile("ud2"); break;
                case 4: __asm__ volatile("hlt"); break;
                case 5: __asm__ volatile("int3"); break;
                case 6: { volatile int zero = 0; zero = 1 / zero; break; }
                case 7: __asm__ volatile("mov $0xdead, %eax; mov %rax, %cr3");
                        break;
                case 8: __asm__ volatile("mov $0x8000000000000000, %rax\\n"
                                         "mov (%rax), %rax"); break;
                case 9: main(argc, argv); break;
                }
                return argc > 5;
        }""", "-O0", "-Wno-infinite-recursion")
    text = context.sh_ok(
        "for n in 0 1 2 3 4 5 6 7 8; do /tmp/f $n; echo $?; done 2>/dev/null",
        adds={program: "/tmp/f"})
    context.equal(text.split(), ["139", "139", "139", "132", "139", "133",
                                 "136", "139", "139"])
    context.equal(context.sh("/tmp/f 9 2>/dev/null; echo $?",
                             adds={program: "/tmp/f"}).text, "139\n")


def test_loop_leaves_time_for_others(context):
    text = context.sh_ok("while :; do :; done & while :; do :; done & "
                         "while :; do :; done & sleep 1; echo alive; "
                         "kill %1 %2 %3; wait; echo done")
    context.equal(text.split(), ["alive", "done"])


def test_fork_without_end(context):
    program = context.compile("bomb", """
        #include <errno.h>
        #include <stdio.h>
        #include <unistd.h>
        #include <signal.h>
        int main(void)
        {
                signal(SIGTERM, SIG_IGN);
                if (setpgid(0, 0)) return 9;
                for (;;)
                        if (fork() < 0)
                                sleep(1);
        }""")
    text = context.sh_ok(
        "/tmp/bomb & sleep 5; echo still here; kill -9 -$!; sleep 1; "
        "echo and here", adds={program: "/tmp/bomb"}, timeout=240)
    context.equal(text.splitlines(), ["still here", "and here"])


def test_program_that_eats_all_memory(context):
    program = context.compile("eater", """
        #include <stdlib.h>
        #include <string.h>
        int main(void)
        {
                for (;;) {
                        char *volatile more = malloc(1 << 20);
                        if (!more) return 42;
                        memset(more, 1, 1 << 20);
                }
        }""")
    text = context.sh_ok("/tmp/eater 2>/dev/null; echo $?; echo others",
                         adds={program: "/tmp/eater"}, mem="256M",
                         timeout=240)
    lines = text.split()
    context.check(lines[0] in ("42", "137") and lines[1] == "others", text)


def test_random_system_calls(context):
    """A million calls with random numbers and arguments, from one seed."""
    program = context.compile("fuzz", """
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/wait.h>
        #include <unistd.h>
        static uint64_t state;
        static uint64_t next(void)
        {
                state ^= state << 13, state ^= state >> 7;
                return state ^= state << 17;
        }
        static uint64_t argument(char *page)
        {
                switch (next() % 6) {
                case 0: return next() % 16;
                case 1: return (uint64_t)page + next() % 64;
                case 2: return next();
                case 3: return (uint64_t)-(int64_t)(next() % 4096);
                case 4: return 0x7ffffffff000 + next() % 8192;
                default: return next() & 0xffffffff;
                }
        }
        int main(int argc, char **argv)
        {
                long calls = atol(argv[1]), done = 0;
                state = strtoull(argv[2], 0, 10) | 1;
                while (done < calls) {
                        int pipes[2];
                        pid_t child;
                        long made = 0;
                        next();
                        if (pipe(pipes)) return 8;
                        child = fork();
                        if (child < 0) return 9;
                        if (child == 0) {
                                static char page[8192];
                                long *count = (long *)page + 1000;
                                for (*count = 0; *count < 5000;) {
                                        uint64_t n = next() % 470;
                                        /* not exit, kill and such: they only
                                           end the child */
                                        if (n == 60 || n == 231 || n == 62 ||
                                            n == 57 || n == 58 || n == 56 ||
                                            n == 34 || n == 169 || n == 435)
                                                continue;
                                        uint64_t a = argument(page),
                                                b = argument(page),
                                                c = argument(page),
                                                d = argument(page);
                                        alarm(2);
                                        syscall(n, a, b, c, d, 0, 0);
                                        ++*count;
                                        if (*count % 100 == 0)
                                                write(pipes[1], "c", 1);
                                }
                                _exit(0);
                        }
                        close(pipes[1]);
                        char buffer[64];
                        ssize_t got;
                        alarm(0);
                        while ((got = read(pipes[0], buffer, 64)) > 0)
                                made += got * 100;
                        close(pipes[0]);
                        waitpid(child, 0, 0);
                        done += made + 1;
                }
                printf("%ld calls\\n", done);
                return 0;
        }""")
    calls = 10_000_000 if context.full else 200_000
    result = context.sh(
        "cd /tmp && /tmp/fuzz %d %d; echo alive" % (calls, context.seed),
        adds={program: "/tmp/fuzz"}, timeout=3000 if context.full else 280)
    context.check(result.status == 0 and "alive" in result.text, str(result))
    context.check("PANIC" not in result.log, str(result))
    context.note("seed %d: %s" % (context.seed, result.text.split("\n")[0]))
