// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Memory objects: pagers, clones of paged memory, windows, commitment, pins that
// outlive their memory, and every allocation of a frame refused once and for good.
#include "tests/fake_arch/own.h"
#include "kernel/arch/arch.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "tests/unit/memory/vm.h"

#define SPACE VM_FREE
#define PAGED (VM_FREE + 1)
#define STORE (VM_FREE + 2) // where the pager prepares pages
#define STORE_SPACE (VM_FREE + 3)
#define NOTE (VM_FREE + 4)
#define CLONE (VM_FREE + 5) // and the slots that follow
#define DMA (VM_FREE + 20)
#define BASE 0x10000000ull
#define STORE_BASE 0x20000000ull
#define CLONE_BASE 0x30000000ull
#define NPAGES 700
#define RW (MAP_READ | MAP_WRITE)

#define OK(call) CHECK((call) == STATUS_OK)

static u64 seed = 1;

static struct memory *memory_at(u32 slot)
{
	return object_memory(vm_object(slot));
}

static void show(u32 slot)
{
	vm_show(0, object_aspace(vm_object(slot)));
}

static enum fault_result load(u32 thread, u64 address, u64 *value)
{
	show(SPACE);
	return vm_load(0, thread, address, value);
}

static enum fault_result store(u32 thread, u64 address, u64 value)
{
	show(SPACE);
	return vm_store(0, thread, address, value);
}

static void expect(u64 address, u64 wanted)
{
	u64 value = ~wanted;

	CHECK(load(0, address, &value) == FAULT_DONE);
	CHECK(value == wanted);
}

// A paged memory, a space that maps it, and a pager's store and notification.
static void start_paged(u64 pool_pages)
{
	vm_start(8192, 2, pool_pages);
	OK(vm_aspace(SPACE, ASPACE_PLAIN, 0));
	OK(vm_aspace(STORE_SPACE, ASPACE_PLAIN, 0));
	OK(vm_memory(PAGED, NPAGES, MEMORY_PAGED));
	OK(vm_memory(STORE, NPAGES, MEMORY_ANON));
	OK(vm_notification(NOTE));
	OK(vm_map(SPACE, PAGED, 0, BASE, NPAGES * PAGE_BYTES, RW));
	OK(vm_map(STORE_SPACE, STORE, 0, STORE_BASE, NPAGES * PAGE_BYTES, RW));
}

// What the pager puts into a page: changes each time it is asked.
static void prepare(u64 page, u64 value)
{
	show(STORE_SPACE);
	CHECK(vm_store(0, 7, STORE_BASE + page * PAGE_BYTES, value) ==
	      FAULT_DONE);
}

static void give(u64 page, u64 value)
{
	prepare(page, value);
	OK(vm_supply(PAGED, page * PAGE_BYTES, PAGE_BYTES, STORE,
		     page * PAGE_BYTES));
}

