// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// create.c with the whole kernel below it: objects of every type, every argument
// that must be refused, and for each type pools that are too small by 1, 2, ...
// pages: nothing may be left behind.
#include "tests/fake_arch/own.h"
#include "tests/fake_arch/fake.h"
#include "tests/fake_arch/machine.h"
#include "abi/constants.h"
#include "gen/abi/syscall_nr.h"
#include "kernel/mm/frame.h"
#include "kernel/object/aspace.h"
#include "kernel/object/cap.h"
#include "kernel/object/pool.h"
#include "kernel/object/sched.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"

enum {
	SELF_CNODE = 1,
	FIRST,
	SYSTEM,
	ASPACE,
	SCHED,
	SMALL = 8,
	CONTAINER,
	MEMORY,
	NEW,
	OTHER
};

static struct pool *first;
static struct thread *self;
static struct cnode *cnode;

static void need(enum status status)
{
	CHECK(status == STATUS_OK);
}

// A system call as user space makes it, restarts included.
static i64 call(u64 number, u64 cap, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	u32 tries = 0;

	do {
		CHECK(cpus[0]->current == self && ++tries < 10000);
		self->regs = (struct arch_regs){
			.info = number, .cap = cap, .word = {a, b, c, d, e, f}};
		CHECK(fake_run(0, fake_syscall, self));
	} while (self->regs.restarts);
	return (i64)self->regs.info;
}

static i64 create(u64 pool, u64 type, u64 a, u64 b, u64 c, u64 index)
{
	return call(SYS_OBJECT_CREATE, pool, type, a, b, c, SELF_CNODE, index);
}

static i64 device(u64 type, u64 a, u64 b, u64 index)
{
	return call(SYS_DEVICE_CREATE, SYSTEM, type, a, b, FIRST, SELF_CNODE,
		    index);
}

static void delete(u64 index)
{
	CHECK(!call(SYS_CAP_DELETE, SELF_CNODE, index, 0, 0, 0, 0, 0));
}

struct figures {
	u64 used, objects, capabilities, free;
};

static struct figures figures(void)
{
	struct figures out;

	CHECK(!call(SYS_POOL_INFO, FIRST, 0, 0, 0, 0, 0, 0));
	out.used = self->regs.word[1];
	out.objects = self->regs.word[2];
	out.capabilities = self->regs.word[3];
	out.free = self->regs.word[4];
	return out;
}

static bool same(struct figures a, struct figures b)
{
	return a.used == b.used && a.objects == b.objects &&
		a.capabilities == b.capabilities && a.free == b.free;
}

static void refer(struct slot *slot, u32 index)
{
	struct cap_ref cap = {.slot = &cnode->slots[index],
			      .word = cnode->slots[index].word};

	need(cap_refer(slot, &cap));
}

static struct object system_object = {.type = OBJECT_SYSTEM};

static void set_up(void)
{
	struct aspace *aspace;
	struct sched *sched;

	fake_machine(512, 1);
	first = pool_create_first(frames_free());
	need(clock_init(first, &fake_info));
	sched_init(cpus[0]);
	need(thread_create(first, &self));
	need(cnode_create(first, 5, &cnode));
	need(aspace_create(first, ASPACE_PLAIN, nullptr, &aspace));
	need(sched_create(first, 10, 1, &sched));
	system_object = (struct object){.type = OBJECT_SYSTEM};
	lock_init(&system_object.lock, LOCK_OBJECT);
	need(cnode_install(cnode, SELF_CNODE, &cnode->object, RIGHTS_ALL, 0));
	need(cnode_install(cnode, FIRST, &first->object, RIGHTS_ALL, 0));
	need(cnode_install(cnode, SYSTEM, &system_object, RIGHTS_ALL, 0));
	need(cnode_install(cnode, ASPACE, &aspace->object, RIGHTS_ALL, 0));
	need(cnode_install(cnode, SCHED, &sched->object, RIGHTS_ALL, 0));
	refer(&self->aspace_slot, ASPACE);
	refer(&self->sched_slot, SCHED);
	refer(&self->cspace_slot, SELF_CNODE);
	self->aspace = aspace;
	self->cspace = cnode;
	self->allowed_cpus = 1;
	thread_request(self, REQUEST_START);
	CHECK(fake_run(0, fake_interrupt, nullptr));
	CHECK(!create(FIRST, OBJECT_ASPACE, ASPACE_CONTAINER, 0, 0, CONTAINER));
	CHECK(!create(FIRST, OBJECT_MEMORY, 4 * PAGE_BYTES, 0, 0, MEMORY));
}

