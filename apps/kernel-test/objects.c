// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// object_create of every type, pools and their accounts.
#include "apps/kernel-test/harness/harness.h"

static enum status create(u32 type, u64 a, u64 b, u32 slot)
{
	return sys_object_create(CASE_POOL, type, a, b,
				 type == OBJECT_SCHED ? SCHED : NONE,
				 SELF_CNODE, slot);
}

static void test_create(void)
{
	static const struct {
		u32 type;
		u64 a, b;
	} good[] = {
		{OBJECT_CNODE, 1, 0},
		{OBJECT_CNODE, 12, 0},
		{OBJECT_ENDPOINT, 0, 0},
		{OBJECT_ENDPOINT, 255, 0},
		{OBJECT_NOTIFICATION, 0, 0},
		{OBJECT_THREAD, 0, 0},
		{OBJECT_ASPACE, ASPACE_PLAIN, 0},
		{OBJECT_ASPACE, ASPACE_CONTAINER, 0},
		{OBJECT_MEMORY, PAGE_BYTES, 0},
		{OBJECT_MEMORY, 1ull << 30, MEMORY_PAGED},
		{OBJECT_MEMORY, 4 * PAGE_BYTES, MEMORY_COMMITTED},
		{OBJECT_POOL, 10, 0},
		{OBJECT_SCHED, 0, 1},
		{OBJECT_SCHED, 63, 3},
		{OBJECT_TIMER, 0, 0},
	};

	for (u32 i = 0; i < ARRAY_COUNT(good); i++) {
		struct handle made = make(good[i].type, good[i].a, good[i].b);
		u32 type, rights;

		OK(sys_cap_info(made, &type, &rights, nullptr));
		SAME(type, good[i].type);
		SAME(rights, 0xff);
	}
}

static void test_create_refused(void)
{
	static const struct {
		u32 type;
		u64 a, b;
	} bad[] = {
		{OBJECT_NONE, 0, 0},
		{OBJECT_REPLY, 0, 0},
		{OBJECT_SYSTEM, 0, 0},
		{OBJECT_IRQ, 0, 0},
		{OBJECT_IOPORT, 0, 1},
		{OBJECT_DMA, 0, 0},
		{16, 0, 0},
		{255, 0, 0},
		{0xffffffff, 0, 0},
		{OBJECT_CNODE, 0, 0},
		{OBJECT_CNODE, 13, 0},
		{OBJECT_CNODE, 64, 0},
		{OBJECT_CNODE, ~0ull, 0},
		{OBJECT_ENDPOINT, 256, 0},
		{OBJECT_ENDPOINT, ~0ull, 0},
		{OBJECT_ASPACE, 3, 0},
		{OBJECT_ASPACE, ~0ull, 0},
		{OBJECT_MEMORY, 0, 0},
		{OBJECT_MEMORY, 100, 0},
		{OBJECT_MEMORY, PAGE_BYTES + 1, 0},
		{OBJECT_MEMORY, PAGE_BYTES, MEMORY_DEVICE},
		{OBJECT_MEMORY, PAGE_BYTES, MEMORY_PHYSICAL},
		{OBJECT_MEMORY, PAGE_BYTES, 0x100},
		{OBJECT_MEMORY, PAGE_BYTES, ~0ull},
		{OBJECT_POOL, 0, 0},
		{OBJECT_SCHED, 64, 1},
		{OBJECT_SCHED, ~0ull, 1},
	};
	u32 slot = slot_new();
	struct usage before, after;

	usage_of(CASE_POOL, &before);
	for (u32 i = 0; i < ARRAY_COUNT(bad); i++) {
		enum status status =
			create(bad[i].type, bad[i].a, bad[i].b, slot);

		if (status != ERR_ARGUMENT && status != ERR_RANGE)
			FAIL("type %u, a %#lx, b %#lx: %s", bad[i].type,
			     bad[i].a, bad[i].b, status_name(status));
		CHECK(!slot_full(handle_of(slot)));
	}
	SAME(create(OBJECT_CNODE, 13, 0, slot), ERR_ARGUMENT);
	SAME(create(OBJECT_TIMER, 0, 0, 256), ERR_RANGE);
	SAME(create(OBJECT_TIMER, 0, 0, SLOT_CNODE), ERR_OCCUPIED);
	SAME(create(OBJECT_POOL, ~0ull, 0, slot), ERR_QUOTA);
	SAME(create(OBJECT_POOL, CASE_POOL_PAGES + 1, 0, slot), ERR_QUOTA);
	SAME(create(OBJECT_MEMORY, (CASE_POOL_PAGES + 1ull) * PAGE_BYTES,
		    MEMORY_COMMITTED, slot),
	     ERR_QUOTA);
	// An aspace of the foreign kind wants a container, a guest its memory.
	SAME(create(OBJECT_ASPACE, ASPACE_FOREIGN, 0, slot), ERR_HANDLE);
	SAME(sys_object_create(CASE_POOL, OBJECT_ASPACE, ASPACE_FOREIGN, 0,
			       SELF_ASPACE, SELF_CNODE, slot),
	     ERR_ARGUMENT);
	SAME(create(OBJECT_GUEST, 0, 0, slot), ERR_HANDLE);
	usage_of(CASE_POOL, &after);
	CHECK(usage_same(&before, &after));
}