static void test_pager(void)
{
	u64 offset, value, signals = vm_signals;

	start_paged(4000);
	CHECK(vm_request(PAGED, NOTE, 4, &offset) == ERR_AGAIN);
	CHECK(vm_request(STORE, 0, 0, &offset) == ERR_ARGUMENT);
	// Two wait for one page, a third for another.
	CHECK(load(0, BASE + 5 * PAGE_BYTES, &value) == FAULT_BLOCKED);
	CHECK(vm_thread[0]->state == THREAD_PAGING);
	CHECK(store(1, BASE + 5 * PAGE_BYTES, 1) == FAULT_BLOCKED);
	CHECK(load(2, BASE + 600 * PAGE_BYTES, &value) == FAULT_BLOCKED);
	CHECK(vm_signals == signals + 3);
	CHECK(((struct notification *)vm_object(NOTE))->bits == 4);
	OK(vm_request(PAGED, 0, 0, &offset));
	CHECK(offset == 5 * PAGE_BYTES);
	OK(vm_request(PAGED, 0, 0, &offset));
	CHECK(offset == 600 * PAGE_BYTES);
	CHECK(vm_request(PAGED, 0, 0, &offset) == ERR_AGAIN);
	// The pager knows already; there is no second request.
	CHECK(load(4, BASE + 600 * PAGE_BYTES, &value) == FAULT_BLOCKED);
	CHECK(vm_request(PAGED, 0, 0, &offset) == ERR_AGAIN);
	// A new pager hears of all that again.
	OK(vm_request(PAGED, NOTE, 8, &offset));
	CHECK(offset == 5 * PAGE_BYTES);
	give(5, 55);
	CHECK(vm_thread[0]->state == THREAD_READY &&
	      vm_thread[1]->state == THREAD_READY &&
	      vm_thread[2]->state == THREAD_PAGING);
	expect(BASE + 5 * PAGE_BYTES, 55);
	CHECK(store(1, BASE + 5 * PAGE_BYTES, 56) == FAULT_DONE);
	expect(BASE + 5 * PAGE_BYTES, 56);
	// The page was moved: the store reads zero again.
	show(STORE_SPACE);
	CHECK(vm_load(0, 7, STORE_BASE + 5 * PAGE_BYTES, &value) == FAULT_DONE);
	CHECK(value == 0);
	// The pager fails the other: its next access is refused, once.
	OK(vm_supply(PAGED, 600 * PAGE_BYTES, PAGE_BYTES, 0, 0));
	CHECK(vm_thread[2]->state == THREAD_READY &&
	      vm_thread[4]->state == THREAD_READY);
	CHECK(load(2, BASE + 600 * PAGE_BYTES, &value) == FAULT_REFUSED);
	CHECK(load(2, BASE + 600 * PAGE_BYTES, &value) == FAULT_BLOCKED);
	// Who stops waiting is not woken.
	CHECK(vm_thread[2]->wait_on == &memory_at(PAGED)->object);
	leave_queue_locked(vm_thread[2]);
	CHECK(vm_request(PAGED, 0, 0, &offset) == ERR_AGAIN);
	// What is there is not replaced.
	give(5, 57);
	expect(BASE + 5 * PAGE_BYTES, 56);
	// A long run, with a hole: the store's untouched pages are zeros.
	for (u64 i = 100; i < 200; i++)
		if (i != 150)
			prepare(i, i);
	OK(vm_supply(PAGED, 100 * PAGE_BYTES, 100 * PAGE_BYTES, STORE,
		     100 * PAGE_BYTES));
	for (u64 i = 100; i < 200; i++)
		expect(BASE + i * PAGE_BYTES, i == 150 ? 0 : i);
	vm_check_memory(memory_at(PAGED));
	vm_check_memory(memory_at(STORE));
	// Nonsense.
	CHECK(vm_supply(PAGED, 0, PAGE_BYTES, PAGED, 0) == ERR_ARGUMENT);
	CHECK(vm_supply(STORE, 0, PAGE_BYTES, STORE, 0) == ERR_ARGUMENT);
	CHECK(vm_supply(PAGED, 0, 0, STORE, 0) == ERR_ARGUMENT);
	CHECK(vm_supply(PAGED, 1, PAGE_BYTES, STORE, 0) == ERR_ARGUMENT);
	CHECK(vm_supply(PAGED, 0, PAGE_BYTES, STORE, 1) == ERR_ARGUMENT);
	CHECK(vm_supply(PAGED, ~0xfffull, PAGE_BYTES, STORE, 0) == ERR_RANGE);
	CHECK(vm_supply(PAGED, 0, PAGE_BYTES, STORE, ~0xfffull) == ERR_RANGE);
	CHECK(vm_supply(PAGED, 0, PAGE_BYTES, NOTE, 0) == ERR_TYPE);
	// The dead pager's notification is forgotten, then the memory dies while
	// somebody waits.
	OK(vm_delete(NOTE));
	CHECK(load(3, BASE, &value) == FAULT_BLOCKED);
	OK(vm_revoke(PAGED)); // the mapping
	OK(vm_delete(PAGED));
	CHECK(vm_thread[3]->state == THREAD_READY);
	CHECK(load(3, BASE, &value) == FAULT_FAILED);
	CHECK(vm_stop());
}

static void test_dirty(void)
{
	u64 dirty, value;
	u32 found = 0;

	start_paged(4000);
	CHECK(vm_clean(PAGED, 0, &dirty) == ERR_EMPTY);
	CHECK(vm_clean(STORE, 0, &dirty) == ERR_ARGUMENT);
	CHECK(vm_clean(PAGED, 1, &dirty) == ERR_ARGUMENT);
	for (u64 i = 0; i < NPAGES; i++)
		give(i, i);
	for (u64 i = 0; i < NPAGES; i++)
		expect(BASE + i * PAGE_BYTES, i);
	CHECK(vm_clean(PAGED, 0, &dirty) == ERR_EMPTY);
	for (u32 round = 0; round < 3; round++) {
		for (u64 i = 3; i < NPAGES; i += 50)
			CHECK(store(0, BASE + i * PAGE_BYTES, i + round) ==
			      FAULT_DONE);
		value = 0;
		for (found = 0; vm_clean(PAGED, value, &dirty) == STATUS_OK;
		     found++) {
			CHECK(dirty == (3 + found * 50) * PAGE_BYTES);
			value = dirty + (round == 1 ? PAGE_BYTES : 0);
		}
		CHECK(found == (NPAGES - 4) / 50 + 1);
		vm_check_memory(memory_at(PAGED));
	}
	// A page that becomes dirty behind the point reached is found.
	CHECK(store(0, BASE + 500 * PAGE_BYTES, 1) == FAULT_DONE);
	OK(vm_clean(PAGED, 0, &dirty));
	CHECK(store(0, BASE + 20 * PAGE_BYTES, 1) == FAULT_DONE);
	CHECK(store(0, BASE + 500 * PAGE_BYTES, 2) == FAULT_DONE);
	OK(vm_clean(PAGED, 0, &dirty));
	CHECK(dirty == 20 * PAGE_BYTES);
	OK(vm_clean(PAGED, 400 * PAGE_BYTES, &dirty));
	CHECK(dirty == 500 * PAGE_BYTES);
	CHECK(vm_clean(PAGED, NPAGES * PAGE_BYTES, &dirty) == ERR_EMPTY);
	// Decommitted pages are absent: asked for again.
	OK(vm_decommit(PAGED, 20 * PAGE_BYTES, PAGE_BYTES));
	CHECK(load(0, BASE + 20 * PAGE_BYTES, &value) == FAULT_BLOCKED);
	CHECK(vm_stop());
}