static const struct {
	u64 type, a, b, c;
} good[] = {
	{OBJECT_CNODE, 1, 0, 0},
	{OBJECT_CNODE, 9, 0, 0},
	{OBJECT_ENDPOINT, 3, 0, 0},
	{OBJECT_NOTIFICATION, 0, 0, 0},
	{OBJECT_THREAD, 0, 0, 0},
	{OBJECT_ASPACE, ASPACE_PLAIN, 0, 0},
	{OBJECT_ASPACE, ASPACE_CONTAINER, 0, 0},
	{OBJECT_ASPACE, ASPACE_FOREIGN, 0, CONTAINER},
	{OBJECT_MEMORY, 5 * PAGE_BYTES, 0, 0},
	{OBJECT_MEMORY, 1ull << 30, MEMORY_PAGED, 0},
	{OBJECT_MEMORY, 20 * PAGE_BYTES, MEMORY_COMMITTED, 0},
	{OBJECT_POOL, 3, 0, 0},
	{OBJECT_SCHED, 5, 1, SCHED},
	{OBJECT_GUEST, 256, 0, MEMORY},
	{OBJECT_TIMER, 0, 0, 0},
};

// From pools of 1, 2, ... pages until one is large enough.
static void test_quotas(void)
{
	u32 refused = 0;

	// The guest's page is the memory's: let it be there before.
	CHECK(!create(FIRST, OBJECT_GUEST, 0, 0, MEMORY, NEW));
	delete (NEW);
	struct figures before = figures();
	for (u32 i = 0; i < ARRAY_COUNT(good); i++) {
		i64 status = ERR_QUOTA;

		for (u32 limit = 1; status; limit++) {
			CHECK(limit < 64);
			CHECK(!create(FIRST, OBJECT_POOL, limit, 0, 0, SMALL));
			status = create(SMALL, good[i].type, good[i].a,
					good[i].b, good[i].c, NEW);
			CHECK(!status || status == ERR_QUOTA);
			refused += status == ERR_QUOTA;
			if (!status && limit % 2)
				delete (NEW);
			CHECK(!call(SYS_POOL_DESTROY, SMALL, 0, 0, 0, 0, 0, 0));
			CHECK(!slot_word(&cnode->slots[NEW]));
			CHECK(same(before, figures()));
		}
	}
	pool_check(first);
	frames_check();
	printf("create: %lu kinds, %u refusals for quota\n", ARRAY_COUNT(good),
	       refused);
}

// The machine runs out of frames below a pool that has enough left.
static void test_no_frames(void)
{
	static struct paddr taken[512];
	u32 ntaken = 0;

	for (u32 i = 0; i < ARRAY_COUNT(good); i++) {
		i64 status = ERR_MEMORY;
		struct figures before = figures(), after;

		while (frame_alloc(0, &taken[ntaken]) == STATUS_OK)
			ntaken++;
		while (status) {
			status = create(FIRST, good[i].type, good[i].a,
					good[i].b, good[i].c, NEW);
			CHECK(!status || status == ERR_MEMORY);
			if (!status)
				delete (NEW);
			after = figures();
			CHECK(after.used == before.used);
			CHECK(after.objects == before.objects);
			if (status)
				frame_free(taken[--ntaken], 0);
		}
		while (ntaken)
			frame_free(taken[--ntaken], 0);
		CHECK(same(before, figures()));
	}
}

