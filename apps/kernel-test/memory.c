// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Memory and mappings: demand zero, copy on write, pagers, protection, borders.
#include "apps/kernel-test/arch/machine.h"
#include "apps/kernel-test/harness/harness.h"

#define PAGE (u64) PAGE_BYTES
#define RW (MAP_READ | MAP_WRITE)

// ---- threads that touch what they are told to

static void touch(struct worker *self)
{
	volatile u64 *at = word_at(self->argument[0]);

	switch (self->argument[1]) {
	case MAP_WRITE:
		*at = self->argument[2];
		break;
	case MAP_EXEC:
		((void (*)(void))at)();
		break;
	default:
		self->result[0] = *at;
	}
}

static struct worker *touch_run(struct handle faults, u64 address, u64 how)
{
	struct worker *worker = worker_new(touch);

	worker->fault = faults;
	worker->argument[0] = address;
	worker->argument[1] = how;
	worker->argument[2] = 99;
	worker_start(worker);
	return worker;
}

// Accessing address in this way faults with these bits in code.
static void must_fault(u64 address, u64 how, u64 code)
{
	struct handle faults = endpoint();
	struct worker *worker = touch_run(faults, address, how);
	struct fault fault;

	if (!fault_receive(faults, &fault))
		FAIL("access %lu to %#lx did not fault", how, address);
	SAME(fault.kind, FAULT_ACCESS);
	SAME(fault.address, address);
	if (code != ~0ull)
		SAME(fault.code & (FAULT_CODE_WRITE | FAULT_CODE_EXEC), code);
	if (how != MAP_EXEC)
		CHECK(fault.pc >= 0x400000 && fault.pc < 0x800000);
	kill(worker);
	OK(slot_delete(handle_of(worker->bell)));
	OK(slot_delete(faults));
	worker->stack = 0; // may be used again
}

static void must_work(u64 address, u64 how)
{
	struct handle faults = endpoint();
	struct worker *worker = touch_run(faults, address, how);

	if (!worker_ended(worker, SECOND))
		FAIL("access %lu to %#lx failed", how, address);
	kill(worker);
	OK(slot_delete(handle_of(worker->bell)));
	OK(slot_delete(faults));
	worker->stack = 0;
}

static enum status map_status(struct handle memory, u64 offset, u64 address,
			      u64 length, u32 flags)
{
	return sys_aspace_map(SELF_ASPACE, memory, offset, address, length,
			      flags);
}

// ----

static void test_zero_fill(void)
{
	struct handle memory = memory_of(300 * PAGE);
	u64 present, size, flags;

	map_at(memory, AREA, 300 * PAGE, RW);
	OK(sys_memory_info(memory, &size, &present, &flags, nullptr));
	SAME(size, 300 * PAGE);
	SAME(present, 0);
	SAME(flags, MEMORY_ANON);
	for (u64 i = 0; i < 300; i++) {
		for (u64 j = 0; j < PAGE / 8; j++)
			SAME(word_at(AREA + i * PAGE)[j], 0);
		*word_at(AREA + i * PAGE + 8 * i) = ~i;
	}
	for (u64 i = 0; i < 300; i++)
		SAME(*word_at(AREA + i * PAGE + 8 * i), ~i);
	OK(sys_memory_info(memory, nullptr, &present, nullptr, nullptr));
	SAME(present, 300);
	OK(sys_memory_decommit(memory, 10 * PAGE, 200 * PAGE));
	OK(sys_memory_info(memory, nullptr, &present, nullptr, nullptr));
	SAME(present, 100);
	for (u64 i = 0; i < 300; i++)
		SAME(*word_at(AREA + i * PAGE + 8 * i),
		     i >= 10 && i < 210 ? 0 : ~i);
}

// What others left in a frame is never seen.
static void test_zero_again(void)
{
	for (u32 round = 0; round < 5; round++) {
		struct handle memory = memory_of(200 * PAGE);

		map_at(memory, AREA, 200 * PAGE, RW);
		for (u64 i = 0; i < 200 * PAGE / 8; i++) {
			SAME(word_at(AREA)[i], 0);
			word_at(AREA)[i] = 0xdeadbeefdeadbeef;
		}
		unmap(AREA, 200 * PAGE);
		OK(slot_delete(memory));
	}
}

