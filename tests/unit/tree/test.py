# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The tree's own rules: licence lines, file lengths, and ports that are
recorded completely."""

import json
import os
import re

SOURCE = (".c", ".h", ".S", ".py", ".idl", ".def", ".sh", ".mk", ".sys", ".ld")
LINES_MAX = 1000
HEAD_LINES = 4


def files(context):
    """Everything that git knows or would take, without build output."""
    text = context.host("git", "-c", "safe.directory=*", "-C",
                        context.top, "ls-files", "-co",
                        "--exclude-standard").stdout.decode()
    return [path for path in text.splitlines()
            if os.path.isfile(os.path.join(context.top, path))]


def head(context, path):
    with open(os.path.join(context.top, path), encoding="utf-8") as f:
        return [line for line, _ in zip(f, range(HEAD_LINES))]


def test_licence_lines(context):
    missing = [path for path in files(context) if path.endswith(SOURCE)
               and "/corpus/" not in path and "/fixtures/" not in path
               and not any("SPDX-License-Identifier: MIT" in line
                           for line in head(context, path))]
    context.equal(missing, [], "files without a licence line")


def test_file_lengths(context):
    long = []
    for path in files(context):
        if path.endswith((".c", ".h", ".S", ".py")):
            with open(os.path.join(context.top, path),
                      encoding="utf-8") as f:
                count = sum(1 for _ in f)
            if count > LINES_MAX:
                long.append("%s: %d lines" % (path, count))
    context.equal(long, [], "files over %d lines" % LINES_MAX)


def test_ports_are_recorded(context):
    base = os.path.join(context.top, "ports")
    for name in sorted(os.listdir(base)):
        path = os.path.join(base, name, "port.json")
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as f:
            recipe = json.load(f)
        context.check(recipe.get("licence") and recipe.get("version"),
                      name + ": no licence or version")
        variants = [dict(recipe, **other)
                    for other in recipe.get("others", {}).values()]
        for variant in variants:
            context.check(all(variant["debian"] + ".deb" in entry["path"]
                              for entry in variant["files"]),
                          name + ": files of another architecture")
        for entry in sum((v["files"] for v in [recipe] + variants), []):
            context.check(re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]) and
                          entry["bytes"] > 0, name + ": no SHA-256 or size")
        documented = os.path.join(context.top, "docs", "dependencies.md")
        with open(documented, encoding="utf-8") as f:
            text = f.read()
        context.check("ports/" + name in text or recipe["package"] in text,
                      name + " is not in docs/dependencies.md")


def test_benchmark_rows(context):
    def read(name):
        path = os.path.join(context.top, "tests", "bench", name + ".json")
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    rows = {row["name"]: row for row in read("targets")["rows"]}
    for name, row in rows.items():
        context.check(row["target"] > 0, name + ": no target")
        if row["source"] == "program":
            source = name.removeprefix("linux-") + ".c"
            context.check(os.path.exists(os.path.join(
                context.top, "tests", "bench", "linux", source)),
                name + ": no program " + source)
    for peer, found in read("peers").items():
        for arch in ("x86_64", "aarch64", "riscv64"):
            context.equal(sorted(set(found[arch]["figures"]) - set(rows)), [],
                          "rows of %s without a target" % peer)


def test_python_compiles(context):
    for path in files(context):
        if path.endswith(".py"):
            with open(os.path.join(context.top, path),
                      encoding="utf-8") as f:
                compile(f.read(), path, "exec")


def test_shell_is_posix(context):
    context.host("dash", "-n", os.path.join(context.top, "kochab"))
