# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The shell on the console as a person uses it: editing, history, job control,
full-screen programs, and the ways to leave."""

import time

from kochab_tools.guest import Guest


def test_prompt_and_commands(context):
    guest = context.boot()
    context.equal(guest.line("echo one two | tr a-z A-Z"),
                  (0, "ONE TWO\n"))
    context.equal(guest.line("false")[0], 1)
    context.equal(guest.line_ok("printf 'a\\nb\\nc\\n' | grep -c ."), "3\n")


# The port keeps the first byte, and who sends the others, until its driver comes.
# OpenSBI empties the port: there the keys come when the kernel begins.
def test_typed_before_anybody_listens(context):
    guest = Guest(context.arch, {})
    context.guests.append(guest)
    guest.machine.start()
    if context.arch == "riscv64":
        guest.expect("MEDELEG")  # the last it says
    # One byte: the next one may come at the moment when the driver turns the
    # port's queue on, which drops what is in it.
    guest.send("e")
    for _ in range(3000):
        if "linux ready" in guest.log_text():
            break
        time.sleep(0.1)
    guest.send("cho quite ear''ly\n")
    guest.expect(r"^quite early\r?\n")
    guest.expect(guest.READY)
    context.equal(guest.poweroff(), "off")


def test_line_editing_and_history(context):
    guest = context.boot()
    guest.send("echo wrong\x7f\x7f\x7f\x7f\x7fright\n")
    guest.expect(r"^right\r?\n")
    guest.expect(guest.READY)
    guest.send("\x1b[A\n")  # cursor up: the same line again
    guest.expect(r"^right\r?\n")
    guest.expect(guest.READY)
    guest.send("echo bc\x1b[D\x1b[Da\n")  # insert before "bc"
    guest.expect(r"^abc\r?\n")


def start_sleep(guest):
    """A program in the foreground, and the shell out of the way: a key that
    comes before would be the shell's."""
    guest.send("sh -c 'echo as''leep; exec sleep 1000'\n")
    guest.expect("asleep\r?\n")
    time.sleep(0.5)


def test_interrupt(context):
    guest = context.boot()
    start_sleep(guest)
    guest.send("\x03")
    guest.expect(guest.READY)
    context.equal(guest.line("echo $?")[0], 0)
    guest.send("echo go''on; cat\n")
    guest.expect("goon\r?\n")
    guest.send("typed\n\x04")
    guest.expect("typed\r?\ntyped\r?\n")
    guest.expect(guest.READY)


JOB = """
#include <signal.h>
#include <unistd.h>
static void say(int number) { write(1, "continued\\n", 10); }
int main(void)
{
        signal(SIGCONT, say);
        write(1, "started\\n", 8);
        for (;;)
                pause();
}
"""


def test_job_control(context):
    """The job says when it goes on: from then on the keys are its own again."""
    job = context.compile("job", JOB, "-w")
    guest = context.boot(adds={job: "/tmp/job"})
    guest.send("/tmp/job\n")
    guest.expect("started\r?\n")
    guest.send("\x1a")
    guest.expect("Stopped")
    guest.expect(guest.READY)
    guest.send("bg\n")
    guest.expect("continued\r?\n")
    context.check("Running" in guest.line_ok("jobs"), guest.text[-300:])
    guest.send("fg\n")
    guest.expect("continued\r?\n")
    guest.send("\x03")
    guest.expect(guest.READY)
    context.equal(guest.line_ok("jobs"), "")


def test_terminal_size_and_name(context):
    guest = context.boot()
    context.equal(guest.line_ok("stty size"), "50 200\n")
    context.equal(guest.line_ok("echo $TERM"), "vt100\n")


def test_vi(context):
    guest = context.boot()
    guest.send("vi /tmp/note\n")
    guest.expect("/tmp/note")
    guest.send("ihello from vi")
    guest.expect("hello from vi")
    guest.send("\x1b")
    # Something behind it would make a key of it: vi's answer is waited for.
    guest.expect(r"- /tmp/note \[Modified\]")
    guest.send(":wq\n")
    guest.expect(guest.READY)
    context.equal(guest.line_ok("cat /tmp/note"), "hello from vi\n")


def test_utf8(context):
    guest = context.boot()
    guest.send("printf '%s\\n' 'gr\u00fc\u00df'\n")
    guest.expect("^gr\u00fc\u00df\r?\n")


def test_help_and_manual(context):
    guest = context.boot()
    context.check(len(guest.line_ok("help")) > 100, "help says nothing")
    context.check("svc" in guest.line_ok("man svc | cat"), "man svc")


def test_date_is_right(context):
    import time
    guest = context.boot()
    there = int(guest.line_ok("date +%s"))
    context.check(abs(there - time.time()) < 60, "the date is %d" % there)


def test_poweroff(context):
    guest = context.boot()
    context.equal(guest.poweroff(), "off")


def test_reboot(context):
    guest = context.boot()
    guest.send("reboot\n")
    while guest.running() and guest._take(10):
        pass
    guest.stop()
    context.equal(guest.machine.verdict().kind, "reset")