// Private file mappings: a clone of paged memory.
static void test_paged_clone(void)
{
	u64 value, offset;

	start_paged(4000);
	give(1, 11);
	OK(vm_clone(PAGED, CLONE));
	OK(vm_map(SPACE, CLONE, 0, CLONE_BASE, NPAGES * PAGE_BYTES, RW));
	expect(CLONE_BASE + PAGE_BYTES, 11);
	CHECK(store(0, CLONE_BASE + PAGE_BYTES, 12) == FAULT_DONE);
	expect(BASE + PAGE_BYTES, 11);
	// Absent there: the original's pager is asked.
	CHECK(load(1, CLONE_BASE + 2 * PAGE_BYTES, &value) == FAULT_BLOCKED);
	OK(vm_request(PAGED, 0, 0, &offset));
	CHECK(offset == 2 * PAGE_BYTES);
	give(2, 22);
	CHECK(vm_thread[1]->state == THREAD_READY);
	expect(CLONE_BASE + 2 * PAGE_BYTES, 22);
	CHECK(store(0, CLONE_BASE + 2 * PAGE_BYTES, 23) == FAULT_DONE);
	expect(BASE + 2 * PAGE_BYTES, 22);
	// A store that is the first access.
	give(3, 33);
	CHECK(store(0, CLONE_BASE + 3 * PAGE_BYTES, 34) == FAULT_DONE);
	expect(BASE + 3 * PAGE_BYTES, 33);
	// A dirty page, mapped writable in the original when it is fetched.
	CHECK(store(0, BASE + 3 * PAGE_BYTES, 35) == FAULT_DONE);
	OK(vm_decommit(CLONE, 3 * PAGE_BYTES, PAGE_BYTES));
	expect(CLONE_BASE + 3 * PAGE_BYTES, 35);
	CHECK(store(0, BASE + 3 * PAGE_BYTES, 36) == FAULT_DONE);
	expect(CLONE_BASE + 3 * PAGE_BYTES, 35);
	// A clone of the clone.
	OK(vm_clone(CLONE, CLONE + 1));
	OK(vm_map(SPACE, CLONE + 1, 0, 2 * CLONE_BASE, NPAGES * PAGE_BYTES,
		  RW));
	expect(2 * CLONE_BASE + PAGE_BYTES, 12);
	OK(vm_delete(CLONE));
	OK(vm_unmap(SPACE, CLONE_BASE, NPAGES * PAGE_BYTES));
	CHECK(load(1, 2 * CLONE_BASE + 4 * PAGE_BYTES, &value) ==
	      FAULT_BLOCKED);
	give(4, 44);
	expect(2 * CLONE_BASE + 4 * PAGE_BYTES, 44);
	CHECK(load(1, 2 * CLONE_BASE + 5 * PAGE_BYTES, &value) ==
	      FAULT_BLOCKED);
	OK(vm_supply(PAGED, 5 * PAGE_BYTES, PAGE_BYTES, 0, 0));
	CHECK(load(1, 2 * CLONE_BASE + 5 * PAGE_BYTES, &value) ==
	      FAULT_REFUSED);
	vm_check_memory(memory_at(CLONE + 1));
	// The clone keeps the original alive, but not against revocation.
	OK(vm_revoke(PAGED));
	CHECK(load(1, 2 * CLONE_BASE + 6 * PAGE_BYTES, &value) ==
	      FAULT_REFUSED);
	expect(2 * CLONE_BASE + 4 * PAGE_BYTES, 44);
	CHECK(vm_stop());
}

