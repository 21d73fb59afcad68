# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""./kochab on machines that are not ready: a private copy of the script with
stand-ins for dpkg-query, apt-get and id in front of everything else."""

import os
import shutil
import subprocess

COMPLETE = "#!/bin/sh\necho installed\n"
# llvm-19 is missing until apt-get has been called.
INCOMPLETE = """#!/bin/sh
case "$*" in *llvm-19*) [ -e "$FAKE/installed" ] || exit 1 ;; esac
echo installed
"""
APT = """#!/bin/sh
echo "$*" >>"$FAKE/apt"
case "$*" in *install*) %s ;; esac
"""
APT_WORKS = APT % 'touch "$FAKE/installed"'
APT_OFFLINE = APT % ("echo \"E: Failed to fetch http://deb.debian.org/x  "
                     "Could not resolve 'deb.debian.org'\"; exit 100")


def copy_of_the_front(context):
    """The script and what it reads, in a folder of their own."""
    top = context.path("copy")
    if not os.path.exists(top):
        os.makedirs(top)
        shutil.copy(os.path.join(context.top, "kochab"), top)
        shutil.copytree(os.path.join(context.top, "tools"), top + "/tools",
                        ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(os.path.join(context.top, "ports"), top + "/ports")
    return top


def front(context, *words, tools, system="debian 12", **environment):
    """Run the copy; tools are {name: script} found before all others."""
    top = copy_of_the_front(context)
    bin_folder = context.path("bin")
    shutil.rmtree(bin_folder, ignore_errors=True)
    for name, text in tools.items():
        context.write("bin/" + name, text, 0o755)
    name, version = system.split()
    release = context.write(
        "os-release", "ID=%s\nVERSION_ID=%s\nPRETTY_NAME='%s'\n"
        % (name, version, system))
    inherited = {name: value for name, value in os.environ.items()
                 if not name.startswith("KOCHAB_")}
    result = subprocess.run(
        ["dash", top + "/kochab"] + list(words), capture_output=True,
        text=True, env=dict(inherited, FAKE=context.folder,
                            KOCHAB_OS_RELEASE=release,
                            PATH=bin_folder + ":" + os.environ["PATH"],
                            **environment), check=False)
    return result.returncode, result.stderr + result.stdout


def asked_of_apt(context):
    path = context.path("apt")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()


ROOT = "#!/bin/sh\necho 0\n"
USER = "#!/bin/sh\necho 1000\n"


def test_installs_only_what_is_missing(context):
    tools = {"dpkg-query": INCOMPLETE, "apt-get": APT_WORKS, "id": ROOT}
    status, text = front(context, "port", tools=tools)
    context.equal(status, 0, text)
    calls = asked_of_apt(context)
    context.equal(len(calls), 2, "calls of apt-get")
    context.check("update" in calls[0], calls[0])
    context.check(calls[1].endswith("--no-install-recommends llvm-19")
                  and " -y " in calls[1], calls[1])
    first = text.splitlines()[:2]
    context.check("llvm-19" in first[0] and "MB to download" in first[1]
                  and "disk" in first[1] and "minutes" in first[1], text)
    # The second time nothing is asked at all.
    context.equal(front(context, "port", tools=dict(
        tools, **{"dpkg-query": "#!/bin/sh\nexit 1\n"}))[0], 0)
    context.equal(len(asked_of_apt(context)), 2, "calls of apt-get")


def test_dry_run_changes_nothing(context):
    status, text = front(context, "run", KOCHAB_DRY_RUN="1", tools={
        "dpkg-query": INCOMPLETE, "apt-get": APT_WORKS, "id": ROOT})
    context.equal(status, 0, text)
    context.check("would run: apt-get update && apt-get install -y "
                  "--no-install-recommends llvm-19" in text, text)
    context.equal(asked_of_apt(context), [])
    context.check(not os.path.exists(context.path("copy/build")), "build/")


def test_without_root(context):
    tools = {"dpkg-query": INCOMPLETE, "apt-get": APT_WORKS, "id": USER}
    status, text = front(context, "run", tools=tools)
    context.equal(status, 1)
    context.check("sudo sh -c 'apt-get update && apt-get install" in text,
                  text)
    context.equal(asked_of_apt(context), [])
    context.equal(front(context, "exec", "--", "true", tools=tools)[0], 125)


def test_without_network(context):
    status, text = front(context, "run", tools={
        "dpkg-query": INCOMPLETE, "apt-get": APT_OFFLINE, "id": ROOT})
    context.equal(status, 1)
    context.check("no network" in text and "Could not resolve" in text, text)


def test_other_systems(context):
    for system in ("ubuntu 24.04", "debian 11", "alpine 3.20"):
        status, text = front(context, "run", system=system, tools={
            "dpkg-query": COMPLETE, "apt-get": APT_WORKS})
        context.equal(status, 1, system)
        context.check("Debian 12" in text and system in text
                      and "docker run" in text, text)
    status, text = front(context, "run", tools={
        "dpkg-query": COMPLETE, "uname": "#!/bin/sh\necho aarch64\n"})
    context.check(status == 1 and "aarch64" in text, text)


def test_help_needs_nothing(context):
    tools = {"dpkg-query": "#!/bin/sh\nexit 1\n", "apt-get": APT_OFFLINE}
    for words in ((), ("--help",), ("help",), ("--version",)):
        status, text = front(context, *words, system="plan 9", tools=tools)
        context.equal(status, 0, text)
        context.check(text.startswith("Kochab"), text)
    context.equal(asked_of_apt(context), [])


def test_unknown_words(context):
    for words in (("nosuch",), ("--nosuch",), ("clean", "up")):
        status, text = front(context, *words, tools={"dpkg-query": COMPLETE})
        context.equal(status, 2, text)
        context.check("kochab: " + words[0] in text, text)


def test_clean(context):
    tools = {"dpkg-query": COMPLETE}
    top = copy_of_the_front(context)
    for name in ("build/ports/x/y", "build/x86_64-release/kernel.elf"):
        context.write("copy/" + name, "x")
    front(context, "clean", tools=tools)
    context.equal(os.listdir(top + "/build"), ["ports"])
    front(context, "clean", "--all", tools=tools)
    context.equal(sorted(os.listdir(top)), ["kochab", "ports",
                                                "tools"])
