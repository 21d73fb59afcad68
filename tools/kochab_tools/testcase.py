# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""What a test.py is given: the context, and how a case ends.

    from kochab_tools.testcase import traits

    @traits(tier="full", timeout_s=1800, alone=True)
    def test_something(context): ...

A case passes when its function returns, fails when it raises, and is skipped
by context.skip(reason). See tests/README.md for how to write one.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import traceback

from . import fat
from .common import TESTED, TOP, output_dir
from .guest import Guest, Result, machine_words, run_to_end

SKIPPED_EXIT = 77
EXEC_TIMEOUT_S = 600  # a safety net: no verdict hangs on the host's speed


class Skip(Exception):
    """The case cannot be tried here; args[0] says why."""


def traits(**_):
    """Marks a case: tier, timeout_s, alone, build, arches. The runner reads the
    keywords from the source; at run time nothing happens."""
    return lambda function: function


class Context:
    """The case's surroundings and its tools."""

    def __init__(self):
        self.arch = os.environ.get("KOCHAB_TEST_ARCH", "x86_64")
        self.full = bool(os.environ.get("KOCHAB_TEST_FULL"))
        self.seed = int(os.environ.get("KOCHAB_TEST_SEED", "1"))
        self.top = TOP
        self.folder = os.path.join(
            TESTED, os.environ.get("KOCHAB_TEST_NAME", "case"))
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.guests = []

    # --- outcomes
    def skip(self, reason):
        raise Skip(reason)

    def note(self, text):
        """A line that the runner shows behind a passed test."""
        print("NOTE " + text)
        sys.stdout.flush()

    def check(self, condition, text):
        if not condition:
            raise AssertionError(text)

    def equal(self, got, wanted, what="value"):
        if got != wanted:
            raise AssertionError("%s: got %r, wanted %r"
                                 % (what, got, wanted))

    # --- files
    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content, mode=0o644):
        """A file in the case's folder; returns its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content if isinstance(content, bytes)
                    else content.encode())
        os.chmod(path, mode)
        return path

    def fat_image(self, name, mib, files=None, **kwargs):
        """A FAT image with {path: bytes}; returns its path."""
        return fat.make_image(self.path(name), mib, files or {}, **kwargs)

    def fat_read(self, image, path):
        return fat.read_file(image, path)

    def fat_check(self, image):
        """Raises unless fsck.fat finds the image clean."""
        fat.check_image(image)

    def compile(self, name, source, *flags):
        """A static Linux program from C text; returns its path."""
        path = self.write(name + ".c", source)
        target = self.path(name)
        cross = [] if self.arch == "x86_64" else [
            "--target=%s-linux-gnu" % self.arch, "-fuse-ld=lld-19"]
        self.host("clang-19", "-O1", "-static", *cross, "-o", target, path,
                  *flags)
        return target

    # --- the system
    def output(self, build="release"):
        return output_dir(self.arch, build)

    def host(self, *argv, stdin=b"", status=0):
        """A program of this machine; fails unless it ends with status."""
        result = subprocess.run(argv, input=stdin, capture_output=True,
                                check=False)
        if status is not None and result.returncode != status:
            raise AssertionError("%s ended with %d\n%s\n%s" % (
                " ".join(argv), result.returncode,
                result.stdout.decode(errors="replace"),
                result.stderr.decode(errors="replace")))
        return result

    def exec(self, *argv, stdin=b"", **options):
        """`./kochab exec` of argv, as a user runs it: a Result."""
        log = self.path("log")
        words = [os.path.join(TOP, "kochab"), "exec", "--log", log]
        words += machine_words(self.arch, dict({"timeout": EXEC_TIMEOUT_S}, **options))
        done = subprocess.run(words + ["--"] + list(argv), input=stdin,
                              capture_output=True, check=False)
        return Result(done, log)

    def sh(self, script, **options):
        """A shell script in the guest: a Result."""
        return self.exec("sh", "-c", script, **options)

    def sh_ok(self, script, **options):
        """Its standard output as text; fails unless the status is 0."""
        result = self.sh(script, **options)
        if result.status != 0:
            raise AssertionError("status %d\n%s" % (result.status, result))
        return result.text

    def boot(self, **options):
        """A machine at its shell prompt, driven through the console."""
        guest = Guest(self.arch, options)
        self.guests.append(guest)
        guest.start()
        return guest

    def run_root(self, words, timeout_s=800, **options):
        """A boot whose first process is another program, as in
        "root=kernel-test suite=smp": its log, once it has powered off."""
        verdict, log = run_to_end(self.arch, words, timeout_s, options)
        if verdict.kind != "off":
            raise AssertionError("%s: %s %s\n%s" % (
                words, verdict.kind, verdict.text,
                "\n".join(log.splitlines()[-40:])))
        return log

    def close(self):
        for guest in self.guests:
            guest.stop()


def load(path):
    spec = importlib.util.spec_from_file_location("test_module", path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, os.path.dirname(path))
    sys.path.insert(0, os.path.join(TOP, "tests"))
    spec.loader.exec_module(module)
    return module


def main():
    path, function = sys.argv[1:3]
    context = Context()
    try:
        getattr(load(path), function)(context)
    except Skip as skip:
        print("skipped: %s" % skip)
        return SKIPPED_EXIT
    except Exception:  # every way to fail is a failed test
        traceback.print_exc()
        for guest in context.guests:
            print(guest.describe())
        return 1
    finally:
        context.close()
    shutil.rmtree(context.folder, ignore_errors=True)
    return 0