// Random accesses to paged memory and private clones, with a pager that answers
// in any order, cleans, and throws pages away once they are written back.
static void test_paged_random(void)
{
	static u64 file[NPAGES], seen[3][NPAGES];
	static bool own[3][NPAGES];
	u64 offset, value, blocked = 0, done = 0, cleaned = 0;

	start_paged(6000);
	memset(own, 0, sizeof own);
	for (u32 i = 0; i < NPAGES; i++)
		file[i] = i + 1;
	for (u32 c = 0; c < 3; c++) {
		OK(vm_clone(PAGED, CLONE + c));
		OK(vm_map(SPACE, CLONE + c, 0, (c + 1) * CLONE_BASE,
			  NPAGES * PAGE_BYTES, RW));
	}
	for (u32 i = 0; i < 20000; i++) {
		u32 page = fake_random(&seed) % NPAGES;
		u32 c = fake_random(&seed) % 4, t = fake_random(&seed) % 6;
		bool write = fake_random(&seed) % 3 == 0;
		u64 new = fake_random(&seed) | 1;
		enum fault_result result;

		if (vm_thread[t]->state == THREAD_PAGING) {
			if (vm_request(PAGED, i % 7 ? 0 : NOTE, 1, &offset) ==
			    STATUS_OK)
				give(offset / PAGE_BYTES,
				     file[offset / PAGE_BYTES]);
			continue;
		}
		if (i % 50 == 0 &&
		    vm_clean(PAGED, page * PAGE_BYTES, &offset) == STATUS_OK) {
			// What was written back is what the memory holds.
			u64 p = offset / PAGE_BYTES;

			expect(BASE + offset, file[p]);
			if (i % 100)
				OK(vm_decommit(PAGED, offset, PAGE_BYTES));
			cleaned++;
		}
		u64 at = (c ? c * CLONE_BASE : BASE) + page * PAGE_BYTES;
		result = write ? store(t, at, new) : load(t, at, &value);
		if (result == FAULT_BLOCKED) {
			blocked++;
			continue;
		}
		CHECK(result == FAULT_DONE);
		done++;
		if (!c && write)
			file[page] = new;
		else if (!c)
			CHECK(value == file[page]);
		else if (write)
			own[c - 1][page] = true, seen[c - 1][page] = new;
		else if (own[c - 1][page])
			CHECK(value == seen[c - 1][page]);
		// Else the file's at the time it was first touched.
		if (i % 500 == 0)
			for (u32 k = 0; k < 4; k++)
				vm_check_memory(
					memory_at(k ? CLONE + k - 1 : PAGED));
	}
	printf("memory: paged: %lu accesses, %lu waits, %lu cleaned\n", done,
	       blocked, cleaned);
	CHECK(cleaned > 20 && blocked > 500 && done > 5000);
	CHECK(vm_stop());
}

// ---- clones while others write

#define MANY 5000
#define VIEW (1ull << 32) // a second mapping of the same

static u64 current[MANY], snapshot[MANY];

static u64 frozen_at(u64 page)
{
	return BASE + page * PAGE_BYTES;
}

// Stores on processor 1; those that must wait for the clone do not happen.
static void writer(u32 n)
{
	for (u32 i = 0; i < n; i++) {
		u64 page = fake_random(&seed) % (i % 2 ? 48 : MANY);
		u64 value = fake_random(&seed);

		vm_show(1, object_aspace(vm_object(SPACE)));
		u64 at = frozen_at(page) + (i % 3 ? 0 : VIEW);
		if (i % 5 == 0)
			(void)vm_load(1, 0, at, &(u64){});
		if (vm_store(1, 0, at, value) == FAULT_DONE)
			current[page] = value;
	}
}

static void write_a_little(void)
{
	writer(50);
}

static void write_until_it_gives_up(void)
{
	writer(400); // each waiting store faults eight times
	CHECK(!memory_at(STORE)->freeze);
}

static void delete_original(void)
{
	fake_cpu_number = 1;
	OK(vm_delete(STORE));
}

// One clone, with the writer at work between the steps and while the last one
// waits for flushes: it shows the moment at which it was made, for ever.
static void clone_among_writers(void (*during)(void), u32 between)
{
	enum status status;
	u32 steps = 0;

	OK(vm_map(SPACE, STORE, 0, BASE + VIEW, MANY * PAGE_BYTES, RW));
	vm_during_flush = during;
	for (;; steps++) {
		CHECK(steps < 100);
		fake_cpu_number = 0;
		status = vm_clone_step(STORE, CLONE);
		if (status != STATUS_RESTART)
			break;
		if (steps == 1 && between == 0)
			write_until_it_gives_up();
		writer(steps < 10 ? between : 0);
	}
	CHECK(!vm_during_flush);
	OK(status);
	CHECK(steps > 0);
	memcpy(snapshot, current, sizeof current);
	vm_check(); // nobody can write to it behind our back
	writer(2000);
	OK(vm_map(SPACE, CLONE, 0, 2 * CLONE_BASE, MANY * PAGE_BYTES,
		  MAP_READ));
	for (u64 i = 0; i < MANY; i++) {
		expect(2 * CLONE_BASE + i * PAGE_BYTES, snapshot[i]);
		expect(frozen_at(i), current[i]);
	}
	vm_check_memory(memory_at(STORE));
	vm_check_memory(memory_at(CLONE));
	OK(vm_unmap(SPACE, 2 * CLONE_BASE, MANY * PAGE_BYTES));
	OK(vm_unmap(SPACE, BASE + VIEW, MANY * PAGE_BYTES));
	OK(vm_delete(CLONE));
}

