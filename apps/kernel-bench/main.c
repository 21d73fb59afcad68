// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel's benchmark, as first process (kernel command line:
// root=kernel-bench). `./kochab bench` runs it; docs/book/benchmarks.md explains.
// Further words:
//   rows=NAME,NAME,…   only these (default: all)
//   latency=1          single operations, too
// With more than one processor: the row throughput-2cpu alone (pairs.c).
// Prints `BENCH name unit value` for each row, with latency also `BENCH-LATENCY name
// unit median 99th longest`, and among much of something BENCH-SCALE (scale.c), then `BENCH-END`, and powers the machine off; `BENCH-FAILED what` when something went wrong.
#include "apps/kernel-bench/bench.h"

#include <stdarg.h>

#include "apps/kernel-test/harness/space.h"
#include "lib/base/format.h"
#include "lib/base/string.h"

#define PEER_CNODE_BITS 6
#define DRAIN_STEPS 100000
#define ROOM 1000 // processes that make room for the rows among the others

[[noreturn]] static void off(void)
{
	for (;;)
		(void)!sys_system_control(SYSTEM, SYSTEM_OFF, 0);
}

void say(const char *format, ...)
{
	char line[200];
	va_list values;

	va_start(values, format);
	usize n = format_string(line, sizeof(line), format, values);
	va_end(values);
	if (n >= sizeof(line))
		n = sizeof(line) - 1;
	(void)!sys_system_log(SYSTEM, (struct uaddr){(u64)line}, (u32)n);
}

void must(enum status status, const char *what)
{
	if (status == STATUS_OK)
		return;
	say("BENCH-FAILED %s: %s\n", what, status_text(status));
	off();
}

void make(u32 slot, u32 type, u64 a, u64 b)
{
	must(sys_object_create(SELF_POOL, type, a, b, NONE, SELF_CNODE, slot),
	     "object_create");
}

void drop(u32 slot)
{
	(void)!sys_cap_revoke(SELF_CNODE, slot);
	(void)!sys_cap_delete(SELF_CNODE, slot);
}

// ---- the peer

void peer_give(u32 slot)
{
	must(sys_cap_copy(handle_of(SLOT_PEER_CNODE), slot, handle_of(slot)),
	     "capability for the peer");
}

static void peer_make(void)
{
	struct handle aspace = handle_of(SLOT_PEER_ASPACE);

	must(space_prepare(SELF_POOL, SLOT_IMAGE), "copies of the program");
	make(SLOT_PEER_ASPACE, OBJECT_ASPACE, ASPACE_PLAIN, 0);
	make(SLOT_PEER_CNODE, OBJECT_CNODE, PEER_CNODE_BITS, 0);
	must(space_fill(SELF_POOL, aspace, SLOT_PEER_DATA, 0, 0),
	     "the peer's address space");
	must(sys_aspace_map(aspace, handle_of(SLOT_SHARED), 0, SHARED_AT,
			    SHARED_BYTES, MAP_READ | MAP_WRITE),
	     "the peer's stack");
	must(sys_cap_copy(handle_of(SLOT_PEER_CNODE), SLOT_CNODE,
			  handle_of(SLOT_PEER_CNODE)),
	     "the peer's capabilities");
	peer_give(SLOT_SYSTEM); // to say what went wrong
}

[[noreturn]] static void peer_main(void (*run)(void))
{
	run();
	for (;;)
		(void)!sys_yield();
}

void peer_prepare(void)
{
	make(SLOT_PEER_THREAD, OBJECT_THREAD, 0, 0);
	must(sys_thread_configure(handle_of(SLOT_PEER_THREAD),
				  handle_of(SLOT_PEER_ASPACE),
				  handle_of(SLOT_PEER_CNODE), NONE, PEER_LAYER,
				  0),
	     "thread_configure");
}

// Above the main thread's priority it has run until it waits when this returns.
void peer_start(void (*run)(void), u32 priority)
{
	struct handle thread = handle_of(SLOT_PEER_THREAD);

	must(sys_thread_schedule(thread, SCHED, priority, 100, 1),
	     "thread_schedule");
	must(sys_thread_start(thread, (u64)peer_main,
			      SHARED_AT + SHARED_BYTES - 8, (u64)run, 0),
	     "thread_start");
	if (priority <= PRIORITY)
		must(sys_yield(), "yield");
}

