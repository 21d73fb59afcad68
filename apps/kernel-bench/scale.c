// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What operations cost among 10, 100, 1,000 and 10,000 of something: mappings in the
// address space, capabilities to an object that is used, threads that are ready to
// run, and processes (each with a thread that waits). Prints for each of them and
// each row `BENCH-SCALE things row TENTHS TENTHS TENTHS TENTHS`.
//
// And a pair of processes that call each other on each of two processors, beside one
// pair on one: throughput_measure().
#include "apps/kernel-bench/bench.h"
#include "lib/base/string.h"

#define STEPS 4
#define BITS 12 // of a cnode with many capabilities
#define SLOT_MANY 24 // cnodes with many capabilities, and what is mapped
#define SLOT_MAPPED 27
#define MAPPINGS_AT 0x2600000000ull
#define READY_PRIORITY 1 // below everybody: ready, and never run

static const char *const names[] = {"call-reply-0",   "signal-wake",
				    "yield-pair",     "map-unmap",
				    "cap-copy-delete", "endpoint-create-delete"};
#define ROWS (sizeof(names) / sizeof(names[0]))
static const u32 steps[STEPS] = {10, 100, 1000, 10000};
static u64 cost[ROWS][STEPS];
static u32 made;

static const struct row *row_of(const char *name)
{
	const struct row *const tables[] = {message_rows, object_rows,
					    memory_rows};

	for (u32 i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct row *row = tables[i]; row->name; row++)
			if (!strcmp(row->name, name))
				return row;
	must(ERR_EMPTY, "a row of that name");
	return nullptr;
}

static void measure_step(u32 step)
{
	for (u32 i = 0; i < ROWS; i++)
		cost[i][step] = row_tenths(row_of(names[i]));
}

static void print(const char *things)
{
	for (u32 i = 0; i < ROWS; i++)
		say("BENCH-SCALE %s %s %lu %lu %lu %lu\n", things, names[i],
		    cost[i][0], cost[i][1], cost[i][2], cost[i][3]);
}

static struct handle place(u32 number)
{
	return handle_of((SLOT_MANY + (number >> BITS)) << 16 |
			 (number & ((1u << BITS) - 1)));
}

static void cnodes(bool there)
{
	for (u32 i = 0; i <= steps[STEPS - 1] >> BITS; i++)
		if (there)
			make(SLOT_MANY + i, OBJECT_CNODE, BITS, 0);
		else
			drop(SLOT_MANY + i);
}

static void grow(const char *things, void (*add)(u32 number))
{
	made = 0;
	for (u32 step = 0; step < STEPS; step++) {
		for (; made < steps[step]; made++)
			add(made);
		measure_step(step);
	}
	print(things);
}

static void add_mapping(u32 number)
{
	must(sys_aspace_map(SELF_ASPACE, handle_of(SLOT_MAPPED), 0,
			    MAPPINGS_AT + number * 2ull * PAGE_BYTES,
			    PAGE_BYTES, MAP_READ),
	     "one of many mappings");
}

static void add_capability(u32 number)
{
	struct handle at = place(number);

	must(sys_cap_copy(handle_of(at.value >> 16), at.value & 0xffff,
			  handle_of(SLOT_CNODE)),
	     "one of many capabilities");
}

static void add_thread(u32 number)
{
	struct handle at = place(number);

	must(sys_object_create(SELF_POOL, OBJECT_THREAD, 0, 0, NONE,
			       handle_of(at.value >> 16), at.value & 0xffff),
	     "one of many threads");
	must(sys_thread_configure(at, SELF_ASPACE, SELF_CNODE, NONE,
				  PEER_LAYER, 0),
	     "thread_configure");
	must(sys_thread_schedule(at, SCHED, READY_PRIORITY, 100, 1),
	     "thread_schedule");
	must(sys_thread_start(at, (u64)add_thread, SHARED_AT, 0, 0),
	     "thread_start");
}

void scale_measure(void)
{
	make(SLOT_MAPPED, OBJECT_MEMORY, PAGE_BYTES, 0);
	grow("mappings", add_mapping);
	must(sys_aspace_unmap(SELF_ASPACE, MAPPINGS_AT,
			      steps[STEPS - 1] * 2ull * PAGE_BYTES),
	     "unmap");
	drop(SLOT_MAPPED);
	cnodes(true);
	grow("capabilities", add_capability);
	cnodes(false);
	cnodes(true);
	grow("ready-threads", add_thread);
	for (u32 i = 0; i < made; i++) {
		struct handle at = place(i);

		(void)!sys_cap_delete(handle_of(at.value >> 16),
				      at.value & 0xffff);
	}
	cnodes(false);
}

void scale_processes(u32 count)
{
	for (u32 step = 0; step < STEPS; step++)
		if (count == steps[step]) {
			measure_step(step);
			if (step == STEPS - 1)
				print("processes");
		}
}