static void test_freeze(void)
{
	vm_start(32768, 2, 24000);
	OK(vm_aspace(SPACE, ASPACE_PLAIN, 0));
	OK(vm_memory(STORE, MANY, MEMORY_ANON));
	OK(vm_map(SPACE, STORE, 0, BASE, MANY * PAGE_BYTES, RW));
	memset(current, 0, sizeof current);
	vm_show(1, object_aspace(vm_object(SPACE)));
	for (u64 i = 0; i < MANY; i++) {
		current[i] = i;
		CHECK(vm_store(1, 0, frozen_at(i), i) == FAULT_DONE);
	}
	for (u32 round = 0; round < 8; round++) {
		clone_among_writers(nullptr, 1 + round * 10);
		clone_among_writers(write_a_little, 20);
		clone_among_writers(write_until_it_gives_up, 3);
		clone_among_writers(nullptr, 0);
	}
	// Given up by the one who wanted it, while writers wait: they go on.
	CHECK(vm_clone_step(STORE, CLONE) == STATUS_RESTART);
	write_until_it_gives_up();
	vm_during_flush = delete_original;
	enum status status;
	do {
		fake_cpu_number = 0;
		status = vm_clone_step(STORE, CLONE);
	} while (status == STATUS_RESTART && vm_object(STORE));
	CHECK(status == STATUS_RESTART && !vm_object(CLONE));
	writer(2000);
	CHECK(vm_stop());
}

// A clone is given up half-way and made later: what the first attempt protected
// and did not flush is not forgotten.
static void test_given_up(void)
{
	u64 value;

	vm_start(32768, 2, 24000);
	OK(vm_aspace(SPACE, ASPACE_PLAIN, 0));
	OK(vm_aspace(STORE_SPACE, ASPACE_PLAIN, 0));
	OK(vm_memory(STORE, MANY, MEMORY_ANON));
	OK(vm_map(SPACE, STORE, 0, BASE, MANY * PAGE_BYTES, RW));
	OK(vm_map(STORE_SPACE, STORE, 0, BASE, PAGE_BYTES, RW));
	show(SPACE);
	for (u64 i = 0; i < MANY; i++)
		CHECK(vm_store(0, 0, frozen_at(i), i) == FAULT_DONE);
	vm_show(1, object_aspace(vm_object(STORE_SPACE)));
	CHECK(vm_store(1, 0, BASE, 7) == FAULT_DONE);
	fake_cpu_number = 0;
	CHECK(vm_clone_step(STORE, CLONE) == STATUS_RESTART);
	for (u64 i = 0; i < 200 && memory_at(STORE)->freeze; i++)
		(void)vm_store(0, 0, frozen_at(100 + i), 8);
	CHECK(!memory_at(STORE)->freeze);
	OK(vm_clone(STORE, CLONE));
	CHECK(vm_store(1, 0, BASE, 9) == FAULT_DONE);
	fake_cpu_number = 0;
	OK(vm_map(SPACE, CLONE, 0, 2 * CLONE_BASE, PAGE_BYTES, MAP_READ));
	expect(2 * CLONE_BASE, 7);
	CHECK(load(0, BASE, &value) == FAULT_DONE && value == 9);
	CHECK(vm_stop());
}

// A page of paged memory is cleaned while a clone is being made: a processor
// that still may write to it must not, or the change would be lost.
static void test_clean_while_frozen(void)
{
	u64 dirty, n = 0;

	vm_start(32768, 2, 24000);
	OK(vm_aspace(SPACE, ASPACE_PLAIN, 0));
	OK(vm_memory(PAGED, MANY, MEMORY_PAGED));
	OK(vm_memory(STORE, MANY, MEMORY_ANON));
	OK(vm_map(SPACE, PAGED, 0, BASE, MANY * PAGE_BYTES, RW));
	OK(vm_supply(PAGED, 0, MANY * PAGE_BYTES, STORE, 0));
	vm_show(1, object_aspace(vm_object(SPACE)));
	for (u64 i = 0; i < MANY; i++)
		CHECK(vm_store(1, 0, frozen_at(MANY - 1 - i), i) == FAULT_DONE);
	fake_cpu_number = 0;
	CHECK(vm_clone_step(PAGED, CLONE) == STATUS_RESTART);
	OK(vm_clean(PAGED, 0, &dirty));
	CHECK(dirty == 0 && memory_at(PAGED)->freeze);
	CHECK(vm_store(1, 0, frozen_at(0), 1) == FAULT_NOMEMORY);
	fake_cpu_number = 0;
	// So must not who may not write any more.
	OK(vm_protect(SPACE, BASE + PAGE_BYTES, PAGE_BYTES, MAP_READ));
	CHECK(vm_store(1, 0, frozen_at(1), 1) == FAULT_FAILED);
	while (vm_clean(PAGED, 0, &dirty) == STATUS_OK)
		n++;
	CHECK(n == MANY - 1);
	CHECK(vm_stop());
}