void peer_run(void (*run)(void), u32 priority)
{
	peer_prepare();
	peer_start(run, priority);
}

void peer_end(void)
{
	drop(SLOT_PEER_THREAD);
}

// ---- rows

static u64 objects_now(void)
{
	u64 objects;

	must(sys_pool_info(SELF_POOL, nullptr, nullptr, &objects, nullptr,
			   nullptr),
	     "pool_info");
	return objects;
}

// What was deleted goes away in steps, each on some way out of the kernel.
static void drain(u64 objects)
{
	for (u32 i = 0; i < DRAIN_STEPS && objects_now() > objects; i++)
		;
	if (objects_now() > objects)
		must(ERR_STATE, "what the row made did not go away");
}

static u64 empty_loop(u64 rounds)
{
	u64 start = ticks();

	for (u64 i = 0; i < rounds; i++)
		__asm__ volatile("" ::: "memory");
	return ticks() - start;
}

u64 row_tenths(const struct row *row)
{
	u64 objects = objects_now(), rounds = 0, elapsed = row->run(&rounds);

	peer_end();
	for (u32 slot = SLOT_ROW; slot < SLOT_ROW_END; slot++)
		drop(slot);
	drain(objects);
	if (!rounds) {
		rounds = ROUNDS;
		elapsed -= empty_loop(rounds);
	}
	return (elapsed * 10 + rounds / 2) / rounds;
}

void print_tenths(const char *name, const char *unit, u64 tenths)
{
	say("BENCH %s %s %lu.%lu\n", name, unit, tenths / 10, tenths % 10);
}

static char rows_word[512];

static bool wanted(const char *name)
{
	const char *at = rows_word;
	usize length = strlen(name);

	if (!*at)
		return true;
	for (; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, length) == 0 &&
		    (!at[length] || at[length] == ','))
			return true;
	}
	return false;
}

static bool latency_wanted(void)
{
	char word[4] = "";

	(void)startup_word("latency", word, sizeof(word));
	return word[0] == '1';
}

// single: an operation of the row is one thing, which can be timed alone.
static void run_rows(const struct row *row, const char *unit, bool single)
{
	for (; row->name; row++) {
		if (!wanted(row->name))
			continue;
		print_tenths(row->name, unit, row_tenths(row));
		if (single && latency_wanted())
			latency_measure(row);
	}
}

static void run_crowd(void)
{
	u64 kib_tenths;
	u32 count;

	if (wanted("scaling"))
		scale_measure(); // in slots that flat_before() fills
	if (wanted("flatness"))
		flat_before();
	crowd_measure(&count, &kib_tenths,
		      wanted("scaling") ? scale_processes : nullptr);
	print_tenths("native-processes", "processes", count * 10ul);
	print_tenths("idle-process-memory", "KiB", kib_tenths);
	if (!wanted("flatness"))
		return;
	crowd_shrink(count, ROOM);
	flat_after();
}

int component_main(const struct startup *)
{
	u64 online;

	(void)startup_word("rows", rows_word, sizeof(rows_word));
	must(sys_thread_schedule(handle_of(SLOT_THREAD), SCHED, PRIORITY, 100,
				 1),
	     "thread_schedule");
	make(SLOT_SHARED, OBJECT_MEMORY, SHARED_BYTES, MEMORY_COMMITTED);
	must(sys_aspace_map(SELF_ASPACE, handle_of(SLOT_SHARED), 0, SHARED_AT,
			    SHARED_BYTES, MAP_READ | MAP_WRITE),
	     "shared memory");
	peer_make();
	must(sys_system_info(SYSTEM, SYSTEM_INFO_CPUS, 0, nullptr, &online,
			     nullptr, nullptr),
	     "system_info");
	if (online > 1) {
		pairs_measure();
		say("BENCH-END\n");
		off();
	}
	run_rows(message_rows, "insns", true);
	run_rows(object_rows, "insns", true);
	run_rows(memory_rows, "insns", true);
	run_rows(ring_rows, "insns", false);
	run_rows(kib_rows, "insns/KiB", false);
	if (wanted("native-processes") || wanted("idle-process-memory") ||
	    wanted("flatness") || wanted("scaling"))
		run_crowd(); // last: it takes all memory
	say("BENCH-END\n");
	off();
}
