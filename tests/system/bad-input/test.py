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
        "echo $p $?; done 2>/dev/null; echo alive", adds=adds)
    context.check(result.status == 0 and "alive" in result.text, str(result))
    context.check("PANIC" not in result.log, str(result))
    for line in result.text.splitlines():
        if "/cut" in line:
            context.check(not line.endswith(" 0"), line + ": cut off, yet ran")


# What C cannot say, and what becomes of it, by architecture: an instruction that
# there is not, three that only the kernel may use, a breakpoint, an address that
# cannot be, and the status after a division by zero.
FAULTS = {
    "x86_64": ("ud2", "hlt", "int3", "mov $0xdead, %eax; mov %rax, %cr3",
               "mov $0x8000000000000000, %rax; mov (%rax), %rax",
               "132 139 133 136 139 139"),
    "aarch64": ("udf #1", "wfi; mrs x0, sctlr_el1", "brk #0",
                "mov x0, #0xdead; msr ttbr0_el1, x0",
                "mov x0, #0x8000000000000000; ldr x0, [x0]",
                "132 132 133 0 132 139"),
    "riscv64": (".word 0xc0001073", "csrr t0, sstatus", "ebreak",
                "li t0, 0xdead; csrw satp, t0",
                "li t0, 1; slli t0, t0, 63; ld t0, (t0)",
                "132 132 133 0 132 139"),
}


def test_faults(context):
    *words, statuses = FAULTS[context.arch]
    program = context.compile("fault", """
        #include <stdlib.h>
        int main(int argc, char **argv)
        {
                switch (atoi(argv[1])) {
                case 0: *(volatile int *)8 = 1; break;
                case 1: *(volatile int *)0xffffffff80000000 = 1; break;
                case 2: ((void (*)(void))argv)(); break;
                case 3: __asm__ volatile("%s"); break;
                case 4: __asm__ volatile("%s"); break;
                case 5: __asm__ volatile("%s"); break;
                case 6: { volatile int zero = 0; zero = 1 / zero; break; }
                case 7: __asm__ volatile("%s"); break;
                case 8: __asm__ volatile("%s"); break;
                case 9: main(argc, argv); break;
                }
                return argc > 5;
        }""" % tuple(words), "-O0", "-Wno-infinite-recursion")
    text = context.sh_ok(
        "for n in 0 1 2 3 4 5 6 7 8; do /tmp/f $n; echo $?; done 2>/dev/null",
        adds={program: "/tmp/f"})
    context.equal(text.split(), ["139"] * 3 + statuses.split())
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
    # The dead count until they are gone: the shell waits for that by itself, as
    # it could not start a program yet.
    text = context.sh_ok(
        "mkfifo /tmp/wait; /tmp/bomb & sleep 5; echo still here; kill -9 -$!; "
        "read -t 5 line <>/tmp/wait; sleep 1; echo and here",
        adds={program: "/tmp/bomb"})
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
                         adds={program: "/tmp/eater"}, mem="256M")
    lines = text.split()
    context.check(lines[0] in ("42", "137") and lines[1] == "others", text)


def test_random_system_calls(context):
    """A million calls with random numbers and arguments, from one seed."""
    program = context.compile("fuzz", """
        #include <signal.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <sys/wait.h>
        #include <unistd.h>
        static const struct itimerval limit = { .it_value.tv_usec = 200000 };
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
        /* Calls made so far, where only the child writes and the parent
           can read; apart from what the calls are given. */
        static volatile long *made;
        static void make_calls(void)
        {
                static char page[8192];
                for (*made = 0; *made < 5000; ++*made) {
                        uint64_t n = next() % 470;
                        /* not exit, fork and pause: they only end or stop
                           the child; no signals to others: the parent has a
                           small pid */
                        if (n == SYS_exit || n == SYS_exit_group ||
                            n == SYS_clone || n == SYS_clone3 ||
        #ifdef SYS_fork
                            n == SYS_fork || n == SYS_vfork ||
                            n == SYS_pause ||
        #endif
                            n == SYS_reboot || n == SYS_kill ||
                            n == SYS_tkill || n == SYS_tgkill ||
                            n == SYS_rt_sigqueueinfo ||
                            n == SYS_rt_tgsigqueueinfo ||
                            n == SYS_pidfd_send_signal)
                                continue;
                        uint64_t a = argument(page), b = argument(page),
                                c = argument(page), d = argument(page);
                        setitimer(ITIMER_REAL, &limit, 0);
                        syscall(n, a, b, c, d, 0, 0);
                }
        }
        int main(int argc, char **argv)
        {
                long calls = atol(argv[1]), done = 0;
                int children = 0, killed = 0;
                uint64_t seed = strtoull(argv[2], 0, 10);
                made = mmap(0, 4096, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
                if (made == MAP_FAILED) return 8;
                while (done < calls) {
                        /* Each child a sequence of its own: one that began
                           a step behind the last would soon make the same
                           calls, and wait in the same one. */
                        state = seed * 1000003 + ++children;
                        state *= 0x9e3779b97f4a7c15;
                        state ^= state >> 29;
                        state |= 1;
                        next(), next();
                        *made = 0;
                        pid_t child = fork();
                        if (child < 0) return 9;
                        if (child == 0) {
                                make_calls();
                                _exit(0);
                        }
                        /* A child that blocked SIGALRM and then waits is
                           legal: it is killed, and must die of that. */
                        long last = -1;
                        int still = 0;
                        while (waitpid(child, 0, WNOHANG) == 0) {
                                usleep(10000);
                                still = *made == last ? still + 1 : 0;
                                last = *made;
                                if (still == 200) {
                                        kill(child, SIGKILL);
                                        killed++;
                                }
                                if (still == 1000) return 10;
                        }
                        done += *made;
                }
                FILE *count = fopen("/tmp/count", "w");
                fprintf(count, "%ld calls, %d children, %d of them killed\\n",
                        done, children, killed);
                return fclose(count);
        }""")
    calls = 10_000_000 if context.full else 200_000
    result = context.sh(
        "cd /tmp && /tmp/fuzz %d %d >/tmp/noise; echo status $?;"
        " tail -n 1 /tmp/count; echo alive" % (calls, context.seed),
        adds={program: "/tmp/fuzz"}, timeout=3000 if context.full else 800)
    lines = result.text.split("\n")
    context.check(result.status == 0 and lines[0] == "status 0" and
                  lines[2] == "alive", str(result))
    context.check("PANIC" not in result.log, str(result))
    context.note("seed %d: %s" % (context.seed, lines[1]))
