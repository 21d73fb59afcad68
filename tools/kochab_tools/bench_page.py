# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The page of benchmark results and its picture, from one run.

    markdown(run, tables, what, recorded)   the page's text
    plot(tables)                            an SVG: each row's ratio to its
                                            target, seL4 and Linux beside it
    chapters()                              pages of the book that show figures
    with_figures(text, tables, what)        a page with those of this run
    write(path, text)
    shown, ratio, reached, verdict, about_linux, peers_of
                                            what the table in the terminal
                                            shares with them

tables is {arch: rows as --json writes them}. No number of the page or of the
picture comes from anywhere else.
"""

import glob
import math
import os
import re

from .common import TOP

PAGE = os.path.join(TOP, "docs", "book", "benchmark-results.md")
PLOT = os.path.join(TOP, "docs", "book", "benchmark-results.svg")
# In a page: rows by name, and the table of them.
SCALE = (10, 100, 1000, 10000)  # of something, as apps/kernel-bench/scale.c has it
FIGURES = re.compile(r"<!-- figures ([^>]+) -->\n.*?<!-- end of figures -->",
                     re.DOTALL)

LEFT, PANEL, GAP, LINE, TOP_SPACE = 190, 230, 20, 17, 64
LOWEST, HIGHEST = 0.125, 32  # ratios that the axis has room for
COLOURS = {"reached": "#2f7d4f", "missed": "#c2702b", "sel4": "#3b5fa8",
           "linux": "#777777"}


def peers_of(recorded, arch, what="figures"):
    """{"sel4": {row: figure}, "linux": the same} as peers.json has them."""
    return {peer: recorded[peer].get(arch, {}).get(what, {})
            for peer in ("sel4", "linux")}


def shown(value):
    if value is None:
        return "-"
    if float(value).is_integer() or abs(value) >= 10000:
        return "{:,.0f}".format(value)
    return ("{:,.2f}" if abs(value) < 10 else "{:,.1f}").format(value)


def ratio(row):
    """Value over target (or the reverse for "higher"): 1 or less is reached."""
    if row["value"] is None:
        return None
    if row["better"] == "lower":
        return row["value"] / row["target"]
    return row["target"] / max(row["value"], 1e-9)


def reached(row):
    return ratio(row) is not None and ratio(row) <= 1


def verdict(rows):
    """One sentence over an architecture's rows."""
    return "%d of %d rows measured, %d targets reached (ratio up to 1), %d " \
        "within twice the target" % (
            sum(row["value"] is not None for row in rows), len(rows),
            sum(map(reached, rows)),
            sum(ratio(row) is not None and ratio(row) <= 2 for row in rows))


def about_linux(recorded, arch):
    linux = recorded["linux"].get(arch)
    return "not measured" if linux is None else "%s, %s" % (
        linux["kernel"], linux["date"])


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def markdown(run, tables, what, recorded):
    out = ["# Benchmark results",
           "",
           "Written by `./kochab bench --arch all --record`; not to be edited. "
           "What the rows\nmean and what the unit leaves out: "
           "[benchmarks.md](benchmarks.md).",
           "",
           "- Measured %s at tree %s, with %s." % (
               run["date"], run["tree"], run["compiler"]),
           "- Machine: %s." % run["emulator"],
           "- seL4: %s, %s; %s." % (
               recorded["sel4"]["date"], recorded["sel4"]["emulator"],
               recorded["sel4"]["source"].replace("\n", " "))]
    for arch in tables:
        out.append("- Linux on %s: %s." % (arch,
                                           about_linux(recorded, arch)))
    out += ["", "A ratio up to 1 says that the target is reached. Lower is "
            "better but for the rows that\nsay so.", "",
            "![Each row's ratio to its target](benchmark-results.svg)"]
    for arch, rows in tables.items():
        out += ["", "## " + arch, "", verdict(rows) + ".", "",
                "| operation | unit | Kochab | target | ratio | seL4 | Linux |",
                "|---|---|---:|---:|---:|---:|---:|"]
        for row in rows:
            found = ratio(row)
            out.append("| %s%s | %s | %s | %s | %s | %s | %s |" % (
                what[row["name"]],
                " (higher is better)" if row["better"] == "higher" else "",
                row["unit"], shown(row["value"]),
                shown(row["target"]),
                "-" if found is None else "%.2f" % found,
                shown(row["peers"]["sel4"]),
                shown(row["peers"]["linux"])))
        out += latencies(arch, rows, what, recorded)
        out += scaling(run.get("scaling", {}).get(arch, {}), what)
        missing = [row for row in rows if row["value"] is None]
        if missing:
            out += ["", "Not measured:"]
            out += ["- %s: %s" % (what[row["name"]], row["reason"])
                    for row in missing]
    return "\n".join(out) + "\n"


