# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""What the kernel executes, instruction by instruction (bench_trace.py): a call and
its answer are two ways into the kernel and two switches of the address space, and
nobody else's code is run; an allocation ends within its bound."""

import bisect
import os

from kochab_tools import bench_trace
from kochab_tools.testcase import traits

# All that a call and its answer may execute.
FAST = {"syscall_entry", "trap_vectors", "user_sync", "trap_entry", "fast_call",
        "fast_reply_recv", "fast_exit"}
ALLOCATION = 1000  # instructions: 1 µs at 1 GHz
REFILL = 3000


def kernel_of(context):
    return bench_trace.Kernel(context.arch, os.path.join(context.output(),
                                                         "kernel.elf"))


def test_call_and_reply(context):
    """With 64 bytes both ways. The scheduler, with its run queues, and the slow
    path are functions of their own: they would show. Three atomic operations: the
    endpoint's lock for the call and for the reply, and the decision who answers; so
    no lock that others share."""
    kernel = kernel_of(context)
    found = bench_trace.trace(kernel, "call-reply-64", context.folder)
    one = bench_trace.Round(kernel, bench_trace.period(found))
    context.note(bench_trace.summary("call-reply-64", one))
    context.equal(set(one.functions) - FAST, set(), "not of the fast path")
    context.equal((len(one.ways_in), one.roots, one.atomics, one.fpu),
                  (2, 2, 3, 0), "ways in, roots loaded, atomics, floating point")
    for name in ("fast_call", "fast_reply_recv", "fast_exit"):
        times = sum(way.count(kernel.functions[name]) for way in one.ways_in)
        context.equal(times, 2 if name == "fast_exit" else 1, name)


def lengths(kernel, ways_in, name):
    """Instructions of each call of this function, from its first to where it goes
    back to."""
    out, first = [], kernel.functions[name]
    places = sorted(kernel.code)
    for way in ways_in:
        for at in (i for i, address in enumerate(way) if address == first):
            caller = bisect.bisect(places, way[at - 1])
            back = places[caller] if caller < len(places) else 0
            if back in way[at:]:
                out.append(way.index(back, at) - at)
    return sorted(out)


@traits(tier="full", timeout_s=1800)
def test_allocation(context):
    """A frame, as faults on new pages take them; and, as a bound above a piece of a
    slab, the whole decoding and making of an endpoint. Not within it is one frame in
    some dozens, when the processor's stock of them is filled up: that has a bound of
    its own."""
    kernel = kernel_of(context)
    for row, name in (("fault-zero-page", "frame_alloc"),
                      ("endpoint-create-delete", "syscall_dispatch")):
        found = bench_trace.trace(kernel, row, context.folder)
        if name == "syscall_dispatch":  # each second one deletes
            making = kernel.functions["decode_object_create"]
            found = [way for way in found if making in way]
        took = lengths(kernel, found, name)
        context.check(len(took) > 100, "%s: %s was called %d times" % (
            row, name, len(took)))
        median, most = took[len(took) // 2], took[len(took) * 99 // 100]
        context.note("%s: median %d, 99th percentile %d, longest %d "
                     "instructions" % (name, median, most, took[-1]))
        context.check(10 < median and sum(took) / len(took) <= ALLOCATION,
                      "%s takes %d instructions, %d in the middle" % (
                          name, sum(took) // len(took), median))
        context.check(took[-1] <= REFILL, "%s takes up to %d instructions" % (
            name, took[-1]))