static void test_map_refused(void)
{
	struct handle memory = memory_of(16 * PAGE);
	struct handle reader = with_rights(memory, RIGHT_READ | RIGHT_DERIVE);
	struct handle blind = with_rights(memory, RIGHT_CONTROL);

	map_at(memory, AREA + 4 * PAGE, 4 * PAGE, RW);
	SAME(map_status(memory, 0, AREA + 7 * PAGE, PAGE, RW), ERR_OCCUPIED);
	SAME(map_status(memory, 0, AREA + PAGE, 4 * PAGE, RW), ERR_OCCUPIED);
	SAME(map_status(memory, 0, AREA, 16 * PAGE, RW), ERR_OCCUPIED);
	OK(map_status(memory, 0, AREA, 4 * PAGE, RW));
	OK(map_status(memory, 0, AREA + 8 * PAGE, PAGE, RW));
	SAME(map_status(memory, PAGE, AREA + 0x100000, 16 * PAGE, RW),
	     ERR_RANGE);
	SAME(map_status(memory, 16 * PAGE, AREA + 0x100000, PAGE, RW),
	     ERR_RANGE);
	SAME(map_status(memory, ~0ull << 12, AREA + 0x100000, 2 * PAGE, RW),
	     ERR_RANGE);
	SAME(map_status(memory, 1, AREA + 0x100000, PAGE, RW), ERR_ARGUMENT);
	SAME(map_status(memory, 0, AREA + 0x100001, PAGE, RW), ERR_ARGUMENT);
	SAME(map_status(memory, 0, AREA + 0x100000, 100, RW), ERR_ARGUMENT);
	SAME(map_status(memory, 0, AREA + 0x100000, 0, RW), ERR_ARGUMENT);
	SAME(map_status(memory, 0, AREA + 0x100000, PAGE,
			MAP_READ | MAP_WRITE | MAP_EXEC),
	     ERR_ARGUMENT);
	SAME(map_status(memory, 0, AREA + 0x100000, PAGE, MAP_WRITE | MAP_EXEC),
	     ERR_ARGUMENT);
	SAME(map_status(memory, 0, AREA + 0x100000, PAGE, 0x80), ERR_ARGUMENT);
	SAME(map_status(reader, 0, AREA + 0x100000, PAGE, RW), ERR_RIGHTS);
	SAME(map_status(reader, 0, AREA + 0x100000, PAGE, MAP_READ | MAP_EXEC),
	     ERR_RIGHTS);
	SAME(map_status(blind, 0, AREA + 0x100000, PAGE, MAP_READ), ERR_RIGHTS);
	OK(map_status(reader, 0, AREA + 0x100000, PAGE, MAP_READ));
}

static void test_borders(void)
{
	struct handle memory = memory_of(4 * PAGE);
	enum status status;

	// Where user space ends, exactly.
	OK(map_status(memory, 0, USER_END - 2 * PAGE, 2 * PAGE, RW));
	*word_at(USER_END - 8) = 1;
	SAME(*word_at(USER_END - 8), 1);
	must_fault(USER_END - 3 * PAGE, MAP_READ, 0);
	unmap(USER_END - 2 * PAGE, 2 * PAGE);
	for (u64 i = 0; i < 3; i++) {
		status = map_status(memory, 0, USER_END - (i ? 2 : 1) * PAGE,
				    (i ? i + 2 : 2) * PAGE, RW);
		if (status != ERR_RANGE && status != ERR_ARGUMENT)
			FAIL("mapping across the end: %s", status_name(status));
	}
	const u64 bad[] = {
		0,
		USER_END,
		USER_END + PAGE_BYTES,
		0xffff800000000000,
		0xffffffff80000000,
		~0xfffull,
		1ull << 63,
	};
	for (u32 i = 0; i < ARRAY_COUNT(bad); i++) {
		status = map_status(memory, 0, bad[i], PAGE, RW);
		if (status != ERR_RANGE && status != ERR_ARGUMENT)
			FAIL("mapping at %#lx: %s", bad[i],
			     status_name(status));
		status = sys_aspace_unmap(SELF_ASPACE, bad[i], PAGE);
		if (bad[i] && status != ERR_ARGUMENT && status != ERR_RANGE)
			FAIL("unmapping at %#lx: %s", bad[i],
			     status_name(status));
	}
	status = map_status(memory, 0, AREA, ~0ull << 12, RW);
	CHECK(status == ERR_RANGE || status == ERR_ARGUMENT);
	status = map_status(memory, 0, PAGE, PAGE, RW);
	OK(status);
	*word_at(PAGE) = 3;
	unmap(PAGE, PAGE);
}

