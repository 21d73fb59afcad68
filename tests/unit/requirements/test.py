# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""docs/requirements.md against the tree: every number once, every test that it
names is there, no state without what it needs; links between documents; what
the book's walks through the code name; and what CONTRIBUTING.md promises about bugs
and features."""

import glob
import os
import re

LAST = 264
WITHDRAWN = {35, 157, 159, 219, 240, 241, 242}
STATES = ("met", "partly", "not yet")
KINDS = ("unit", "model", "kernel", "fuzz", "system")
# Which test runs the cases of apps/kernel-test that begin so; else conformance.
SUITES = {"hardening": "hardening", "smp": "smp-kernel", "rings": "rings"}


def read(context, path):
    with open(os.path.join(context.top, path), encoding="utf-8") as f:
        return f.read()


def rows(context):
    """[(number, what, state, [shown], [run], note)] of the file."""
    found = []
    for line in read(context, "docs/requirements.md").splitlines():
        if not line.startswith("| R"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        context.equal(len(cells), 6, "columns of: " + line)
        match = re.fullmatch(r"R(\d+)", cells[0])
        context.check(match, "no number: " + line)
        shown = re.findall(r"`([^`]+)`", cells[3])
        run = " ".join(re.findall(r"`([^`]+)`", cells[4])).split()
        found.append((int(match[1]), cells[1], cells[2], shown, run,
                      cells[5]))
    return found


def test_every_number_once(context):
    numbers = [row[0] for row in rows(context)]
    context.equal(numbers, sorted(set(range(1, LAST + 1)) - WITHDRAWN),
                  "the numbers, in their order")


def test_states(context):
    count = dict.fromkeys(STATES, 0)
    for number, what, state, shown, run, note in rows(context):
        name = "R%d: " % number
        context.check(what and state in STATES, name + "state " + state)
        count[state] += 1
        if state == "not yet":
            context.equal((shown, run), ([], []), name + "not yet, but shown")
        else:
            context.check(shown and run, name + "nothing shows it")
        context.check(state != "partly" or note, name + "what is missing?")
    said = re.search(r"^Of (\d+) requirements (\d+) are met, (\d+) partly, "
                     r"(\d+) not yet\.$",
                     read(context, "docs/requirements.md"), re.MULTILINE)
    context.check(said, "no line that sums up")
    context.equal([int(word) for word in said.groups()],
                  [sum(count.values())] + [count[s] for s in STATES],
                  "the line that sums up")
    context.note("%(met)d met, %(partly)d partly, " % count +
                 "%d not yet" % count["not yet"])


def kernel_cases(context):
    text = "".join(read(context, os.path.relpath(path, context.top))
                   for path in glob.glob(os.path.join(
                       context.top, "apps/kernel-test/*.c")))
    return set(re.findall(r'\{"([a-z]+\.[a-z0-9-]+)"', text))


def problem(context, shown, cases):
    """What is wrong with one name in the column `shown by`; None."""
    if shown.startswith("kernel-test:"):
        name = shown.removeprefix("kernel-test:")
        return None if name in cases else "no case " + name
    path, colon, case = shown.partition(":")
    if not os.path.exists(os.path.join(context.top, path)):
        return "there is no " + path
    if colon and not re.search(r"^def test_%s\(" % re.escape(case),
                               read(context, path + "/test.py"),
                               re.MULTILINE):
        return "%s has no case %s" % (path, case)
    return None


def test_what_is_named_is_there(context):
    cases = kernel_cases(context)
    context.check(len(cases) > 50, "found %d kernel cases" % len(cases))
    folders = {os.path.basename(os.path.dirname(path)) for kind in KINDS
               for path in glob.glob(os.path.join(
                   context.top, "tests", kind, "*", ""))}
    wrong = []
    for number, _, _, shown, run, _ in rows(context):
        wrong += ["R%d: %s" % (number, text) for text in
                  (problem(context, name, cases) for name in shown) if text]
        wrong += ["R%d: `./kochab test %s` runs nothing" % (number, word)
                  for word in run if word not in folders
                  and word not in KINDS]
        # What is run must be what is named.
        for name in shown:
            if name.startswith("kernel-test:"):
                suite = name[len("kernel-test:"):].split(".")[0]
                if SUITES.get(suite, "conformance") not in run:
                    wrong.append("R%d: %s is not run" % (number, name))
            match = re.match(r"tests/([a-z]+)/([a-z0-9-]+)", name)
            if match and match[1] in KINDS and match[1] not in run \
                    and match[2] not in run:
                wrong.append("R%d: %s is not run" % (number, name))
    context.equal(wrong, [], "wrong in docs/requirements.md")


def test_links(context):
    """What the documents point to is there."""
    names = context.host("git", "-c", "safe.directory=*", "-C",
                        context.top, "ls-files", "-co",
                         "--exclude-standard", "*.md").stdout.decode()
    wrong, count = [], 0
    for name in names.splitlines():
        if not os.path.exists(os.path.join(context.top, name)):
            continue  # deleted, not yet committed
        for link in re.findall(r"\]\(([^)#]+)\)", read(context, name)):
            count += 1
            if ":" not in link and not os.path.exists(os.path.join(
                    context.top, os.path.dirname(name), link)):
                wrong.append("%s: %s" % (name, link))
    context.check(count > 20, "found %d links" % count)
    context.equal(wrong, [], "links to what is not there")


def defines(text, name):
    """Is this function, macro or label made here, not only declared or used?"""
    if re.search(r"^(?:%s:|#define %s\b)" % (name, name), text, re.MULTILINE):
        return True
    for match in re.finditer(r"^(?:[A-Za-z_\[][^\n;={]*[\s*])?%s\(" % name, text,
                             re.MULTILINE):
        depth, at = 1, match.end()
        while depth and at < len(text):
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        if text[at:].lstrip().startswith("{"):
            return True
    return False


def test_definitions(context):
    """The search itself: a test that finds everything finds nothing."""
    text = "int a(int b)\n{\n\tc(b);\n}\nint d(int);\nstatic x\ne(int\n g)\n" \
        "{\n}\n#define f(x) x\nlabel:\n\tjmp a\n\tif (h()) {\n"
    context.equal([defines(text, name) for name in
                   ("a", "c", "d", "e", "f", "label", "jmp", "h")],
                  [True, False, False, True, True, True, False, False])


def test_walks(context):
    """docs/book/life-of-*.md: every function in the file that it is said to be
    in, every function of the text in that table, every path and test there."""
    pages = glob.glob(os.path.join(context.top, "docs/book/life-of-*.md"))
    cases, wrong, count = kernel_cases(context), [], 0
    context.check(len(pages) >= 4, "found %d pages" % len(pages))
    for page in pages:
        page = os.path.relpath(page, context.top)
        body, _, where = read(context, page).partition("\n## Where\n")
        listed = set()
        for path, names in re.findall(r"^\| `([^`]+)` \| (`.*) \|$", where,
                                      re.MULTILINE):
            text = read(context, path)
            for name in re.findall(r"`(\w+)(?:\(\))?`", names):
                count += 1
                listed.add(name)
                if not defines(text, name):
                    wrong.append("%s: %s is not in %s" % (page, name, path))
        for name in re.findall(r"`(\w+)\(\)`", body):
            if name not in listed:
                wrong.append("%s: %s is not under Where" % (page, name))
        for name in listed:
            if "`%s" % name not in body:
                wrong.append("%s: %s is under Where only" % (page, name))
        for shown in re.findall(r"`([^`]+)`", body):
            for path in re.findall(r"(?:^|(?<=\s))(?:[\w.-]+/)+[\w.-]+", shown):
                if not os.path.exists(os.path.join(context.top, path)):
                    wrong.append("%s: there is no %s" % (page, path))
            if shown.startswith("kernel-test:"):
                name = shown[len("kernel-test:"):].removesuffix("*")
                if not any(case.startswith(name) for case in cases):
                    wrong.append("%s: no case %s" % (page, shown))
    context.equal(wrong, [], "wrong in the walks through the code")
    context.check(count > 80, "found %d functions" % count)
    context.note("%d functions in %d pages" % (count, len(pages)))


def test_process(context):
    """A place for bugs, a place for features, and the way to a change."""
    text = read(context, "CONTRIBUTING.md")
    for name in ("bug-report.md", "feature-request.md"):
        template = read(context, "docs/templates/" + name)
        context.check(len(re.findall(r"^## ", template, re.MULTILINE)) >= 4,
                      name + " asks for too little")
        context.check("docs/templates/" + name in text,
                      name + " is not in CONTRIBUTING.md")
    for word in ("./kochab test", "docs/decisions/", "./kochab report",
                 "SECURITY.md"):
        context.check(word in text, "CONTRIBUTING.md does not say " + word)
