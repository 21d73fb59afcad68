# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The console on a display. What the display shows is read back from a picture
of it, by comparing each cell with the glyphs of the font."""

import os
import re
import subprocess
import time

from kochab_tools import picture, screenshot
from kochab_tools.common import TOP
from kochab_tools.options import BOOTS

PROMPT = "root@kochab:~#"
SHELL = "linux"  # the pool of the programs that type and ask


def look(context, guest):
    """The text of the display, once it has caught up with the console."""
    return screenshot.save(guest, context.path("shot.png"))


def shows(context, guest, right):
    """The display comes to show what is right: a program has it, no prompt."""
    deadline = time.monotonic() + 300  # a safety net
    while True:
        screenshot.dump(guest.machine, context.path("shot.png"))
        text = picture.text(picture.load(context.path("shot.png")))
        if right(text):
            return
        context.check(time.monotonic() < deadline, "\n".join(text))
        guest._take(0.1)


def rows(text):
    return [line for line in text if line]


def plain(guest):
    """What the console has shown since its last clear, without controls."""
    text = guest.text.split("\x1b[J")[-1].replace("\r", "")
    return [line.expandtabs().rstrip() for line in
            re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).split("\n")]


def clear(guest):
    guest.line_ok("clear")


def memory(guest):
    """{pool: [objects, capabilities, pages]}, without the shell's, and the frames
    that are free or the shell's."""
    found, free = {}, 0
    for line in guest.line_ok("svc mem").splitlines():
        words = line.split()
        if words[:2] == ["free", "frames"]:
            free += int(words[2])
        elif words[:1] == [SHELL]:
            free += int(words[1])
        elif len(words) == 5 and words[1].isdigit():
            found[words[0]] = words[3:] + [int(words[1])]
    return found, free


def usual_memory(context, guest):
    """What instances use that are not the first."""
    look(context, guest)
    guest.line_ok("svc kill screen; svc kill display; sleep 0.5")
    look(context, guest)
    return memory(guest)


def same(one, other):
    """An instance touches a page more or less, from time to time."""
    return one.keys() == other.keys() and all(
        one[name][:2] == other[name][:2] and
        abs(one[name][2] - other[name][2]) <= 4 for name in one)


def same_again(context, guest, before, frames):
    """All pools become what they were. The shell keeps a page now and then when
    it is asked: so many frames."""
    for _ in range(200):
        pools, free = memory(guest)
        if same(pools, before[0]) and free >= before[1] - frames:
            return
        guest.line_ok("sleep 0.3")
    context.check(same(pools, before[0]),
                  "objects, capabilities, pages: %r, then %r" % (
                      before[0], pools))
    context.check(free >= before[1] - frames, "free frames: %d before, %d after"
                  % (before[1], free))


def restarts(guest, name):
    for line in guest.line_ok("svc list").splitlines():
        words = line.split()
        if words and words[0] == name:
            return words[1], int(words[3])
    raise AssertionError("svc list has no " + name)


def test_command(context):
    target = context.path("prompt.png")
    result = subprocess.run(
        [os.path.join(TOP, "kochab"), "screenshot", "--arch", context.arch,
         target], capture_output=True, text=True, check=False)
    context.equal(result.returncode, 0, result.stderr)
    text = rows(picture.text(picture.load(target)))
    context.equal(text[-1], PROMPT)
    context.check(any("busybox" in line for line in text), text)
    result = subprocess.run([os.path.join(TOP, "kochab"), "screenshot"],
                            capture_output=True, text=True, check=False)
    context.equal(result.returncode, 2, result.stderr)


def test_same_as_the_console(context):
    guest = context.boot(screen=True)
    clear(guest)  # the firmware may have written on the serial line
    guest.line_ok("svc list; ls -l /bin | head -20")
    text = look(context, guest)
    context.equal(text[:len(plain(guest))], plain(guest))
    guest.line_ok("seq 1 300; dmesg | tail -5 | cut -c1-150")
    text = rows(look(context, guest))
    context.equal(text, rows(plain(guest))[-len(text):])


def test_characters_and_colours(context):
    guest = context.boot(screen=True)
    clear(guest)
    guest.line_ok(r"printf '\033[31mred\033[0m \033[1;44mon blue\033[0m "
                  r"gr\303\274\303\237 \342\224\214\342\224\200\342\224\220 "
                  r"\033[7mreverse\033[0m\n'")
    text = look(context, guest)
    row = [i for i, line in enumerate(text) if line.startswith("red on")][0]
    context.equal(text[row], "red on blue gr\u00fc\u00df \u250c\u2500\u2510 reverse")
    shot = picture.load(context.path("shot.png"))

    def colours(column):
        return set(c.hex() for c in picture.colours(shot, row, column))

    context.equal(colours(0), {"000000", "cd3131"})
    context.equal(colours(4), {"2472c8", "ffffff"})
    context.equal(colours(21), {"d0d0d0", "000000"})