static void test_unmap(void)
{
	struct handle memory = memory_of(10 * PAGE);

	map_at(memory, AREA, 10 * PAGE, RW);
	for (u64 i = 0; i < 10; i++)
		*word_at(AREA + i * PAGE) = i;
	unmap(AREA + 3 * PAGE, 4 * PAGE); // the middle
	must_fault(AREA + 3 * PAGE, MAP_READ, 0);
	must_fault(AREA + 6 * PAGE, MAP_WRITE, FAULT_CODE_WRITE);
	SAME(*word_at(AREA + 2 * PAGE), 2);
	SAME(*word_at(AREA + 7 * PAGE), 7);
	unmap(AREA, PAGE); // an end
	must_fault(AREA, MAP_READ, 0);
	SAME(*word_at(AREA + PAGE), 1);
	unmap(AREA, 10 * PAGE); // what is left, and gaps
	unmap(AREA, 10 * PAGE); // nothing
	SAME(sys_aspace_unmap(SELF_ASPACE, AREA + 1, PAGE), ERR_ARGUMENT);
	SAME(sys_aspace_unmap(SELF_ASPACE, AREA, 5), ERR_ARGUMENT);
	// The object has its pages still.
	map_at(memory, AREA, 10 * PAGE, MAP_READ);
	SAME(*word_at(AREA + 5 * PAGE), 5);
}

static void test_protect(void)
{
	struct handle memory = memory_of(4 * PAGE);
	struct handle reader = with_rights(memory, RIGHT_READ | RIGHT_DERIVE);

	map_at(memory, AREA, 4 * PAGE, RW);
	*word_at(AREA) = *word_at(AREA + PAGE) = 5;
	OK(sys_aspace_protect(SELF_ASPACE, AREA + PAGE, PAGE, MAP_READ));
	SAME(*word_at(AREA + PAGE), 5);
	must_fault(AREA + PAGE, MAP_WRITE, FAULT_CODE_WRITE);
	*word_at(AREA) = 6;
	*word_at(AREA + 2 * PAGE) = 6;
	OK(sys_aspace_protect(SELF_ASPACE, AREA + PAGE, PAGE, RW));
	*word_at(AREA + PAGE) = 7;
	OK(sys_aspace_protect(SELF_ASPACE, AREA, 4 * PAGE, 0));
	must_fault(AREA + 2 * PAGE, MAP_READ, 0);
	SAME(sys_aspace_protect(SELF_ASPACE, AREA, PAGE, MAP_WRITE | MAP_EXEC),
	     ERR_ARGUMENT);
	SAME(sys_aspace_protect(SELF_ASPACE, AREA + 5, PAGE, MAP_READ),
	     ERR_ARGUMENT);
	SAME(sys_aspace_protect(SELF_ASPACE, AREA + 0x100000, PAGE, MAP_READ),
	     ERR_EMPTY);
	map_at(reader, AREA + 0x200000, PAGE, MAP_READ);
	SAME(sys_aspace_protect(SELF_ASPACE, AREA + 0x200000, PAGE, RW),
	     ERR_RIGHTS);
	SAME(sys_aspace_protect(SELF_ASPACE, AREA + 0x200000, PAGE,
				MAP_READ | MAP_EXEC),
	     ERR_RIGHTS);
}

// A page is never both writable and executable.
static void test_write_or_execute(void)
{
	struct handle memory = memory_of(PAGE);

	map_at(memory, AREA, PAGE, RW);
	memcpy((void *)AREA, machine_return.byte, machine_return.bytes);
	must_fault(AREA, MAP_EXEC, FAULT_CODE_EXEC);
	OK(sys_aspace_protect(SELF_ASPACE, AREA, PAGE, MAP_READ | MAP_EXEC));
	must_work(AREA, MAP_EXEC);
	must_fault(AREA, MAP_WRITE, FAULT_CODE_WRITE);
	OK(sys_aspace_protect(SELF_ASPACE, AREA, PAGE, RW));
	must_fault(AREA, MAP_EXEC, FAULT_CODE_EXEC);
	must_work(AREA, MAP_WRITE);
}

// ---- copy on write

static void check_pages(u64 address, u64 base, u64 changed, u64 with)
{
	for (u64 i = 0; i < 8; i++)
		SAME(*word_at(address + i * PAGE),
		     i == changed ? with : base + i);
}

