// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See harness.h.
#include "apps/kernel-test/harness/harness.h"
#include "apps/kernel-test/harness/space.h"

#include <stdarg.h>

#define JOIN_NS (60 * SECOND)
#define POLL_NS (200 * US)
#define FAULT_NS (20 * SECOND)

static u8 stacks[WORKERS][STACK_BYTES] __attribute__((aligned(STACK_BYTES)));

// ---- verdicts

void say(const char *format, ...)
{
	char line[256];
	va_list values;

	va_start(values, format);
	usize n = format_string(line, sizeof(line), format, values);
	va_end(values);
	if (n >= sizeof(line)) {
		n = sizeof(line);
		line[n - 1] = '\n';
	}
	(void)!sys_system_log(SYSTEM, (struct uaddr){(u64)line}, (u32)n);
}

[[noreturn]] void test_fail(const char *file, int line, const char *format, ...)
{
	const char *name = strrchr(file, '/');
	va_list values;
	usize n;

	if (__atomic_exchange_n(&shared->failed, 1, __ATOMIC_ACQ_REL))
		park();
	n = format_text(shared->text, sizeof(shared->text),
			"%s:%d: ", name ? name + 1 : file, line);
	va_start(values, format);
	(void)format_string(shared->text + n, sizeof(shared->text) - n, format,
			    values);
	va_end(values);
	__atomic_store_n(&shared->finished, 1, __ATOMIC_RELEASE);
	(void)!sys_signal(handle_of(SLOT_NOTIFICATION));
	park();
}

[[noreturn]] void test_skip(const char *format, ...)
{
	va_list values;

	shared->skipped = 1;
	va_start(values, format);
	(void)format_string(shared->text, sizeof(shared->text), format, values);
	va_end(values);
	__atomic_store_n(&shared->finished, 1, __ATOMIC_RELEASE);
	(void)!sys_signal(handle_of(SLOT_NOTIFICATION));
	park();
}

void test_same(i64 got, i64 want, const char *what, const char *file, int line)
{
	if (got == want)
		return;
	test_fail(file, line, "%s is %ld (%s), not %ld (%s)", what, got,
		  status_name((enum status)got), want,
		  status_name((enum status)want));
}

// ---- objects

static u32 slot_next;

void harness_start(void)
{
	OK(space_prepare(SELF_POOL, SLOT_IMAGE));
	OK(sys_object_create(SELF_POOL, OBJECT_MEMORY, STARTUP_BYTES, 0, NONE,
			     SELF_CNODE, SLOT_STARTUP));
	map_at(handle_of(SLOT_STARTUP), AREA, STARTUP_BYTES,
	       MAP_READ | MAP_WRITE);
	memcpy((void *)AREA, startup, sizeof(*startup));
	unmap(AREA, STARTUP_BYTES);
	// So that it does not depend on a case which of them are there.
	for (u32 i = 0; i < WORKERS; i++)
		for (u32 j = 0; j < STACK_BYTES; j += PAGE_BYTES)
			*(volatile u8 *)&stacks[i][j] = 0;
}

void harness_reset(void)
{
	slot_next = SLOT_CASE_FIRST;
	memset(shared, 0, sizeof(*shared));
}

u32 slots_new(u32 count)
{
	u32 first = __atomic_fetch_add(&slot_next, count, __ATOMIC_RELAXED);

	if (first + count > SLOT_CASE_END)
		FAIL("the case uses too many slots");
	return first;
}

u32 slot_new(void)
{
	return slots_new(1);
}

struct handle make_from(struct handle pool, u32 type, u64 a, u64 b)
{
	struct handle made = handle_of(slot_new());

	OK(sys_object_create(pool, type, a, b,
			     type == OBJECT_SCHED ? SCHED : NONE, SELF_CNODE,
			     made.value));
	return made;
}

struct handle make(u32 type, u64 a, u64 b)
{
	return make_from(CASE_POOL, type, a, b);
}

struct handle memory_of(u64 bytes)
{
	return make(OBJECT_MEMORY, bytes, MEMORY_ANON);
}

struct handle endpoint(void)
{
	return make(OBJECT_ENDPOINT, SERVER_LAYER, 0);
}

struct handle notification(void)
{
	return make(OBJECT_NOTIFICATION, 0, 0);
}

