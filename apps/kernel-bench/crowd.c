// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// How many processes fit, and what an idle one costs, everything counted: pool,
// capability space, address space with its page tables, thread, notification, data
// and stack; the code is shared. Each has run and waits on its notification.
#include "apps/kernel-bench/bench.h"
#include "apps/kernel-test/harness/space.h"

#define CROWD_BITS 12
#define CROWD_MOST (4u << CROWD_BITS)
#define POOL_PAGES 11 // reserved: what the process needs
#define CNODE_BITS 4
#define PRIORITY_OF_CROWD (PRIORITY + 1)
#define STACK_TOP 0x600000ull // near the program: the same page table
#define STACK_SIZE (u64) PAGE_BYTES

#define SLOT_CROWD SLOT_ROW_END // and further ones: cnodes with the pools
#define SLOT_CNODE_NEW (SLOT_ROW + 1) // the process being made
#define SLOT_ASPACE_NEW (SLOT_ROW + 2)
#define SLOT_THREAD_NEW (SLOT_ROW + 3)
#define SLOT_BELL_NEW (SLOT_ROW + 4)
#define SLOT_STACK_NEW (SLOT_ROW + 5)
#define SLOT_DATA_NEW (SLOT_ROW + 6)

[[noreturn]] static void idle_process(void)
{
	for (;;)
		(void)!sys_wait(handle_of(SLOT_NOTIFICATION), ~0ull, 0,
				nullptr);
}

static enum status make_from(struct handle pool, u32 slot, u32 type, u64 a)
{
	return sys_object_create(pool, type, a, 0, NONE, SELF_CNODE, slot);
}

static enum status give_new(u32 slot, u32 from)
{
	return sys_cap_copy(handle_of(SLOT_CNODE_NEW), slot, handle_of(from));
}

// The objects of one process; the first error.
static enum status objects_new(struct handle pool)
{
	enum status status =
		make_from(pool, SLOT_CNODE_NEW, OBJECT_CNODE, CNODE_BITS);

	if (status == STATUS_OK)
		status = make_from(pool, SLOT_ASPACE_NEW, OBJECT_ASPACE,
				   ASPACE_PLAIN);
	if (status == STATUS_OK)
		status = make_from(pool, SLOT_THREAD_NEW, OBJECT_THREAD, 0);
	if (status == STATUS_OK)
		status = make_from(pool, SLOT_BELL_NEW, OBJECT_NOTIFICATION, 0);
	if (status == STATUS_OK)
		status = make_from(pool, SLOT_STACK_NEW, OBJECT_MEMORY,
				   STACK_SIZE);
	if (status == STATUS_OK)
		status = space_fill(pool, handle_of(SLOT_ASPACE_NEW),
				    SLOT_DATA_NEW, 0, 0);
	if (status == STATUS_OK)
		status = give_new(SLOT_CNODE, SLOT_CNODE_NEW);
	if (status == STATUS_OK)
		status = give_new(SLOT_THREAD, SLOT_THREAD_NEW);
	if (status == STATUS_OK)
		status = give_new(SLOT_NOTIFICATION, SLOT_BELL_NEW);
	return status;
}

static enum status process_new(struct handle pool)
{
	struct handle thread = handle_of(SLOT_THREAD_NEW);
	enum status status = objects_new(pool);

	if (status == STATUS_OK)
		status = sys_aspace_map(handle_of(SLOT_ASPACE_NEW),
					handle_of(SLOT_STACK_NEW), 0,
					STACK_TOP - STACK_SIZE, STACK_SIZE,
					MAP_READ | MAP_WRITE);
	if (status == STATUS_OK)
		status = sys_thread_configure(
			thread, handle_of(SLOT_ASPACE_NEW),
			handle_of(SLOT_CNODE_NEW), NONE, PEER_LAYER, 0);
	if (status == STATUS_OK)
		status = sys_thread_schedule(thread, SCHED, PRIORITY_OF_CROWD,
					     100, 1);
	if (status == STATUS_OK)
		status = sys_thread_start(thread, (u64)idle_process,
					  STACK_TOP - 8, 0, 0);
	return status;
}

static struct handle pool_of(u32 number)
{
	u32 cnode = SLOT_CROWD + (number >> CROWD_BITS);

	return handle_of(cnode << 16 | (number & ((1u << CROWD_BITS) - 1)));
}

static bool is_waiting(u32 thread)
{
	u64 state = 0;

	(void)!sys_thread_info(handle_of(thread), &state, nullptr, nullptr,
			       nullptr, nullptr);
	return state == THREAD_WAITING;
}

static u64 free_frames(void)
{
	u64 frames;

	must(sys_pool_info(SELF_POOL, nullptr, nullptr, nullptr, nullptr,
			   &frames),
	     "pool_info");
	return frames;
}

void crowd_measure(u32 *count, u64 *kib_tenths, void (*each)(u32 count))
{
	enum status status = STATUS_OK;
	u64 before;

	for (u32 i = 0; i < CROWD_MOST >> CROWD_BITS; i++)
		make(SLOT_CROWD + i, OBJECT_CNODE, CROWD_BITS, 0);
	before = free_frames();
	for (*count = 0; *count < CROWD_MOST; ++*count) {
		u32 cnode = SLOT_CROWD + (*count >> CROWD_BITS);
		u32 index = *count & ((1u << CROWD_BITS) - 1);
		struct handle pool = pool_of(*count);

		status = sys_object_create(SELF_POOL, OBJECT_POOL, POOL_PAGES,
					   0, NONE, handle_of(cnode), index);
		if (status != STATUS_OK)
			break;
		status = process_new(pool);
		if (status == STATUS_OK && !is_waiting(SLOT_THREAD_NEW))
			must(ERR_STATE, "a process of the crowd did not run");
		for (u32 slot = SLOT_CNODE_NEW; slot <= SLOT_DATA_NEW; slot++)
			(void)!sys_cap_delete(SELF_CNODE, slot);
		if (status != STATUS_OK) {
			must(sys_pool_destroy(pool), "pool_destroy");
			break;
		}
		if (each)
			each(*count + 1);
	}
	if (status != STATUS_OK && status != ERR_QUOTA && status != ERR_MEMORY)
		must(status, "a process of the crowd");
	*kib_tenths = *count ? (before - free_frames()) * 40 / *count : 0;
}

void crowd_shrink(u32 count, u32 by)
{
	for (u32 i = 0; i < by && count; i++)
		must(sys_pool_destroy(pool_of(--count)), "pool_destroy");
}