// What a pool may use is taken from its parent when it is made.
static void test_pool(void)
{
	struct usage start, now;
	struct handle child, inner, memory;
	u64 limit;
	u32 slot = slot_new();

	usage_of(CASE_POOL, &start);
	child = make(OBJECT_POOL, 100, 0);
	usage_of(CASE_POOL, &now);
	CHECK(now.pages >= start.pages + 100 && now.pages <= start.pages + 101);
	SAME(now.objects, start.objects + 1);
	SAME(now.capabilities, start.capabilities + 1);
	OK(sys_pool_info(child, &limit, nullptr, nullptr, nullptr, nullptr));
	SAME(limit, 100);
	inner = make_from(child, OBJECT_POOL, 50, 0);
	SAME(sys_object_create(child, OBJECT_POOL, 60, 0, NONE, SELF_CNODE,
			       slot),
	     ERR_QUOTA);
	memory = make_from(inner, OBJECT_MEMORY, 100 * PAGE_BYTES, 0);
	map_at(memory, AREA, 100 * PAGE_BYTES, MAP_READ | MAP_WRITE);
	*word_at(AREA) = 1;
	usage_of(inner, &now);
	CHECK(now.pages >= 2 && now.objects == 1);
	SAME(sys_object_create(inner, OBJECT_MEMORY, 50 * PAGE_BYTES,
			       MEMORY_COMMITTED, NONE, SELF_CNODE, slot),
	     ERR_QUOTA);
	OK(sys_pool_destroy(child));
	CHECK(!slot_full(child) && !slot_full(inner) && !slot_full(memory));
	SAME(sys_pool_destroy(child), ERR_HANDLE);
	SAME(sys_pool_destroy(SELF_POOL), ERR_STATE);
	unmap(AREA, 100 * PAGE_BYTES);
	usage_of(CASE_POOL, &now);
	SAME(now.objects, start.objects);
	SAME(now.pages, start.pages);
}

// A pool that is full refuses and goes on working.
static void test_pool_full(void)
{
	struct handle child = make(OBJECT_POOL, 4, 0);
	struct handle cnode = make(OBJECT_CNODE, 12, 0);
	struct usage usage;
	u32 made = 0;

	while (sys_object_create(child, OBJECT_NOTIFICATION, 0, 0, NONE, cnode,
				 made) == STATUS_OK)
		made++;
	CHECK(made >= 30 && made < 4096);
	SAME(sys_object_create(child, OBJECT_NOTIFICATION, 0, 0, NONE, cnode,
			       made),
	     ERR_QUOTA);
	usage_of(child, &usage);
	SAME(usage.pages, 4);
	SAME(usage.objects, made);
	SAME(usage.capabilities, made);
	for (u32 round = 0; round < 5; round++) {
		for (u32 i = 0; i < made; i += 2)
			OK(sys_cap_delete(cnode, i));
		for (u32 i = 0; i < made; i += 2)
			OK(sys_object_create(child, OBJECT_NOTIFICATION, 0, 0,
					     NONE, cnode, i));
	}
	OK(sys_pool_destroy(child));
	for (u32 i = 0; i < made; i++)
		CHECK(!slot_full(handle_of(cnode.value << 16 | i)));
}

static void idle(struct worker *)
{
	park();
}

// Everything made from a pool dies with it, wherever it is used.
static void test_pool_destroy(void)
{
	struct handle child = make(OBJECT_POOL, 1000, 0);
	struct handle cnode = make_from(child, OBJECT_CNODE, 5, 0);
	struct handle server = make_from(child, OBJECT_ENDPOINT, 5, 0);
	struct handle bell = make_from(child, OBJECT_NOTIFICATION, 0, 0);
	struct worker *worker = worker_new(idle);
	struct usage usage;
	u32 slots = slots_new(2);

	OK(sys_cap_copy(cnode, 3, server));
	OK(sys_cap_copy(cnode, 4, cnode));
	(void)space_from(child, slots, slots + 1);
	worker->aspace = handle_of(slots + 1);
	worker_start(worker);
	OK(sys_thread_bind(handle_of(worker->thread), bell));
	OK(sys_pool_destroy(child));
	CHECK(!slot_full(cnode) && !slot_full(server) && !slot_full(bell));
	// Its address space is gone: the thread stays, and cannot be started.
	worker_wait_state(worker, THREAD_STOPPED);
	SAME(sys_thread_start(handle_of(worker->thread), 0x400000, 0, 0, 0),
	     ERR_STATE);
	kill(worker);
	OK(slot_delete(handle_of(worker->bell)));
	usage_of(CASE_POOL, &usage);
	SAME(usage.objects, 0);
}

// Deep nesting has an end, and goes away as a whole.
static void test_pool_depth(void)
{
	struct handle first = make(OBJECT_POOL, 2000, 0), pool = first;
	enum status status = STATUS_OK;
	u32 depth = 0;

	while (status == STATUS_OK && depth < 60) {
		struct handle made = handle_of(slot_new());

		status = sys_object_create(pool, OBJECT_POOL,
					   2000 - 20 * (depth + 1), 0, NONE,
					   SELF_CNODE, made.value);
		pool = made;
		depth++;
	}
	SAME(status, ERR_ARGUMENT);
	CHECK(depth > 8);
	OK(sys_pool_destroy(first));
}

const struct test_case suite_objects[] = {
	{"objects.create", test_create, "object_create ok", 0},
	{"objects.create-refused", test_create_refused,
	 "object_create error ARGUMENT;object_create error RANGE;"
	 "object_create error OCCUPIED;object_create error QUOTA",
	 0},
	{"objects.pool", test_pool,
	 "pool_info ok;pool_destroy ok;pool_destroy error STATE", 0},
	{"objects.pool-full", test_pool_full, nullptr, 0},
	{"objects.pool-destroy", test_pool_destroy, nullptr, 0},
	{"objects.pool-depth", test_pool_depth, nullptr, 0},
	{}};