static void test_clone(void)
{
	struct handle memory = memory_of(8 * PAGE);
	struct handle copy = handle_of(slot_new());
	struct handle second = handle_of(slot_new());

	map_at(memory, AREA, 8 * PAGE, RW);
	for (u64 i = 0; i < 8; i++)
		*word_at(AREA + i * PAGE) = 100 + i;
	OK(sys_memory_clone(memory, CASE_POOL, SELF_CNODE, copy.value));
	map_at(copy, AREA + 0x100000, 8 * PAGE, RW);
	check_pages(AREA + 0x100000, 100, 99, 0);
	*word_at(AREA + 2 * PAGE) = 1;
	*word_at(AREA + 0x100000 + 3 * PAGE) = 2;
	check_pages(AREA, 100, 2, 1);
	check_pages(AREA + 0x100000, 100, 3, 2);
	OK(sys_memory_clone(copy, CASE_POOL, SELF_CNODE, second.value));
	OK(slot_delete(memory)); // still mapped: lives on
	unmap(AREA, 8 * PAGE);
	*word_at(AREA + 0x100000 + 3 * PAGE) = 103;
	check_pages(AREA + 0x100000, 100, 99, 0);
	map_at(second, AREA, 8 * PAGE, RW);
	check_pages(AREA, 100, 3, 2);
	unmap(AREA + 0x100000, 8 * PAGE);
	OK(slot_delete(copy));
	check_pages(AREA, 100, 3, 2);
	for (u64 i = 0; i < 8; i++)
		*word_at(AREA + i * PAGE) = 7;
}

static void test_clone_refused(void)
{
	struct handle memory = memory_of(8 * PAGE);
	struct handle window = with_badge(memory, 1ull << 32 | 2);
	struct handle tiny = make(OBJECT_POOL, 1, 0);
	struct handle small = make(OBJECT_POOL, 4, 0);
	u32 slot = slot_new();

	map_at(memory, AREA, 8 * PAGE, RW);
	for (u64 i = 0; i < 8; i++)
		*word_at(AREA + i * PAGE) = i;
	SAME(sys_memory_clone(memory, CASE_POOL, SELF_CNODE, memory.value),
	     ERR_OCCUPIED);
	SAME(sys_memory_clone(window, CASE_POOL, SELF_CNODE, slot),
	     ERR_ARGUMENT);
	SAME(sys_memory_clone(memory, tiny, SELF_CNODE, slot), ERR_QUOTA);
	// The pages that are shared count for the clone's pool as well.
	SAME(sys_memory_clone(memory, small, SELF_CNODE, slot), ERR_QUOTA);
	CHECK(!slot_full(handle_of(slot)));
	SAME(sys_memory_clone(handle_of(SLOT_NEVER), CASE_POOL, SELF_CNODE,
			      slot),
	     ERR_HANDLE);
}

// Clones of clones, written at random, against copies kept here.
static void test_clone_many(void)
{
	enum { COPIES = 6, PAGES = 16 };
	static u64 want[COPIES][PAGES];
	struct handle copy[COPIES];
	u64 state = 99;

	memset(want, 0, sizeof(want));
	copy[0] = memory_of(PAGES * PAGE);
	map_at(copy[0], AREA, PAGES * PAGE, RW);
	for (u32 i = 1; i < COPIES; i++)
		copy[i] = handle_of(slot_new());
	for (u32 step = 0; step < 400; step++) {
		u32 which = (u32)(random_next(&state) % COPIES);
		u32 from = (u32)(random_next(&state) % COPIES);
		u64 at = AREA + which * 0x100000;

		if (!slot_full(copy[which])) {
			if (!slot_full(copy[from]))
				continue;
			OK(sys_memory_clone(copy[from], CASE_POOL, SELF_CNODE,
					    copy[which].value));
			map_at(copy[which], at, PAGES * PAGE, RW);
			memcpy(want[which], want[from], sizeof(want[from]));
		} else if (which && random_next(&state) % 16 == 0) {
			unmap(at, PAGES * PAGE);
			OK(slot_delete(copy[which]));
			continue;
		}
		for (u32 i = 0; i < 4; i++) {
			u32 page = (u32)(random_next(&state) % PAGES);

			want[which][page] = random_next(&state);
			*word_at(at + page * PAGE) = want[which][page];
		}
		for (u32 i = 0; i < PAGES; i++)
			SAME(*word_at(at + i * PAGE), want[which][i]);
	}
}

