// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Does an operation cost more when there is much of everything? The rows that need
// little memory are measured twice: alone, and among the processes of crowd.c (each
// a thread that waits, an address space, its mappings and capabilities) with MANY
// mappings in the measuring process's own address space and MANY capabilities to an
// object that it uses. The row is the worst ratio.
#include "apps/kernel-bench/bench.h"
#include "lib/base/string.h"

#define MANY 10000
#define FEW 10
#define ROWS_MOST 32
#define MAPPINGS_AT 0x2400000000ull
#define COPIES_BITS 12

#define SLOT_PAGE 24 // what is mapped MANY times
#define SLOT_COPIES 25 // to 27: cnodes with the capabilities

static const struct row *const tables[] = {message_rows, object_rows,
					   memory_rows};
static u64 alone[ROWS_MOST];
static u32 mappings, copies;

static void add_mapping(void)
{
	must(sys_aspace_map(SELF_ASPACE, handle_of(SLOT_PAGE), 0,
			    MAPPINGS_AT + mappings++ * 2 * PAGE_BYTES,
			    PAGE_BYTES, MAP_READ),
	     "one of many mappings");
}

static void add_copy(void)
{
	u32 cnode = SLOT_COPIES + (copies >> COPIES_BITS);

	must(sys_cap_copy(handle_of(cnode), copies & ((1u << COPIES_BITS) - 1),
			  handle_of(SLOT_CNODE)),
	     "one of many capabilities");
	copies++;
}

static void fill(u32 count)
{
	while (mappings < count)
		add_mapping();
	while (copies < count)
		add_copy();
}

// Calls use for every row that is not about much memory.
static void each_row(void (*use)(const struct row *row, u32 number))
{
	u32 number = 0;

	for (u32 i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct row *row = tables[i]; row->name; row++)
			if (strncmp(row->name, "fault", 5) &&
			    number < ROWS_MOST)
				use(row, number++);
}

static void measure_alone(const struct row *row, u32 number)
{
	alone[number] = row_tenths(row);
}

static const char *worst_name = "";
static u64 worst; // thousandths

static void measure_again(const struct row *row, u32 number)
{
	u64 now = row_tenths(row), ratio = now * 1000 / (alone[number] ?: 1);

	if (ratio <= worst)
		return;
	worst = ratio;
	worst_name = row->name;
}

void flat_before(void)
{
	make(SLOT_PAGE, OBJECT_MEMORY, PAGE_BYTES, 0);
	for (u32 i = 0; i <= MANY >> COPIES_BITS; i++)
		make(SLOT_COPIES + i, OBJECT_CNODE, COPIES_BITS, 0);
	fill(FEW);
	// Twice: after the first time everybody has used what some row uses.
	each_row(measure_alone);
	each_row(measure_alone);
}

void flat_after(void)
{
	fill(MANY);
	each_row(measure_again);
	say("flatness: %s\n", worst_name);
	say("BENCH flatness ratio %lu.%03lu\n", worst / 1000, worst % 1000);
}
