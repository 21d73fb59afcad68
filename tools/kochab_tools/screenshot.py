# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""`./kochab screenshot FILE.png`: boots to the prompt with a display, and saves
what the display shows.

    save(guest, path)   the picture of a Guest with screen=True, now, and its text

The prompt is waited for on the serial line, and then on the picture, where it is
read by comparing cells with the font: the screen follows the serial line, it does
not hold it up.
"""

import json
import os
import re
import time

from . import picture
from .common import Failure, progress
from .guest import Guest, screen_words
from .options import parse_machine

ANSWER_S = 120
STILL_S = 0.3  # a picture that has been the same for so long is finished


def answer(machine, command, **arguments):
    """A command to QEMU, and its answer."""
    mark = "k%d" % time.monotonic_ns()
    machine.read_control()
    seen = len(machine.qmp_text)
    machine.qmp.setblocking(True)
    machine.qmp.settimeout(ANSWER_S)
    try:
        machine.qmp.send(json.dumps(
            {"execute": command, "arguments": arguments, "id": mark}
        ).encode() + b"\n")
        text = machine.qmp_text[seen:]
        while True:
            for line in text.split(b"\n"):
                if mark.encode() in line and line.rstrip().endswith(b"}"):
                    return json.loads(line)
            block = machine.qmp.recv(65536)
            if not block:
                raise Failure("QEMU ended", 1)
            text += block
            machine.qmp_text = (machine.qmp_text + block)[-65536:]
    except (OSError, ValueError) as error:
        raise Failure("QEMU does not answer %s: %s" % (command, error), 1) \
            from None
    finally:
        machine.qmp.setblocking(False)


def dump(machine, path):
    reply = answer(machine, "screendump", filename=os.path.abspath(path),
                   format="png")
    if "error" in reply:
        raise Failure("screendump: %s" % reply["error"].get("desc"), 1)


def last_line(guest):
    """What stands in the line of the console's cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", guest.text).replace(
        "\r", "").split("\n")[-1].rstrip()


def save(guest, path, timeout_s=120):
    """The picture, once it shows the line the console is in and no longer
    changes. Returns its text."""
    deadline = time.monotonic() + timeout_s
    last, since, shown = None, 0, []
    while True:
        dump(guest.machine, path)
        with open(path, "rb") as f:
            data = f.read()
        now = time.monotonic()
        if data != last:
            last, since = data, now
            shown = picture.text(picture.load(path))
        if now - since >= STILL_S and last_line(guest) in shown:
            return shown
        if now > deadline:
            raise Failure("the display does not show what the console does: "
                          "%r" % last_line(guest), 1)
        guest._take(0.1)


def screenshot_command(words):
    options, rest = parse_machine(words, "screenshot")
    if len(rest) != 1 or not rest[0].endswith(".png"):
        raise Failure("screenshot: wants one FILE.png behind its options", 2)
    path = rest[0]
    folder = os.path.dirname(os.path.abspath(path))
    if not os.access(folder, os.W_OK):
        raise Failure("screenshot: %s cannot be written" % path, 2)
    options.screen = True
    guest = Guest.of(options, screen_words(options))
    try:
        guest.start(timeout_s=options.timeout_s or 120)
        save(guest, path)
    except AssertionError as error:
        raise Failure("screenshot: no prompt: %s" % error, 1) from None
    finally:
        guest.stop()
    progress("saved %s" % path)
    return 0