struct handle with_rights(struct handle cap, u32 rights)
{
	struct handle made = handle_of(slot_new());

	OK(sys_cap_mint(SELF_CNODE, made.value, cap, rights, 0));
	return made;
}

struct handle with_badge(struct handle cap, u64 badge)
{
	struct handle made = handle_of(slot_new());

	OK(sys_cap_mint(SELF_CNODE, made.value, cap, ~0u, badge));
	return made;
}

enum status slot_delete(struct handle cap)
{
	return sys_cap_delete(SELF_CNODE, cap.value);
}

enum status slot_revoke(struct handle cap)
{
	return sys_cap_revoke(SELF_CNODE, cap.value);
}

bool slot_full(struct handle cap)
{
	return sys_cap_info(cap, nullptr, nullptr, nullptr) == STATUS_OK;
}

void map_at(struct handle memory, u64 address, u64 bytes, u32 flags)
{
	OK(sys_aspace_map(SELF_ASPACE, memory, 0, address, bytes, flags));
}

void unmap(u64 address, u64 bytes)
{
	OK(sys_aspace_unmap(SELF_ASPACE, address, bytes));
}

void usage_of(struct handle pool, struct usage *out)
{
	u64 limit;

	OK(sys_pool_info(pool, &limit, &out->pages, &out->objects,
			 &out->capabilities, &out->free_frames));
}

bool usage_same(const struct usage *a, const struct usage *b)
{
	return a->pages == b->pages && a->objects == b->objects &&
		a->capabilities == b->capabilities &&
		a->free_frames == b->free_frames;
}

// ---- threads

// The worker's record is at the bottom of its stack.
struct worker *self_worker(void)
{
	u64 sp = (u64)__builtin_frame_address(0);

	return *(struct worker **)(sp & ~(u64)(STACK_BYTES - 1));
}

[[noreturn]] static void worker_main(struct worker *self)
{
	*(struct worker **)self->stack = self;
	self->run(self);
	__atomic_store_n(&self->done, 1, __ATOMIC_RELEASE);
	park();
}

[[noreturn]] void park(void)
{
	struct worker *self = self_worker();

	for (;;) {
		(void)!sys_thread_stop(handle_of(self->thread));
		(void)!sys_yield();
	}
}