static void test_windows(void)
{
	u64 size, present;

	vm_start(2048, 1, 500);
	OK(vm_aspace(SPACE, ASPACE_PLAIN, 0));
	OK(vm_memory(STORE, 10, MEMORY_ANON));
	OK(vm_mint(CLONE, STORE, RIGHT_READ | RIGHT_DERIVE, (u64)4 << 32 | 3));
	OK(vm_map(SPACE, STORE, 0, BASE, 10 * PAGE_BYTES, RW));
	CHECK(store(0, BASE + 5 * PAGE_BYTES, 99) == FAULT_DONE);
	OK(vm_info(CLONE, &size, &present));
	CHECK(size == 3 * PAGE_BYTES && present == 1);
	CHECK(vm_map(SPACE, CLONE, 0, CLONE_BASE, PAGE_BYTES, RW) ==
	      ERR_RIGHTS);
	CHECK(vm_map(SPACE, CLONE, 3 * PAGE_BYTES, CLONE_BASE, PAGE_BYTES,
		     MAP_READ) == ERR_RANGE);
	OK(vm_map(SPACE, CLONE, PAGE_BYTES, CLONE_BASE, PAGE_BYTES, MAP_READ));
	expect(CLONE_BASE, 99);
	CHECK(vm_clone(CLONE, CLONE + 1) == ERR_ARGUMENT);
	CHECK(vm_mint(CLONE + 1, CLONE, RIGHT_READ, (u64)3 << 32 | 3) ==
	      ERR_ARGUMENT);
	CHECK(vm_mint(CLONE + 1, CLONE, RIGHT_READ, (u64)8 << 32 | 3) ==
	      ERR_ARGUMENT);
	// Regions.
	CHECK(vm_map(SPACE, STORE, 0, 0, PAGE_BYTES, RW) == ERR_ARGUMENT);
	CHECK(vm_map(SPACE, STORE, 0, USER_END - PAGE_BYTES, 2 * PAGE_BYTES,
		     RW) == ERR_ARGUMENT);
	CHECK(vm_map(SPACE, STORE, 0, ~0xfffull, PAGE_BYTES, RW) ==
	      ERR_ARGUMENT);
	CHECK(vm_map(SPACE, STORE, 1, BASE * 2, PAGE_BYTES, RW) ==
	      ERR_ARGUMENT);
	CHECK(vm_map(SPACE, STORE, ~0xfffull, BASE * 2, PAGE_BYTES, RW) ==
	      ERR_RANGE);
	CHECK(vm_unmap(SPACE, BASE, ~0xfffull) == ERR_ARGUMENT);
	CHECK(vm_protect(SPACE, BASE, PAGE_BYTES, 64) == ERR_ARGUMENT);
	OK(vm_aspace(PAGED, ASPACE_CONTAINER, 0));
	CHECK(vm_map(PAGED, STORE, 0, BASE, PAGE_BYTES, RW) == ERR_ARGUMENT);
	CHECK(vm_map(PAGED, STORE, 0, GUEST_END - PAGE_BYTES, PAGE_BYTES, RW) ==
	      ERR_ARGUMENT);
	CHECK(vm_map(PAGED, STORE, 0, USER_END, PAGE_BYTES, RW) ==
	      ERR_ARGUMENT);
	OK(vm_map(PAGED, STORE, 0, GUEST_END, PAGE_BYTES, RW));
	OK(vm_map(PAGED, STORE, 0, USER_END - PAGE_BYTES, PAGE_BYTES, RW));
	CHECK(memory_create(vm_pool, 0, 0, &(struct memory *){}) ==
	      ERR_ARGUMENT);
	CHECK(memory_create(vm_pool, (MEMORY_MAX_PAGES + 1) * PAGE_BYTES, 0,
			    &(struct memory *){}) == ERR_RANGE);
	CHECK(memory_create(vm_pool, PAGE_BYTES, MEMORY_PAGED | 8,
			    &(struct memory *){}) == ERR_ARGUMENT);
	CHECK(vm_stop());
}