static void test_quota(void)
{
	struct handle pool = make(OBJECT_POOL, 12, 0);
	struct handle memory = make_from(pool, OBJECT_MEMORY, 64 * PAGE, 0);
	struct handle faults = endpoint(), tiny, small;
	struct worker *worker;
	struct fault fault;
	u64 i;

	map_at(memory, AREA, 64 * PAGE, RW);
	worker = touch_run(faults, AREA, MAP_WRITE);
	for (i = 1; i < 64 && worker_ended(worker, 20 * MS); i++) {
		kill(worker);
		OK(slot_delete(handle_of(worker->bell)));
		worker->stack = 0;
		worker = touch_run(faults, AREA + i * PAGE, MAP_WRITE);
	}
	CHECK(i > 5 && i < 13);
	CHECK(fault_receive(faults, &fault));
	SAME(fault.kind, FAULT_ACCESS);
	// Room is made; the access is done again.
	OK(sys_memory_decommit(memory, 0, PAGE));
	fault_reply(FAULT_REPLY_RETRY);
	worker_join(worker);
	// An aspace of a pool with nothing left.
	tiny = make(OBJECT_POOL, 3, 0);
	small = handle_of(slot_new());
	if (sys_object_create(tiny, OBJECT_ASPACE, 0, 0, NONE, SELF_CNODE,
			      small.value) == STATUS_OK) {
		struct handle page = memory_of(64 * PAGE);
		enum status status = STATUS_OK;

		for (i = 0; i < 64 && status == STATUS_OK; i++)
			status = sys_aspace_map(small, page, i * PAGE,
						0x10000 + 2 * i * PAGE, PAGE,
						MAP_READ);
		SAME(status, ERR_QUOTA);
		// Cutting a mapping in two needs room as well.
		status = sys_aspace_protect(small, 0x10000, PAGE, 0);
		CHECK(status == STATUS_OK || status == ERR_QUOTA);
	}
}

// Splitting mappings in an aspace whose pool is used up.
static void test_quota_split(void)
{
	struct handle pool = make(OBJECT_POOL, 6, 0);
	struct handle space = make_from(pool, OBJECT_ASPACE, 0, 0);
	struct handle page = memory_of(4096 * PAGE);
	enum status status;
	u64 i;

	OK(sys_aspace_map(space, page, 0, 0x100000, 4096 * PAGE, RW));
	for (i = 1; i < 2000; i++) {
		status = sys_aspace_unmap(space, 0x100000 + 2 * i * PAGE, PAGE);
		if (status != STATUS_OK)
			break;
	}
	CHECK(i > 10 && i < 2000);
	SAME(status, ERR_QUOTA);
	status = sys_aspace_protect(space, 0x100000 + 2 * i * PAGE, PAGE,
				    MAP_READ);
	SAME(status, ERR_QUOTA);
	OK(sys_aspace_unmap(space, 0x100000, 4096 * PAGE));
	OK(sys_aspace_map(space, page, 0, 0x100000, PAGE, RW));
}

static void test_decommit_refused(void)
{
	struct handle memory = memory_of(8 * PAGE);
	struct handle dma = handle_of(slot_new());
	u64 bus;

	SAME(sys_memory_decommit(memory, 0, 9 * PAGE), ERR_RANGE);
	SAME(sys_memory_decommit(memory, 8 * PAGE, PAGE), ERR_RANGE);
	SAME(sys_memory_decommit(memory, ~0ull << 12, PAGE), ERR_RANGE);
	SAME(sys_memory_decommit(memory, 1, PAGE), ERR_ARGUMENT);
	SAME(sys_memory_decommit(memory, 0, 1), ERR_ARGUMENT);
	SAME(sys_memory_decommit(memory, 0, 0), ERR_ARGUMENT);
	OK(sys_device_create(SYSTEM, OBJECT_DMA, 0, 0, CASE_POOL, SELF_CNODE,
			     dma.value));
	OK(sys_dma_map(dma, memory, 0, PAGE, &bus));
	SAME(sys_memory_decommit(memory, 0, PAGE), ERR_STATE);
	OK(sys_dma_unmap(dma, bus, PAGE));
	OK(sys_memory_decommit(memory, 0, PAGE));
}