def scaling(found, what):
    """The tables of rows among much of something."""
    out = []
    for things, rows in found.items():
        out += ["", "Among so many %s:" % things.replace("-", " "), "",
                "| operation | %s |" % " | ".join(map(shown, SCALE)),
                "|---|%s" % ("---:|" * len(SCALE))]
        out += ["| %s | %s |" % (what[name], " | ".join(map(shown, figures)))
                for name, figures in rows.items()]
    return out


def latencies(arch, rows, what, recorded):
    """The table of single operations."""
    linux = peers_of(recorded, arch, "latency")["linux"]
    out = ["", "Single operations, median / 99th percentile / longest:", "",
           "| operation | Kochab | Linux |", "|---|---:|---:|"]
    for row in rows:
        if row["latency"]:
            out.append("| %s | %s | %s |" % (what[row["name"]], *(
                " / ".join(map(shown, found)) if found else "-"
                for found in (row["latency"], linux.get(row["name"])))))
    return out


def chapters():
    return sorted(glob.glob(os.path.join(TOP, "docs", "book", "life-of-*.md")))


def with_figures(page, tables, what):
    """The page with each of its tables of figures written anew."""
    values = {(row["name"], arch): row["value"]
              for arch, rows in tables.items() for row in rows}

    def table(found):
        out = ["| row | one operation | %s |" % " | ".join(tables),
               "|---|---|%s" % ("---:|" * len(tables))]
        for name in found[1].split():
            out.append("| %s | %s | %s |" % (name, what[name], " | ".join(
                shown(values[name, arch]) for arch in tables)))
        return "\n".join(["<!-- figures %s -->" % found[1], ""] + out
                         + ["", "<!-- end of figures -->"])
    return FIGURES.sub(table, page)


def across(share_of_target):
    """Where a ratio lies in a panel, on a logarithmic axis."""
    share = math.log(min(max(share_of_target, LOWEST), HIGHEST) / LOWEST) \
        / math.log(HIGHEST / LOWEST)
    return share * PANEL


def text(x, y, words, anchor="start", size=11, more=""):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d"%s>%s' \
        '</text>' % (x, y, anchor, size, more, words)


def panel(left, rows, bottom):
    out = []
    for tick in (0.25, 0.5, 1, 2, 4, 8, 16):
        x = left + across(tick)
        out.append('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s" '
                   'stroke-width="%s"/>' % (
                       x, TOP_SPACE, x, bottom,
                       "#000000" if tick == 1 else "#dddddd",
                       "1.5" if tick == 1 else "1"))
        out.append(text(x, TOP_SPACE - 6, "%g" % tick, "middle", 9))
    for index, row in enumerate(rows):
        y = TOP_SPACE + 6 + index * LINE
        found = ratio(row)
        if found is None:
            out.append(text(left + across(1) + 6, y + 8, "not measured",
                            size=9, more=' fill="#999999"'))
        else:
            ends = sorted((across(1), across(found)))
            out.append('<rect x="%.1f" y="%d" width="%.1f" height="8" '
                       'fill="%s"/>' % (
                           left + ends[0], y, max(ends[1] - ends[0], 1),
                           COLOURS["reached" if found <= 1 else "missed"]))
        for peer in ("sel4", "linux"):
            figure = row["peers"][peer]
            if figure is not None:
                out.append('<circle cx="%.1f" cy="%d" r="3.5" fill="%s"/>' % (
                    left + across(ratio(dict(row, value=figure))),
                    y + 4, COLOURS[peer]))
    return out


def plot(tables):
    rows = next(iter(tables.values()))
    bottom = TOP_SPACE + 6 + len(rows) * LINE
    width = LEFT + len(tables) * (PANEL + GAP)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'font-family="sans-serif">' % (width, bottom + 8),
           '<rect width="100%" height="100%" fill="#ffffff"/>',
           text(8, 16, "Ratio to the target, logarithmic: left of the black "
                "line is better", size=12)]
    for x, name, label in ((300, "reached", "Kochab, target reached"),
                           (460, "missed", "Kochab, not reached"),
                           (610, "sel4", "seL4"), (680, "linux", "Linux")):
        x += LEFT
        out.append('<rect x="%d" y="7" width="10" height="10" fill="%s"/>'
                   % (x, COLOURS[name]))
        out.append(text(x + 14, 16, label))
    for index, row in enumerate(rows):
        out.append(text(LEFT - 8, TOP_SPACE + 14 + index * LINE, row["name"],
                        "end"))
    for index, (arch, found) in enumerate(tables.items()):
        left = LEFT + index * (PANEL + GAP)
        out.append(text(left + across(1), TOP_SPACE - 22, arch, "middle", 13))
        out += panel(left, found, bottom)
    return "\n".join(out + ["</svg>"]) + "\n"
