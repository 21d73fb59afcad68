# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# Tests of tools/rooms.py: it finds each kind of violation in a small tree, and
# none in ours.

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[3]


def rooms(top):
    done = subprocess.run([sys.executable, str(TOP / "tools/rooms.py"), str(top)],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Rooms(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="rooms-"))
        self.addCleanup(shutil.rmtree, self.top)
        self.write("rooms.txt", "std: stddef.h\nlib/base: abi\nkernel: lib/base gen/abi\n"
                                "drivers/*/*: lib\ndrivers/block/x: lib extra.h\ntests: *\n")
        self.write("lib/base/a.h", "")

    def write(self, name, text):
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def finds(self, text):
        status, output = rooms(self.top)
        self.assertEqual(status, 1, output)
        self.assertIn(text, output)

    def test_allowed(self):
        self.write("kernel/x.c", '#include <stddef.h>\n#include "lib/base/a.h"\n#include "gen/abi/y.h"\n')
        self.write("drivers/block/y/m.c", '#include "lib/base/a.h"\n#include "drivers/block/y/m.h"\n')
        self.write("drivers/block/y/m.h", "")
        self.write("drivers/block/x/m.c", '#include "extra.h"\n')
        self.write("tests/t.c", "#include <stdio.h>\n")
        self.assertEqual(rooms(self.top)[0], 0, rooms(self.top)[1])

    def test_violations(self):
        self.write("lib/base/b.c", '\n#include "kernel/x.h"\n')
        self.finds("lib/base/b.c:2: room lib/base may not include kernel/x.h")
        self.write("lib/base/b.c", "#include <stdio.h>\n")
        self.finds("lib/base/b.c:1: <stdio.h> is not one of the compiler's own headers")
        self.write("lib/base/b.c", '#include "lib/base/none.h"\n')
        self.finds("lib/base/b.c:1: there is no file lib/base/none.h")
        self.write("lib/base/b.c", "")
        self.write("attic/c.c", '#include "lib/base/a.h"\n')
        self.finds("attic/c.c:1: this file is in no room")

    def test_other_component(self):
        self.write("drivers/block/y/m.c", '#include "drivers/block/x/m.h"\n')
        self.finds("room drivers/*/* may not include drivers/block/x/m.h")
        self.write("drivers/block/y/m.c", '#include "extra.h"\n')
        self.finds("room drivers/*/* may not include extra.h")

    def test_rooms_file(self):
        self.write("rooms.txt", "std: a.h\nkernel lib\n")
        self.finds("rooms.txt:2: expected 'room: what it may include'")

    def test_our_tree(self):
        status, output = rooms(TOP)
        self.assertEqual(status, 0, output)


if __name__ == "__main__":
    unittest.main(verbosity=1)