static void test_committed(void)
{
	struct handle pool = make(OBJECT_POOL, 30, 0);
	struct usage usage;
	struct handle memory = make_from(pool, OBJECT_MEMORY, 20 * PAGE, 0);
	u32 slot = slot_new();

	OK(slot_delete(memory));
	OK(sys_object_create(pool, OBJECT_MEMORY, 20 * PAGE, MEMORY_COMMITTED,
			     NONE, SELF_CNODE, slot));
	usage_of(pool, &usage);
	CHECK(usage.pages >= 21);
	SAME(sys_object_create(pool, OBJECT_MEMORY, 20 * PAGE, MEMORY_COMMITTED,
			       NONE, SELF_CNODE, slot_new()),
	     ERR_QUOTA);
	map_at(handle_of(slot), AREA, 20 * PAGE, RW);
	for (u64 i = 0; i < 20; i++)
		*word_at(AREA + i * PAGE) = i; // never fails
	u64 before = usage.pages;

	usage_of(pool, &usage);
	SAME(usage.pages, before);
}

// ---- memory that a pager fills

static void pager(struct worker *self)
{
	struct handle memory = handle_of((u32)self->argument[0]);
	struct handle bell = handle_of((u32)self->argument[1]);
	struct handle source = handle_of((u32)self->argument[2]);
	volatile u64 *page = word_at(AREA + 0x800000);
	u64 offset, bits;
	enum status status = sys_memory_request(memory, bell, 4, &offset);

	for (;;) {
		while (status == STATUS_OK) {
			self->result[0]++;
			if (offset == 7 * PAGE) {
				status = sys_memory_supply(memory, offset, PAGE,
							   NONE, 0);
			} else {
				*page = 1000 + offset / PAGE;
				status = sys_memory_supply(memory, offset, PAGE,
							   source, 0);
			}
			if (status != STATUS_OK)
				break;
			status = sys_memory_request(memory, NONE, 0, &offset);
		}
		self->result[1] = (u64)status;
		if (status != ERR_AGAIN)
			return;
		if (sys_wait(bell, 4, 0, &bits) != STATUS_OK)
			return;
		status = sys_memory_request(memory, NONE, 0, &offset);
	}
}

static struct handle paged;

static struct worker *pager_run(u64 pages)
{
	struct handle bell = notification(), source = memory_of(PAGE);
	struct worker *worker = worker_new(pager);

	paged = make(OBJECT_MEMORY, pages * PAGE, MEMORY_PAGED);
	map_at(source, AREA + 0x800000, PAGE, RW);
	worker->argument[0] = paged.value;
	worker->argument[1] = bell.value;
	worker->argument[2] = source.value;
	worker->layer = SERVER_LAYER;
	worker_start(worker);
	return worker;
}

static void test_pager(void)
{
	struct handle faults = endpoint();
	struct worker *worker, *server = pager_run(8);
	u64 present, dirty = ~0ull;
	struct fault fault;

	map_at(paged, AREA, 8 * PAGE, RW);
	for (u64 i = 0; i < 6; i++)
		SAME(*word_at(AREA + i * PAGE), 1000 + i);
	SAME(server->result[0], 6);
	OK(sys_memory_info(paged, nullptr, &present, nullptr, nullptr));
	SAME(present, 6);
	SAME(sys_memory_clean(paged, 0, &dirty), ERR_EMPTY);
	*word_at(AREA + 3 * PAGE) = 5;
	*word_at(AREA + 5 * PAGE) = 6;
	OK(sys_memory_clean(paged, 0, &dirty));
	SAME(dirty, 3 * PAGE);
	OK(sys_memory_clean(paged, 4 * PAGE, &dirty));
	SAME(dirty, 5 * PAGE);
	SAME(sys_memory_clean(paged, 0, &dirty), ERR_EMPTY);
	*word_at(AREA + 3 * PAGE) = 7; // write-protected, and dirty again
	OK(sys_memory_clean(paged, 0, &dirty));
	SAME(dirty, 3 * PAGE);
	SAME(*word_at(AREA + 3 * PAGE), 7);
	// Absent again: asked for again.
	OK(sys_memory_decommit(paged, 3 * PAGE, PAGE));
	SAME(*word_at(AREA + 3 * PAGE), 1003);
	SAME(server->result[0], 7);
	// The pager fails the page.
	worker = touch_run(faults, AREA + 7 * PAGE, MAP_READ);
	CHECK(fault_receive(faults, &fault));
	SAME(fault.kind, FAULT_PAGER);
	SAME(fault.address, AREA + 7 * PAGE);
	kill(worker);
	SAME(sys_memory_clean(paged, 1, &dirty), ERR_ARGUMENT);
}