// A large and thinly used memory: calls take steps, not time.
static void test_sparse(void)
{
	u64 size, present, restarts = vm_restarts, frames;

	vm_start(16384, 2, 12000);
	OK(vm_aspace(SPACE, ASPACE_PLAIN, 0));
	OK(vm_memory(STORE, MEMORY_MAX_PAGES, MEMORY_ANON));
	OK(vm_map(SPACE, STORE, 0, BASE, MEMORY_MAX_PAGES * PAGE_BYTES, RW));
	for (u64 i = 0; i < MEMORY_MAX_PAGES; i += MEMORY_MAX_PAGES / 1024)
		CHECK(store(0, BASE + i * PAGE_BYTES, i) == FAULT_DONE);
	frames = frames_free();
	OK(vm_clone(STORE, CLONE));
	CHECK(frames - frames_free() <= 2);
	CHECK(vm_restarts > restarts + 10);
	for (u64 i = 0; i < MEMORY_MAX_PAGES; i += MEMORY_MAX_PAGES / 64)
		CHECK(store(0, BASE + i * PAGE_BYTES, ~i) == FAULT_DONE);
	OK(vm_info(CLONE, &size, &present));
	CHECK(present == 1024 && size == MEMORY_MAX_PAGES * PAGE_BYTES);
	OK(vm_map(SPACE, CLONE, 0, BASE + size, size, MAP_READ));
	for (u64 i = 0; i < MEMORY_MAX_PAGES; i += MEMORY_MAX_PAGES / 256)
		expect(BASE + size + i * PAGE_BYTES, i);
	OK(vm_decommit(STORE, 0, size));
	OK(vm_info(STORE, &size, &present));
	CHECK(present == 0);
	OK(vm_protect(SPACE, BASE, 2 * size, MAP_READ));
	CHECK(store(0, BASE, 1) == FAULT_FAILED);
	OK(vm_unmap(SPACE, BASE + PAGE_BYTES, 2 * size - 2 * PAGE_BYTES));
	CHECK(object_aspace(vm_object(SPACE))->nmappings == 2);
	CHECK(vm_stop());
}

// Committed memory has paid: neither stores nor broken shares need quota.
static void test_committed(void)
{
	vm_start(4096, 1, 640);
	OK(vm_aspace(SPACE, ASPACE_PLAIN, 0));
	OK(vm_memory(STORE, 520, MEMORY_COMMITTED));
	u64 used = vm_pool->used_pages;
	CHECK(used >= 520 + 3);
	CHECK(vm_memory(CLONE, 520, MEMORY_COMMITTED) == ERR_QUOTA);
	OK(vm_map(SPACE, STORE, 0, BASE, 520 * PAGE_BYTES, RW));
	while (pool_charge(vm_pool, 20) == STATUS_OK)
		used += 20;
	for (u32 i = 0; i < 520; i++)
		CHECK(store(0, BASE + i * PAGE_BYTES, i) == FAULT_DONE);
	CHECK(vm_clone(STORE, CLONE) == ERR_QUOTA);
	OK(vm_decommit(STORE, 0, 520 * PAGE_BYTES));
	expect(BASE, 0);
	vm_check_memory(memory_at(STORE));
	pool_uncharge(vm_pool, (used - 523) / 20 * 20);
	CHECK(vm_stop());
}

// What a device may still write to is not given to anybody.
static void test_quarantine(void)
{
	u64 bus[3], free_before, value;

	vm_start(2048, 2, 500);
	OK(vm_aspace(SPACE, ASPACE_PLAIN, 0));
	OK(vm_dma(DMA));
	free_before = frames_free();
	u64 used = vm_pool->used_pages;
	OK(vm_memory(STORE, 4, MEMORY_ANON));
	OK(vm_map(SPACE, STORE, 0, BASE, 4 * PAGE_BYTES, RW));
	CHECK(store(0, BASE, 77) == FAULT_DONE);
	CHECK(vm_dma_map(DMA, STORE, 4 * PAGE_BYTES, 1, bus) == ERR_RANGE);
	CHECK(vm_dma_map(DMA, STORE, 0, 0, bus) == ERR_ARGUMENT);
	CHECK(vm_dma_map(DMA, STORE, 4000, 97, bus) == ERR_ARGUMENT);
	for (u32 i = 0; i < 3; i++)
		OK(vm_dma_map(DMA, STORE, i * PAGE_BYTES + 16, 512, &bus[i]));
	CHECK(*(u64 *)arch_direct((struct paddr){bus[0] - 16}) == 77);
	CHECK(vm_clone(STORE, CLONE) == ERR_STATE);
	CHECK(vm_decommit(STORE, 0, PAGE_BYTES) == ERR_STATE);
	// A store does not copy the page away from the device.
	CHECK(store(0, BASE, 78) == FAULT_DONE);
	CHECK(*(u64 *)arch_direct((struct paddr){bus[0] - 16}) == 78);
	OK(vm_revoke(STORE));
	OK(vm_delete(STORE));
	CHECK(load(0, BASE, &value) == FAULT_FAILED);
	OK(vm_unmap(SPACE, BASE, 4 * PAGE_BYTES));
	for (u32 i = 0; i < 3; i++) {
		struct frame *frame = frame_of((struct paddr){bus[i] - 16});

		CHECK(frame->state == FRAME_USED && frame->pins == 1);
	}
	CHECK(vm_pool->used_pages >= used + 3); // still charged
	OK(vm_dma_unmap(DMA, bus[1], 512));
	CHECK(vm_dma_unmap(DMA, bus[1], 512) == ERR_RANGE);
	CHECK(vm_dma_unmap(DMA, 0, 1) == ERR_RANGE);
	OK(vm_dma_unmap(DMA, 0, 0)); // the device was reset
	while (pool_reclaim(vm_pool))
		vm_leave();
	CHECK(((struct dma *)vm_object(DMA))->pins.root == nullptr);
	OK(vm_unmap(SPACE, BASE, PAGE_BYTES));
	// Page tables stay with the space; nothing else does.
	CHECK(free_before - frames_free() ==
	      object_aspace(vm_object(SPACE))->table_pages - 1);
	OK(vm_memory(STORE, 2, MEMORY_PAGED));
	CHECK(vm_dma_map(DMA, STORE, 0, 1, bus) == ERR_ARGUMENT);
	CHECK(vm_stop());
}

