# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The line budget: what is counted, and what makes it fail."""

from kochab_tools import size
from kochab_tools.common import Failure


def budget(context, text):
    return size.Budget(context.write("budget.def", text))


def test_rows(context):
    found = budget(context, "# x\n10 ipc kernel/a* kernel/b.c\n5 rest "
                   "kernel/*\ntotal 12\nwhole 20\n")
    context.equal(found.row_of("kernel/abc.c"), "ipc")
    context.equal(found.row_of("kernel/b.c"), "ipc")
    context.equal(found.row_of("kernel/c.c"), "rest")
    context.equal(found.row_of("lib/c.c"), None)
    context.equal(found.row_of("kernel/deeper/c.c"), None)
    context.equal((found.total, found.whole), (12, 20))


def test_bad_budgets(context):
    for text in ("", "ten ipc kernel/*\ntotal 1\nwhole 1\n",
                 "10 ipc\ntotal 1\nwhole 1\n", "10 ipc kernel/*\n",
                 "10 ipc kernel/*\ntotal\nwhole 1\n"):
        try:
            budget(context, text)
        except Failure as failure:
            context.check("budget.def" in str(failure), str(failure))
        else:
            raise AssertionError("%r was taken" % text)


def test_code_lines(context):
    path = context.write("x.c", "// comment\n\nint a; /* b */\nint c;\n")
    other = context.write("y.S", "// comment\n\nnop\n")
    copy = context.write("z.c", "// comment\n\nint a; /* b */\nint c;\n")
    found = size.code_lines({path, other, copy})
    context.equal(found, {path: 2, other: 1, copy: 2})


def test_every_kernel_file_is_in_a_row(context):
    found = size.Budget()
    stray = [path for path in sorted(size.kernel_files())
             if found.row_of(path) is None]
    context.equal(stray, [], "files in no row of kernel/budget.def")