static void test_pager_calls(void)
{
	struct handle memory = make(OBJECT_MEMORY, 8 * PAGE, MEMORY_PAGED);
	struct handle source = memory_of(8 * PAGE), other = endpoint();
	struct handle dma = handle_of(slot_new());
	struct worker *one, *two;
	u64 offset = 0, bus;

	map_at(memory, AREA, 8 * PAGE, RW);
	map_at(source, AREA + 0x100000, 8 * PAGE, RW);
	for (u64 i = 0; i < 8; i++)
		*word_at(AREA + 0x100000 + i * PAGE) = 50 + i;
	SAME(sys_memory_request(memory, NONE, 0, &offset), ERR_AGAIN);
	SAME(sys_memory_supply(memory, 0, 9 * PAGE, source, 0), ERR_RANGE);
	SAME(sys_memory_supply(memory, 0, 2 * PAGE, source, 7 * PAGE),
	     ERR_RANGE);
	SAME(sys_memory_supply(memory, 1, PAGE, source, 0), ERR_ARGUMENT);
	SAME(sys_memory_supply(source, 0, PAGE, source, 0), ERR_ARGUMENT);
	SAME(sys_memory_supply(memory, 0, PAGE, memory, 0), ERR_ARGUMENT);
	SAME(sys_memory_supply(memory, 0, PAGE, other, 0), ERR_TYPE);
	OK(sys_device_create(SYSTEM, OBJECT_DMA, 0, 0, CASE_POOL, SELF_CNODE,
			     dma.value));
	OK(sys_dma_map(dma, source, 0, PAGE, &bus));
	SAME(sys_memory_supply(memory, 0, PAGE, source, 0), ERR_STATE);
	OK(sys_dma_unmap(dma, bus, PAGE));
	// Two wait for the same page, and both go on.
	one = touch_run(NONE, AREA + 4 * PAGE, MAP_READ);
	two = touch_run(NONE, AREA + 4 * PAGE, MAP_READ);
	worker_wait_state(one, THREAD_PAGING);
	worker_wait_state(two, THREAD_PAGING);
	OK(sys_memory_request(memory, NONE, 0, &offset));
	SAME(offset, 4 * PAGE);
	OK(sys_memory_supply(memory, 0, 8 * PAGE, source, 0));
	worker_join(one);
	worker_join(two);
	SAME(one->result[0], 54);
	SAME(two->result[0], 54);
	for (u64 i = 0; i < 8; i++) {
		SAME(*word_at(AREA + i * PAGE), 50 + i);
		SAME(*word_at(AREA + 0x100000 + i * PAGE), 0); // moved
	}
	SAME(sys_memory_request(memory, NONE, 0, &offset), ERR_AGAIN);
}

// Who waits for a page can be stopped, killed, or lose the memory.
static void test_pager_waits(void)
{
	struct handle memory = make(OBJECT_MEMORY, 8 * PAGE, MEMORY_PAGED);
	struct handle source = memory_of(PAGE), faults = endpoint();
	struct worker *worker;
	struct fault fault;

	map_at(memory, AREA, 8 * PAGE, RW);
	worker = touch_run(NONE, AREA, MAP_READ);
	worker_wait_state(worker, THREAD_PAGING);
	kill(worker);
	worker = touch_run(NONE, AREA, MAP_READ);
	worker_wait_state(worker, THREAD_PAGING);
	OK(sys_thread_stop(handle_of(worker->thread)));
	OK(sys_thread_start(handle_of(worker->thread), 0, 0, 0, 0));
	worker_wait_state(worker, THREAD_PAGING);
	OK(sys_memory_supply(memory, 0, PAGE, source, 0));
	worker_join(worker);
	SAME(worker->result[0], 0);
	worker = touch_run(faults, AREA + PAGE, MAP_READ);
	worker_wait_state(worker, THREAD_PAGING);
	OK(slot_revoke(memory));
	OK(slot_delete(memory));
	CHECK(fault_receive(faults, &fault));
	SAME(fault.address, AREA + PAGE);
	kill(worker);
}

