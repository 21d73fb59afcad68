# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# Tests of the interface generator: what it refuses and with which words, and
# that what it generates compiles, decodes and refuses as it should
# (fixtures/*.c, built with the sanitizers).

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[2]
FIXTURES = HERE / "fixtures"
CLANG = ["clang-19", "-std=c2x", "-Wall", "-Wextra", "-Werror", "-g", "-O1", "-DKOCHAB_DEBUG=1",
         "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def idlc(*words):
    return subprocess.run([sys.executable, str(TOP / "tools/idlc"), *map(str, words)],
                          capture_output=True, text=True, check=False)


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="idlc-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.abi = self.folder / "abi"
        self.abi.mkdir()
        for path in (TOP / "abi").glob("*.def"):
            shutil.copy(path, self.abi)

    def write(self, name, text):
        (self.abi / f"{name}.idl").write_text(text, encoding="utf-8")

    def generate(self):
        layout = idlc("--layout", self.abi)
        self.assertEqual(layout.returncode, 0, layout.stderr)
        (self.abi / "layout.txt").write_text(layout.stdout, encoding="utf-8")
        done = idlc("-o", self.folder / "gen", self.abi)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.folder / "gen"

    def compile_and_run(self, source, *more):
        program = self.folder / "program"
        sources = [FIXTURES / source, TOP / "lib/base/status.c", *more]
        subprocess.run(CLANG + ["-I", FIXTURES, "-I", self.folder, "-I", TOP, "-o", program]
                       + [str(s) for s in sources], check=True)
        done = subprocess.run([program], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Refuses(Base):
    def refuses(self, body, message, head="service s version 1\n"):
        name = "syscall" if head.startswith("sys") else "s"
        self.write(name, head + body)
        done = idlc("--layout", self.abi)
        self.assertEqual(done.returncode, 1, "accepted: " + body)
        self.assertIn(f"{name}.idl:{message}", done.stderr)

    def syscall(self, body, message):
        self.refuses(body, message, "syscalls\n")

    def test_words(self):
        self.refuses("cal x = 1 ()", "2: unknown word 'cal'")
        self.refuses("// t\ncall x = 1 (u33 a)", "3: unknown type 'u33' for an argument")
        self.refuses("// t\ncall x = 1 (slot a)", "3: unknown type 'slot' for an argument")
        self.refuses("// t\ncall x = 1 () -> (bytes a)", "3: unknown type 'bytes' for a result")
        self.refuses("// t\ncall x = 1 ;", "3: unexpected character ';'")
        self.refuses("// t\ncall X = 1 ()", "3: call name 'X' must be in lower case")
        self.refuses("// t\ncall switch = 1 ()", "3: call name 'switch' is a reserved word")
        self.refuses("// t\ncall x = 70000 ()", "3: 70000 is larger than 65535")
        self.refuses("// t\ncall x = 1 (u64 a", "3: expected ',', found 'end of file'")
        self.refuses("event e = 64", "2: 64 is larger than 63")
        self.refuses("call x = 1 ()", "2: call x has no comment above it")
        self.refuses("// t\ncall x = 1 (lend u64 a)", "3: unknown type 'u64'")

    def test_names_from_lists(self):
        self.refuses("// t\ncall x = 1 () errors NOSUCH", "3: unknown error 'NOSUCH'")
        self.refuses("// t\ncall x = 1 () errors IO IO", "3: error IO named twice")
        self.refuses("// t\ncall x = 1 (cap c: disk READ)", "3: unknown object type 'disk'")
        self.refuses("// t\ncall x = 1 (cap c: memory FLY)", "3: unknown right 'FLY'")
        self.syscall("// t\ncall x = 1 on disk - ()", "3: unknown object type 'disk'")
        self.syscall("// t\ncall x = 1 on none READ ()", "3: a call on none cannot ask for rights")

    def test_duplicates(self):
        self.refuses("// t\ncall x = 1 ()\n// t\ncall x = 2 ()", "5: name x is used twice (first in line 3)")
        self.refuses("// t\ncall x = 1 ()\n// t\ncall y = 1 ()", "5: number 1 is used twice (first in line 3)")
        self.refuses("// t\ncall x = 1 (u8 a, u8 a)", "3: 'a' appears twice")
        self.refuses("// t\ncall x = 1 (in a, u8 a_bytes)", "3: 'a_bytes' appears twice")
        self.refuses("event a = 1\nevent b = 1", "3: event bit 1 is used twice")

    def test_too_many(self):
        def args(kind, count):
            return ", ".join(f"{kind} a{i}" for i in range(count))

        self.refuses(f"// t\ncall x = 1 ({args('u8', 8)})", "3: call x has 8 arguments, at most 7 fit")
        self.refuses("// t\ncall x = 1 (" + ", ".join(f"cap c{i}: memory -" for i in range(5)) + ")",
                     "3: call x has 5 capabilities, both ways counted, at most 4 fit")
        self.syscall(f"// t\ncall x = 1 on any - ({args('u8', 8)})", "3: call x has 8 arguments, at most 7 fit")
        self.syscall(f"// t\ncall x = 1 on any - () -> ({args('u8', 7)})", "3: call x has 7 results, at most 6 fit")
        self.syscall("".join(f"// t\ncall c{i} = {i} on none - ()\n" for i in range(51)),
                     "104: 51 system calls, the budget is 50")

    def test_file_name(self):
        self.refuses("", "1: service t must be in t.idl", "service t version 1\n")


class Generates(Base):
    def test_services(self):
        shutil.copy(FIXTURES / "sample.idl", self.abi)
        gen = self.generate()
        self.compile_and_run("services.c")
        page = (gen / "man/sample.upper.3.txt").read_text(encoding="utf-8")
        for word in ("NAME", "SYNOPSIS", "Turn bytes to upper case", "ERR_IO", "SOURCE"):
            self.assertIn(word, page)

    def test_syscalls(self):
        shutil.copy(FIXTURES / "syscall.idl", self.abi)
        gen = self.generate()
        self.compile_and_run("syscalls.c", gen / "kernel/syscall_decode.c")
        cases = (gen / "tests/conformance_list.txt").read_text(encoding="utf-8").splitlines()
        for case in ("copy ok", "copy wrong-type self", "copy missing-right spare WRITE",
                     "copy bad-handle target", "copy out-of-range flag", "copy error EMPTY"):
            self.assertIn(case, cases)
        numbers = self.folder / "numbers.S"
        numbers.write_text('#include "gen/abi/syscall_nr.h"\nmov $SYS_SIZE, %eax\n', encoding="utf-8")
        subprocess.run(["clang-19", "-target", "x86_64-unknown-none-elf", "-I", self.folder, "-c", numbers,
                        "-o", self.folder / "numbers.o"], check=True)

    def test_stubs_compile_for_the_target(self):
        shutil.copy(FIXTURES / "syscall.idl", self.abi)
        self.generate()
        source = self.folder / "stubs.c"
        source.write_text('#include "gen/abi/syscall_stubs.h"\nenum status f(struct handle h, u64 *b, u32 *p);\n'
                          "enum status f(struct handle h, u64 *b, u32 *p) { return sys_size(h, 3, b, p); }\n",
                          encoding="utf-8")
        subprocess.run(["clang-19", "-std=c2x", "-Wall", "-Wextra", "-Werror", "-target", "x86_64-unknown-none-elf",
                        "-ffreestanding", "-O2", "-I", self.folder, "-I", TOP, "-S", source, "-o",
                        self.folder / "stubs.s"], check=True)
        self.assertEqual((self.folder / "stubs.s").read_text(encoding="utf-8").count("\tsyscall\n"), 1)

    def test_changed_interface_stops_the_build(self):
        shutil.copy(FIXTURES / "sample.idl", self.abi)
        self.generate()
        text = (self.abi / "sample.idl").read_text(encoding="utf-8")
        self.write("sample", text.replace("u32 m", "u64 m"))
        done = idlc("-o", self.folder / "gen", self.abi)
        self.assertEqual(done.returncode, 1)
        self.assertIn("+    1 add (u64 status, u64 m) -> (u64 sum)", done.stderr)

    def test_unchanged_files_keep_their_time(self):
        shutil.copy(FIXTURES / "sample.idl", self.abi)
        header = self.generate() / "abi/sample.h"
        before = header.stat().st_mtime_ns
        self.generate()
        self.assertEqual(header.stat().st_mtime_ns, before)

    def test_real_interfaces(self):
        done = idlc("--layout", TOP / "abi")
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