def test_full_screen_programs(context):
    guest = context.boot(screen=True)
    guest.line_ok("seq 1 200 >/tmp/note")
    guest.send("vi /tmp/note\n")
    guest.expect("1/200")
    guest.send("ddGoend of it\x1b")
    # An escape with something behind it would be a key: it is waited for.
    guest.expect(r"- /tmp/note \[Modified\] 200/200")
    guest.send("1G")
    guest.expect("1/200")
    shows(context, guest, lambda text: "/tmp/note" in text[49] and
          text[:40] == [str(n) for n in range(2, 42)])
    guest.send(":wq\n")
    guest.expect(guest.READY)
    guest.send("less /tmp/note\n")
    guest.expect("\\[7m/tmp/note")
    guest.send("G")
    guest.expect("end of it")
    shows(context, guest, lambda text: text[:49] == [
        str(n) for n in range(155, 201)] + ["end of it", "", "~"])
    guest.send("q")
    guest.expect(guest.READY)
    clear(guest)
    context.equal(look(context, guest)[-1], "")


def die(context, victims, ways, rounds):
    guest = context.boot(screen=True)
    clear(guest)
    before = usual_memory(context, guest)
    clear(guest)
    number = 0
    for _ in range(rounds):
        for victim in victims:
            for way in ways:
                count = restarts(guest, victim)[1]
                number += 1
                guest.line_ok("echo line %d; svc %s %s; echo after %d"
                              % (number, way, victim, number))
                for _ in range(1000):
                    if restarts(guest, victim) == ("ready", count + 1):
                        break
                    guest.line_ok("sleep 0.2")
                context.equal(restarts(guest, victim), ("ready", count + 1))
                text = rows(look(context, guest))
                context.equal(text, rows(plain(guest))[-len(text):],
                              "after %s %s" % (way, victim))
                clear(guest)
    same_again(context, guest, before, 30)
    times = [float(n) for n in re.findall(
        r"RESTART (?:screen|display).*recovered in ([0-9.]+) ms",
        guest.log_text())]
    context.note("%d restarts, longest %.1f ms" % (len(times), max(times)))


def test_killed(context):
    die(context, ["screen", "display", "console"], ["kill"],
        5 if context.full else 1)


def test_hung(context):
    die(context, ["screen", "display"], ["hang"], 1)


def test_serial_goes_on(context):
    """A screen that hangs holds nobody up, and shows what followed."""
    guest = context.boot(screen=True)
    clear(guest)
    guest.line_ok("svc hang screen; svc hang display; seq 1 20000")
    text = rows(look(context, guest))
    context.equal(text[-5:-2], ["19998", "19999", "20000"])
    guest.line_ok("while [ $(svc list | grep -cE '^(screen|display) +ready') "
                  "!= 2 ]; do sleep 0.1; done")
    clear(guest)
    guest.line_ok("echo there")
    context.check("there" in look(context, guest), "not shown")


def test_killed_under_output(context):
    """Each byte is taken in exactly once: what is on the screen in the end is
    what it would be without the kills."""
    guest = context.boot(screen=True)
    clear(guest)
    guest.line_ok("(for i in 1 2 3 4 5 6; do svc kill screen; svc kill display; "
                  "sleep 0.1; done) & seq 1 10000; wait")
    text = rows(look(context, guest))
    context.equal(text, rows(plain(guest))[-len(text):])
    context.check("too slow" not in guest.log_text(), "output was missed")


def test_nothing_is_lost(context):
    """Forty deaths in one command cost less than a frame for two."""
    guest = context.boot(screen=True)
    before = usual_memory(context, guest)
    guest.line_ok("i=0; while [ $i != 20 ]; do svc kill screen; "
                  "svc kill display; sleep 0.1; i=$((i+1)); done")
    context.check(restarts(guest, "screen")[1] >= 20, "restarts")
    same_again(context, guest, before, 15)


def test_firmware_picture(context):
    """Where UEFI has set up a picture, that is the display; no word says so."""
    if "uefi" not in BOOTS[context.arch]:
        context.skip("no UEFI on " + context.arch)
    guest = context.boot(screen=True, boot="uefi")
    context.check(" framebuffer=" in guest.log_text(), "the boot code has found no picture")
    clear(guest)
    guest.line_ok("echo one; svc kill screen; echo two; svc kill display; "
                  "echo three; svc list | grep -c linux")
    text = rows(look(context, guest))
    context.equal(text, rows(plain(guest))[-len(text):])
    clear(guest)
    guest.line_ok("seq 1 500; svc kill display; svc kill screen")
    text = rows(look(context, guest))
    context.equal(text, rows(plain(guest))[-len(text):])


def test_no_display(context):
    """Without one, nothing of it is there; with the word but without the
    device, the console works."""
    guest = context.boot()
    listed = guest.line_ok("svc list")
    context.check("screen" not in listed and "display" not in listed, listed)
    guest.stop()
    guest = context.boot(words="screen=1")
    context.equal(guest.line_ok("echo works"), "works\n")
    context.check("no such device" in guest.log_text(), guest.log_text())
