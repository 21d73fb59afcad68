# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""What suite.sh prints, as {"applet: case": outcome}."""

import re

LINE = re.compile(r"^(PASS|FAIL|SKIPPED|UNTESTED|HUNG): (.*)$")


def parse(text):
    """Cases of one name within an applet are numbered from the second on."""
    found, applet = {}, "?"
    for line in text.replace("\r", "").splitlines():
        if line.startswith("APPLET "):
            applet = line[7:]
            continue
        match = LINE.match(line)
        if not match:
            continue
        name = "%s: %s" % (applet, match[2].strip())
        number = 1
        while name in found:
            number += 1
            name = "%s: %s (%d)" % (applet, match[2].strip(), number)
        found[name] = match[1]
    return found


def count(found):
    outcomes = list(found.values())
    return ", ".join("%d %s" % (outcomes.count(word), word.lower())
                     for word in ("PASS", "FAIL", "SKIPPED", "UNTESTED",
                                  "HUNG"))