struct worker *worker_new(void (*run)(struct worker *))
{
	for (u32 i = 0; i < WORKERS; i++) {
		struct worker *worker = &shared->worker[i];
		u64 none = 0;

		if (!__atomic_compare_exchange_n(
			    &worker->stack, &none, (u64)stacks[i], false,
			    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		*worker = (struct worker){
			.run = run,
			.stack = (u64)stacks[i],
			.layer = WORKER_LAYER,
			.priority = RUNNER_PRIORITY,
			.weight = 100,
			.cpus = 1,
			.aspace = SELF_ASPACE,
			.cspace = SELF_CNODE,
		};
		return worker;
	}
	FAIL("the case uses too many workers");
}

void worker_prepare(struct worker *worker)
{
	if (worker->thread)
		return;
	worker->thread = slots_new(2);
	worker->bell = worker->thread + 1;
	OK(sys_object_create(CASE_POOL, OBJECT_THREAD, 0, 0, NONE, SELF_CNODE,
			     worker->thread));
	OK(sys_object_create(CASE_POOL, OBJECT_NOTIFICATION, 0, 0, NONE,
			     SELF_CNODE, worker->bell));
	OK(sys_thread_configure(handle_of(worker->thread), worker->aspace,
				worker->cspace, worker->fault, worker->layer,
				0));
	OK(sys_thread_schedule(handle_of(worker->thread), SCHED,
			       worker->priority, worker->weight, worker->cpus));
}

void worker_start(struct worker *worker)
{
	worker_prepare(worker);
	OK(sys_thread_start(handle_of(worker->thread), (u64)worker_main,
			    worker->stack + STACK_BYTES - 8, (u64)worker, 0));
}

struct worker *worker_run(void (*run)(struct worker *), u64 a, u64 b)
{
	struct worker *worker = worker_new(run);

	worker->argument[0] = a;
	worker->argument[1] = b;
	worker_start(worker);
	return worker;
}

bool worker_ended(struct worker *worker, u64 within_ns)
{
	u64 end = clock_ns() + within_ns;

	for (u32 i = 0; !__atomic_load_n(&worker->done, __ATOMIC_ACQUIRE);
	     i++) {
		if (clock_ns() > end)
			return false;
		if (i < 50)
			(void)!sys_yield();
		else
			pause_ns(POLL_NS);
	}
	return true;
}

u64 thread_state(u32 thread)
{
	u64 state = ~0ull;

	(void)!sys_thread_info(handle_of(thread), &state, nullptr, nullptr,
			       nullptr, nullptr);
	return state;
}

void worker_join(struct worker *worker)
{
	u64 state, pc, address;

	if (worker_ended(worker, JOIN_NS))
		return;
	OK(sys_thread_info(handle_of(worker->thread), &state, nullptr, nullptr,
			   &address, &pc));
	FAIL("worker %ld did not end: state %lu, pc %#lx, address %#lx",
	     worker - shared->worker, state, pc, address);
}

void worker_wait_state(struct worker *worker, u64 state)
{
	u64 end = clock_ns() + JOIN_NS;

	for (u32 i = 0; thread_state(worker->thread) != state; i++) {
		if (clock_ns() > end)
			FAIL("worker %ld is in state %lu, not %lu",
			     worker - shared->worker,
			     thread_state(worker->thread), state);
		if (i < 50)
			(void)!sys_yield();
		else
			pause_ns(POLL_NS);
	}
}

void kill(struct worker *worker)
{
	OK(slot_delete(handle_of(worker->thread)));
}

void pause_ns(u64 ns)
{
	struct worker *self = self_worker();

	(void)!sys_wait(handle_of(self->bell), 1ull << 63, clock_ns() + ns,
			nullptr);
}

u32 cpus_online(void)
{
	u64 online = 1;

	(void)!sys_system_info(SYSTEM, SYSTEM_INFO_CPUS, 0, nullptr, &online,
			       nullptr, nullptr);
	return (u32)online;
}

// ---- faults

bool fault_receive(struct handle endpoint, struct fault *fault)
{
	return fault_within(endpoint, fault, FAULT_NS);
}

bool fault_within(struct handle endpoint, struct fault *fault, u64 ns)
{
	struct message message = {};

	if (ipc_recv(endpoint, &message, clock_ns() + ns) != STATUS_OK)
		return false;
	CHECK(message.nwords == 5);
	*fault = (struct fault){message.word[0], message.word[1],
				message.word[2], message.word[3],
				message.word[4]};
	return true;
}

void fault_reply(u64 answer)
{
	struct message message = {.nwords = 1, .word = {answer}};

	OK(ipc_reply(&message));
}

// ---- spaces

struct handle space_from(struct handle pool, u32 memory_slot, u32 aspace_slot)
{
	struct handle aspace = handle_of(aspace_slot);

	OK(sys_object_create(pool, OBJECT_ASPACE, ASPACE_PLAIN, 0, NONE,
			     SELF_CNODE, aspace_slot));
	OK(space_fill(pool, aspace, memory_slot, (u64)stacks, sizeof(stacks)));
	OK(sys_aspace_map(aspace, handle_of(SLOT_SHARED), 0, SHARED_AT,
			  SHARED_BYTES, MAP_READ | MAP_WRITE));
	OK(sys_aspace_map(aspace, handle_of(SLOT_TIME), 0, startup->time_page,
			  PAGE_BYTES, MAP_READ));
	// The startup page, which has the address of the time page in it.
	OK(sys_aspace_map(aspace, handle_of(SLOT_STARTUP), 0, (u64)startup,
			  STARTUP_BYTES, MAP_READ));
	return aspace;
}

struct handle space_new(void)
{
	u32 slots = slots_new(2);

	return space_from(CASE_POOL, slots, slots + 1);
}

u64 random_next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

u64 irq_of_machine(u64 *flags)
{
	u32 slot = slot_new();
	u64 line = IRQ_MSI;

	*flags = 0;
	if (sys_device_create(SYSTEM, OBJECT_IRQ, IRQ_MSI, 0, CASE_POOL,
			      SELF_CNODE, slot) == STATUS_OK)
		OK(slot_delete(handle_of(slot)));
	else
		OK(sys_system_info(SYSTEM, SYSTEM_INFO_SERIAL, 0, nullptr,
				   nullptr, &line, flags));
	return line;
}
