// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Rows about pages.
#include "apps/kernel-bench/bench.h"

#define PAGE (u64) PAGE_BYTES
#define RW (MAP_READ | MAP_WRITE)
#define ALL (ROUNDS * PAGE)
#define SLOT_SOURCE (SLOT_ROW + 1)
#define SLOT_BELL (SLOT_ROW + 2)
#define BELL handle_of(SLOT_BELL)
#define SOURCE handle_of(SLOT_SOURCE)

static void map(struct handle memory, u64 bytes, u32 flags)
{
	must(sys_aspace_map(SELF_ASPACE, memory, 0, AREA, bytes, flags),
	     "aspace_map");
}

static void unmap(u64 bytes)
{
	must(sys_aspace_unmap(SELF_ASPACE, AREA, bytes), "aspace_unmap");
}

// Eager: the entry of the page table is written, not left to a fault.
static void one_page(void)
{
	(void)!sys_aspace_map(SELF_ASPACE, ROW, 0, AREA, PAGE, RW | MAP_EAGER);
	(void)!sys_aspace_unmap(SELF_ASPACE, AREA, PAGE);
}

static u64 map_unmap(u64 *)
{
	make(SLOT_ROW, OBJECT_MEMORY, PAGE, MEMORY_COMMITTED);
	map(ROW, PAGE, RW | MAP_EAGER);
	*(volatile u64 *)AREA = 1;
	unmap(PAGE);
	return MEASURE(one_page());
}

// As map_unmap, but what takes the page away is that the memory is revoked.
static void revoke_page(void)
{
	(void)!sys_aspace_map(SELF_ASPACE, ROW, 0, AREA, PAGE, RW | MAP_EAGER);
	(void)!sys_cap_revoke(SELF_CNODE, SLOT_ROW);
	(void)!sys_aspace_unmap(SELF_ASPACE, AREA, PAGE);
}

static u64 mapping_revoke(u64 *)
{
	make(SLOT_ROW, OBJECT_MEMORY, PAGE, MEMORY_COMMITTED);
	map(ROW, PAGE, RW | MAP_EAGER);
	*(volatile u64 *)AREA = 1;
	must(sys_cap_revoke(SELF_CNODE, SLOT_ROW), "cap_revoke");
	if (sys_aspace_unmap(SELF_ASPACE, AREA, PAGE) != STATUS_OK)
		must(ERR_STATE, "unmap of what was revoked");
	return MEASURE(revoke_page());
}

static u64 touch_all(void)
{
	u64 start = ticks();

	if (samples)
		for (u64 i = 0; i < ROUNDS; i++)
			SAMPLE(i, *(volatile u8 *)(AREA + i * PAGE) = 1);
	else
		for (u64 i = 0; i < ROUNDS; i++)
			*(volatile u8 *)(AREA + i * PAGE) = 1;
	return ticks() - start;
}

static u64 fault_zero(u64 *)
{
	u64 elapsed;

	make(SLOT_ROW, OBJECT_MEMORY, ALL, 0);
	map(ROW, ALL, RW);
	elapsed = touch_all();
	unmap(ALL);
	return elapsed;
}

// Writes to pages that a clone shares: each is copied.
static u64 fault_cow(u64 *)
{
	u64 elapsed;

	make(SLOT_ROW, OBJECT_MEMORY, ALL, 0);
	map(ROW, ALL, RW);
	(void)touch_all();
	must(sys_memory_clone(ROW, SELF_POOL, SELF_CNODE, SLOT_SOURCE),
	     "memory_clone");
	elapsed = touch_all();
	unmap(ALL);
	return elapsed;
}

// Moves the pages that were asked for from one memory into the other.
static void pager(void)
{
	u64 offset;

	must(sys_memory_request(ROW, BELL, 1, nullptr) == ERR_AGAIN ? STATUS_OK
								    : ERR_STATE,
	     "memory_request");
	while (sys_wait(BELL, ~0ull, 0, nullptr) == STATUS_OK)
		while (sys_memory_request(ROW, NONE, 0, &offset) == STATUS_OK)
			must(sys_memory_supply(ROW, offset, PAGE, SOURCE,
					       offset),
			     "memory_supply");
}

// The pages that the pager has: made before.
static void fill_source(void)
{
	make(SLOT_SOURCE, OBJECT_MEMORY, ALL, 0);
	map(SOURCE, ALL, RW);
	(void)touch_all();
	unmap(ALL);
}

static u64 fault_pager(u64 *)
{
	u64 elapsed;

	make(SLOT_ROW, OBJECT_MEMORY, ALL, MEMORY_PAGED);
	fill_source();
	make(SLOT_BELL, OBJECT_NOTIFICATION, 0, 0);
	peer_give(SLOT_ROW);
	peer_give(SLOT_SOURCE);
	peer_give(SLOT_BELL);
	map(ROW, ALL, RW);
	peer_run(pager, PRIORITY + 1);
	elapsed = touch_all();
	unmap(ALL);
	return elapsed;
}

const struct row memory_rows[] = {{"map-unmap", map_unmap},
				  {"mapping-revoke", mapping_revoke},
				  {"fault-zero-page", fault_zero},
				  {"fault-cow", fault_cow},
				  {"fault-pager", fault_pager},
				  {}};