// A clone of paged memory: what is absent comes from the original.
static void test_pager_clone(void)
{
	struct worker *server = pager_run(8);
	struct handle copy = handle_of(slot_new());

	map_at(paged, AREA, 8 * PAGE, RW);
	SAME(*word_at(AREA), 1000);
	OK(sys_memory_clone(paged, CASE_POOL, SELF_CNODE, copy.value));
	map_at(copy, AREA + 0x100000, 8 * PAGE, RW);
	SAME(*word_at(AREA + 0x100000), 1000);
	SAME(*word_at(AREA + 0x100000 + 2 * PAGE), 1002);
	*word_at(AREA + 0x100000 + 2 * PAGE) = 1;
	*word_at(AREA + 0x100000 + 4 * PAGE) = 2;
	SAME(*word_at(AREA + 2 * PAGE), 1002);
	SAME(*word_at(AREA + 4 * PAGE), 1004);
	SAME(*word_at(AREA + 0x100000 + 2 * PAGE), 1);
	SAME(*word_at(AREA + 0x100000 + 4 * PAGE), 2);
	CHECK(server->result[0] <= 3);
}

// System calls read and write user memory through its mappings.
static void test_copies(void)
{
	struct handle memory = memory_of(2 * PAGE);
	char *text = (char *)AREA + PAGE - 3;
	u64 next = 0;
	u32 done = 0;

	map_at(memory, AREA, 2 * PAGE, RW);
	memcpy(text, "mark!\n", 6);
	// Across a page border, from pages never touched otherwise.
	OK(sys_system_log(SYSTEM, (struct uaddr){(u64)text}, 6));
	OK(sys_aspace_protect(SELF_ASPACE, AREA, 2 * PAGE, MAP_READ));
	OK(sys_system_log(SYSTEM, (struct uaddr){(u64)text}, 6));
	SAME(sys_system_log_read(SYSTEM, (struct uaddr){AREA}, 16, 0, &done,
				 &next),
	     ERR_ADDRESS);
	OK(sys_aspace_protect(SELF_ASPACE, AREA, 2 * PAGE, RW));
	OK(sys_system_log_read(SYSTEM, (struct uaddr){AREA}, 16, 0, &done,
			       &next));
	unmap(AREA + PAGE, PAGE);
	SAME(sys_system_log(SYSTEM, (struct uaddr){(u64)text}, 6), ERR_ADDRESS);
	OK(sys_system_log(SYSTEM, (struct uaddr){(u64)text}, 3));
}

const struct test_case suite_memory[] = {
	{"memory.zero-fill", test_zero_fill,
	 "memory_info ok;memory_decommit ok;aspace_map ok", 0},
	{"memory.zero-again", test_zero_again, nullptr, 0},
	{"memory.map-refused", test_map_refused,
	 "aspace_map error OCCUPIED;aspace_map error RANGE;"
	 "aspace_map error ARGUMENT;aspace_map error RIGHTS",
	 0},
	{"memory.borders", test_borders, nullptr, 0},
	{"memory.unmap", test_unmap,
	 "aspace_unmap ok;aspace_unmap error ARGUMENT", 0},
	{"memory.protect", test_protect,
	 "aspace_protect ok;aspace_protect error ARGUMENT;"
	 "aspace_protect error RIGHTS;aspace_protect error EMPTY",
	 0},
	{"memory.write-or-execute", test_write_or_execute, nullptr, 0},
	{"memory.clone", test_clone, "memory_clone ok", 0},
	{"memory.clone-refused", test_clone_refused,
	 "memory_clone error QUOTA;memory_clone error OCCUPIED;"
	 "memory_clone error ARGUMENT",
	 0},
	{"memory.clone-many", test_clone_many, nullptr, 0},
	{"memory.quota", test_quota, "aspace_map error QUOTA", 0},
	{"memory.quota-split", test_quota_split,
	 "aspace_unmap error QUOTA;aspace_protect error QUOTA", 0},
	{"memory.decommit-refused", test_decommit_refused,
	 "memory_decommit error RANGE;memory_decommit error ARGUMENT;"
	 "memory_decommit error STATE",
	 0},
	{"memory.committed", test_committed, nullptr, 0},
	{"memory.pager", test_pager,
	 "memory_supply ok;memory_request ok;memory_clean ok;"
	 "memory_clean error EMPTY",
	 0},
	{"memory.pager-calls", test_pager_calls,
	 "memory_supply error RANGE;memory_supply error ARGUMENT;"
	 "memory_supply error STATE;memory_request error AGAIN",
	 0},
	{"memory.pager-waits", test_pager_waits, nullptr, 0},
	{"memory.pager-clone", test_pager_clone, nullptr, 0},
	{"memory.copies", test_copies, nullptr, 0},
	{}};