// ---- every allocation refused

static u64 refusals;

static bool fine(enum status status)
{
	CHECK(status == STATUS_OK || status == ERR_MEMORY ||
	      status == ERR_ADDRESS);
	refusals += status != STATUS_OK;
	return status == STATUS_OK;
}

static bool done(enum fault_result result)
{
	CHECK(result == FAULT_DONE || result == FAULT_NOMEMORY);
	refusals += result != FAULT_DONE;
	return result == FAULT_DONE;
}

// All sorts of calls; each that depends on one that failed is left out.
static void everything(void)
{
	u64 value, bus, word = 5;

	if (!fine(vm_aspace(SPACE, ASPACE_CONTAINER, 0)) ||
	    !fine(vm_memory(STORE, 600, MEMORY_ANON)) || !fine(vm_dma(DMA)))
		return;
	u64 at = GUEST_END + BASE;
	if (!fine(vm_map(SPACE, STORE, 0, at, 600 * PAGE_BYTES, RW | MAP_KEEP)))
		return;
	for (u32 i = 0; i < 600; i += 100)
		(void)done(store(0, at + i * PAGE_BYTES, i + 1));
	(void)fine(vm_dma_map(DMA, STORE, 0, 1, &bus));
	(void)fine(vm_dma_unmap(DMA, 0, 0));
	if (fine(vm_clone(STORE, CLONE)) &&
	    fine(vm_aspace(CLONE + 1, ASPACE_FOREIGN, SPACE)) &&
	    fine(vm_map(CLONE + 1, CLONE, 0, BASE, 600 * PAGE_BYTES, RW))) {
		vm_show(1, object_aspace(vm_object(CLONE + 1)));
		for (u32 i = 0; i < 600; i += 50)
			(void)done(vm_store(1, 0, BASE + i * PAGE_BYTES, ~i));
		(void)fine(
			vm_decommit(CLONE, 100 * PAGE_BYTES, 300 * PAGE_BYTES));
		(void)fine(vm_protect(CLONE + 1, BASE + 10 * PAGE_BYTES,
				      20 * PAGE_BYTES, MAP_READ));
		(void)fine(vm_unmap(CLONE + 1, BASE + 100 * PAGE_BYTES,
				    20 * PAGE_BYTES));
		fake_cpu_number = 0;
	}
	for (u32 i = 0; i < 600; i += 100)
		if (done(load(0, at + i * PAGE_BYTES, &value)))
			CHECK(value == i + 1 || value == 0);
	(void)fine(aspace_write(object_aspace(vm_object(SPACE)),
				at + 4 * PAGE_BYTES - 4, &word, sizeof word));
	vm_leave();
	if (fine(vm_memory(PAGED, 10, MEMORY_PAGED)) &&
	    fine(vm_supply(PAGED, 0, 8 * PAGE_BYTES, STORE, 0)) &&
	    fine(vm_clone(PAGED, CLONE + 2)) &&
	    fine(vm_map(SPACE, CLONE + 2, 0, at + (1ull << 32), 10 * PAGE_BYTES,
			RW)))
		(void)done(store(0, at + (1ull << 32), 1));
	vm_check_memory(memory_at(STORE));
	if (fine(vm_revoke(STORE))) {
		(void)done(load(0, at, &value));
		(void)done(store(0, at, 1));
	}
}

static void test_refusals(bool for_good)
{
	u64 k, before = refusals;

	for (k = 1;; k++) {
		vm_start(4096, 2, 3000);
		vm_fail_on = for_good;
		vm_fail_at = k;
		everything();
		bool reached = for_good ? vm_fail_at <= 1 : !vm_fail_at;
		CHECK(vm_stop());
		if (!reached)
			break;
	}
	CHECK(k > 40);
	printf("memory: %lu allocations refused %s, %lu refusals seen\n", k - 1,
	       for_good ? "for good" : "once", refusals - before);
}

static void test_all(void)
{
	test_pager();
	test_dirty();
	test_paged_clone();
	test_paged_random();
	test_freeze();
	test_given_up();
	test_clean_while_frozen();
	test_windows();
	if (USER_END > USER_END_LEAST) // it wants half a TiB of addresses
		test_sparse();
	test_committed();
	test_quarantine();
	test_refusals(false);
	test_refusals(true);
}

int main(void)
{
	test_all();
	fake_user_end = USER_END_LEAST; // three levels of tables
	test_all();
	return 0;
}