static void test_arguments(void)
{
	struct figures before = figures();

	CHECK(create(FIRST, OBJECT_NONE, 0, 0, 0, NEW) == ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_REPLY, 0, 0, 0, NEW) == ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_IRQ, 0, 0, 0, NEW) == ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_SYSTEM, 0, 0, 0, NEW) == ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_ANY, 0, 0, 0, NEW) == ERR_ARGUMENT);
	CHECK(create(FIRST, 1ull << 32, 0, 0, 0, NEW) == ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_CNODE, 0, 0, 0, NEW) == ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_CNODE, 13, 0, 0, NEW) == ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_CNODE, 1ull << 32 | 3, 0, 0, NEW) ==
	      ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_ENDPOINT, 256, 0, 0, NEW) == ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_ASPACE, 3, 0, 0, NEW) == ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_ASPACE, ASPACE_FOREIGN, 0, 0, NEW) ==
	      ERR_HANDLE);
	CHECK(create(FIRST, OBJECT_ASPACE, ASPACE_FOREIGN, 0, ASPACE, NEW) ==
	      ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_ASPACE, ASPACE_FOREIGN, 0, MEMORY, NEW) ==
	      ERR_TYPE);
	CHECK(create(FIRST, OBJECT_MEMORY, PAGE_BYTES, MEMORY_DEVICE, 0, NEW) ==
	      ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_MEMORY, PAGE_BYTES, MEMORY_PHYSICAL, 0,
		     NEW) == ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_MEMORY, 0, 0, 0, NEW) != STATUS_OK);
	CHECK(create(FIRST, OBJECT_MEMORY, 100, 0, 0, NEW) != STATUS_OK);
	CHECK(create(FIRST, OBJECT_MEMORY, ~0ull, 0, 0, NEW) != STATUS_OK);
	CHECK(create(FIRST, OBJECT_POOL, 0, 0, 0, NEW) == ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_POOL, ~0ull, 0, 0, NEW) == ERR_QUOTA);
	CHECK(create(FIRST, OBJECT_SCHED, 11, 1, SCHED, NEW) == ERR_RANGE);
	CHECK(create(FIRST, OBJECT_SCHED, 10, 2, SCHED, NEW) == ERR_RANGE);
	CHECK(create(FIRST, OBJECT_SCHED, 10, 0, SCHED, NEW) == ERR_ARGUMENT);
	CHECK(create(FIRST, OBJECT_SCHED, 10, 1, 0, NEW) == ERR_HANDLE);
	CHECK(create(FIRST, OBJECT_SCHED, 10, 1, MEMORY, NEW) == ERR_TYPE);
	CHECK(create(FIRST, OBJECT_GUEST, 1, 0, MEMORY, NEW) != STATUS_OK);
	CHECK(create(FIRST, OBJECT_GUEST, 1ull << 40, 0, MEMORY, NEW) !=
	      STATUS_OK);
	CHECK(create(FIRST, OBJECT_ENDPOINT, 0, 0, 0, MEMORY) == ERR_OCCUPIED);
	CHECK(create(FIRST, OBJECT_ENDPOINT, 0, 0, 0, 32) == ERR_RANGE);
	CHECK(create(FIRST, OBJECT_ENDPOINT, 0, 0, 0, ~0u) == ERR_RANGE);
	CHECK(create(MEMORY, OBJECT_ENDPOINT, 0, 0, 0, NEW) == ERR_TYPE);
	CHECK(create(0, OBJECT_ENDPOINT, 0, 0, 0, NEW) == ERR_HANDLE);
	CHECK(same(before, figures()));
}

static void test_devices(void)
{
	struct figures before = figures();
	u64 ram = FAKE_BASE + 100 * PAGE_BYTES;

	CHECK(!device(OBJECT_MEMORY, 0xfd000000, 0x10000, NEW));
	CHECK(!device(OBJECT_IOPORT, 0x3f8, 8, OTHER));
	delete (NEW);
	delete (OTHER);
	CHECK(!device(OBJECT_DMA, 0, 0, NEW));
	delete (NEW);
	CHECK(device(OBJECT_MEMORY, ram, PAGE_BYTES, NEW) == ERR_ARGUMENT);
	CHECK(device(OBJECT_MEMORY, 0, 1ull << 40, NEW) == ERR_ARGUMENT);
	CHECK(device(OBJECT_MEMORY, 0xfd000000, 0, NEW) == ERR_ARGUMENT);
	CHECK(device(OBJECT_MEMORY, 0xfd000010, 0x1000, NEW) == ERR_ARGUMENT);
	CHECK(device(OBJECT_MEMORY, 0xfd000000, ~0xfffull, NEW) ==
	      ERR_ARGUMENT);
	CHECK(device(OBJECT_MEMORY, 1ull << 52, 0x1000, NEW) == ERR_ARGUMENT);
	CHECK(device(OBJECT_IOPORT, 0xffff, 2, NEW) != STATUS_OK);
	CHECK(device(OBJECT_IOPORT, 0, 0, NEW) != STATUS_OK);
	CHECK(device(OBJECT_IRQ, 5, 0, NEW) != STATUS_OK); // none here
	CHECK(device(OBJECT_ENDPOINT, 0, 0, NEW) == ERR_ARGUMENT);
	CHECK(device(OBJECT_IOPORT, 0x3f8, 8, MEMORY) == ERR_OCCUPIED);
	CHECK(same(before, figures()));
}

static void test_all(void)
{
	set_up();
	test_arguments();
	test_devices();
	test_quotas();
	test_no_frames();
}

int main(void)
{
	test_all();
	bool caught =
		fake_bug_is_caught(109, "memory of ours as a device", test_all);
	caught &= fake_bug_is_caught(114, "slots of a cnode leak", test_all);
	return caught ? 0 : 1;
}
