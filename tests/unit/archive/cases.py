# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# Tests of tools/mkarchive.py: contents, modes, links, order, and that the same
# contents give the same bytes.

import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[3]


class Archive(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="archive-"))
        self.addCleanup(shutil.rmtree, self.top)
        for name, text, mode in (("vfs", "vfs\n", 0o600), ("base.sys", "manifest\n", 0o644),
                                 ("root/etc/passwd", "root:x:0:0\n", 0o600),
                                 ("root/bin/tool", "#!/bin/sh\n", 0o700), ("man/walk.2.txt", "walk\n", 0o644),
                                 ("folders", "# of applets\nbin: sh [ tool\nsbin:\n", 0o644),
                                 ("box", "\x7fELF [\0[[\0awk\0sh\0tool\0\0more\0", 0o755)):
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(mode)
        (self.top / "root/etc/mtab").symlink_to("/proc/mounts")

    def make(self, name="boot.tar"):
        words = [sys.executable, TOP / "tools/mkarchive.py", "--output", self.top / name, "--components",
                 self.top / "vfs", "--manifest", self.top / "base.sys", "--manual", self.top / "man",
                 "--busybox", self.top / "box", "--folders", self.top / "folders", "--tree", self.top / "root"]
        subprocess.run(list(map(str, words)), check=True)
        return self.top / name

    def test_contents(self):
        with tarfile.open(self.make()) as tar:
            found = {m.name: m for m in tar}
            self.assertEqual(tar.extractfile("kochab/system.sys").read(), b"manifest\n")
            self.assertEqual(list(found)[:2], ["kochab", "kochab/system.sys"])
            self.assertEqual(tar.extractfile("bin/tool").read(), b"#!/bin/sh\n")
        for name, mode in (("kochab/bin/vfs", 0o755), ("etc/passwd", 0o644), ("bin/tool", 0o755),
                           ("bin/busybox", 0o755), ("usr/share/man/kochab/walk.2.txt", 0o644), ("usr/bin", 0o755)):
            self.assertEqual(found[name].mode, mode, name)
            self.assertEqual((found[name].uid, found[name].mtime), (0, 0), name)
        self.assertEqual(found["tmp"].mode, 0o1777)
        self.assertEqual(found["etc/mtab"].linkname, "/proc/mounts")
        for applet in ("usr/bin/awk", "usr/bin/[[", "bin/[", "bin/sh"):
            self.assertEqual(found[applet].linkname, "/bin/busybox")
        self.assertNotIn("usr/bin/more", found)
        self.assertTrue(found["bin/tool"].isfile(), "a file of the tree hides an applet")
        names = list(found)
        for name in names:
            parent = os.path.dirname(name)
            self.assertTrue(not parent or names.index(parent) < names.index(name), name)

    def test_same_bytes(self):
        first = self.make().read_bytes()
        os.utime(self.top / "vfs", (1, 1))
        self.assertEqual(self.make("again.tar").read_bytes(), first)

    def test_ustar(self):
        data = self.make().read_bytes()
        self.assertEqual(data[257:263], b"ustar\0")
        self.assertEqual(len(data) % 512, 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
