// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Races between processors: what one takes away must be gone on the other when
// the call returns; and nobody is forgotten when everything dies at once.
#include "abi/registers.h"
#include "apps/kernel-test/harness/harness.h"

#define PAGE (u64) PAGE_BYTES
#define RW (MAP_READ | MAP_WRITE)
#define STOP shared->number[0]

// ---- translations: a thread on the other CPU writes without pause through one
// mapping, and is watched through another.

static void writer(struct worker *self)
{
	volatile u64 *at = word_at(self->argument[0]);

	while (!STOP) {
		(*at)++;
		self->result[0]++;
	}
}

// Wait until it has counted beyond that. A busy host may hold a processor up.
static void moves(struct worker *worker, u64 beyond)
{
	u64 end = clock_ns() + 60 * SECOND;

	while (worker->result[0] <= beyond)
		if (clock_ns() > end)
			FAIL("the writer stands still: state %lu",
			     thread_state(worker->thread));
}

static struct worker *writer_run(struct handle faults)
{
	struct worker *worker = worker_new(writer);

	worker->cpus = 2;
	worker->fault = faults;
	worker->argument[0] = AREA;
	worker_start(worker);
	return worker;
}

enum how { UNMAP, PROTECT, REVOKE };

// After the call has returned the page must not change any more; then the writer
// is given back what it needs.
static void one_round(enum how how, struct handle memory, struct handle lent,
		      struct handle faults, struct worker *worker)
{
	volatile u64 *watch = word_at(AREA + 0x100000);
	u64 start = worker->result[0], seen;
	struct fault fault;

	moves(worker, start);
	switch (how) {
	case UNMAP:
		unmap(AREA, PAGE);
		break;
	case PROTECT:
		OK(sys_aspace_protect(SELF_ASPACE, AREA, PAGE, MAP_READ));
		break;
	case REVOKE:
		OK(slot_revoke(lent));
		break;
	}
	seen = *watch;
	for (u32 i = 0; i < 2000; i++)
		if (*watch != seen)
			FAIL("way %u: a write after the call returned", how);
	CHECK(fault_receive(faults, &fault));
	SAME(fault.kind, FAULT_ACCESS);
	SAME(fault.address, AREA);
	if (how == PROTECT) {
		OK(sys_aspace_protect(SELF_ASPACE, AREA, PAGE, RW));
	} else if (how == UNMAP) {
		map_at(memory, AREA, PAGE, RW);
	} else {
		unmap(AREA, PAGE);
		OK(sys_cap_copy(SELF_CNODE, (u32)shared->number[1], lent));
		map_at(handle_of((u32)shared->number[1]), AREA, PAGE, RW);
	}
	fault_reply(FAULT_REPLY_RETRY);
}

static void shootdown(enum how how, u32 rounds)
{
	struct handle memory = memory_of(PAGE), faults = endpoint();
	struct handle lent = with_rights(memory, ~0u), copy;
	struct worker *worker;

	copy = with_rights(lent, ~0u);
	shared->number[1] = copy.value;
	map_at(memory, AREA + 0x100000, PAGE, RW);
	map_at(how == REVOKE ? copy : memory, AREA, PAGE, RW);
	worker = writer_run(faults);
	for (u32 i = 0; i < rounds; i++)
		one_round(how, memory, lent, faults, worker);
	STOP = 1;
	worker_join(worker);
	say("smp: way %u: %u rounds, %lu writes\n", how, rounds,
	    worker->result[0]);
}

static void test_unmap(void)
{
	shootdown(UNMAP, 300);
}

static void test_protect(void)
{
	shootdown(PROTECT, 300);
}

static void test_revoke(void)
{
	shootdown(REVOKE, 300);
}

// Memory that is given up and given to another: no write of the old user may
// show up in it.
static void test_reuse(void)
{
	struct handle faults = endpoint();
	struct worker *worker = worker_new(writer);

	worker->cpus = 2;
	worker->fault = faults;
	worker->argument[0] = AREA;
	for (u32 round = 0; round < 200; round++) {
		struct handle memory = handle_of(SLOT_CASE_END - 1);
		struct handle next = handle_of(SLOT_CASE_END - 2);
		struct fault fault;
		u64 start = worker->result[0];

		OK(sys_object_create(CASE_POOL, OBJECT_MEMORY, PAGE, 0, NONE,
				     SELF_CNODE, memory.value));
		map_at(memory, AREA, PAGE, RW);
		if (round)
			fault_reply(FAULT_REPLY_RETRY);
		else
			worker_start(worker);
		moves(worker, start + 2);
		OK(slot_delete(memory));
		if (round & 1)
			unmap(AREA, PAGE);
		else
			OK(sys_aspace_unmap(SELF_ASPACE, AREA - PAGE,
					    3 * PAGE));
		OK(sys_object_create(CASE_POOL, OBJECT_MEMORY, 16 * PAGE, 0,
				     NONE, SELF_CNODE, next.value));
		map_at(next, AREA + 0x100000, 16 * PAGE, RW);
		for (u32 i = 0; i < 16; i++)
			SAME(*word_at(AREA + 0x100000 + i * PAGE), 0);
		for (u32 i = 0; i < 200; i++)
			SAME(*word_at(AREA + 0x100000 + i % 16 * PAGE), 0);
		unmap(AREA + 0x100000, 16 * PAGE);
		OK(slot_delete(next));
		CHECK(fault_receive(faults, &fault));
	}
}

// While memory is cloned, the other CPU writes two words in order: the clone must
// never show the second without the first.
static void pair_writer(struct worker *self)
{
	volatile u64 *first = word_at(AREA), *second = word_at(AREA + PAGE);

	for (u64 i = 1; !STOP; i++) {
		*first = i;
		__asm__ volatile("" : : : "memory");
		*second = i;
		self->result[0] = i;
	}
}

static void test_clone(void)
{
	struct handle memory = memory_of(64 * PAGE);
	struct handle copy = handle_of(slot_new());
	struct worker *worker = worker_new(pair_writer);

	worker->cpus = 2;
	map_at(memory, AREA, 64 * PAGE, RW);
	for (u32 i = 0; i < 64; i++)
		*word_at(AREA + i * PAGE) = 0;
	worker_start(worker);
	while (worker->result[0] < 10)
		;
	for (u32 round = 0; round < 150; round++) {
		u64 first, second;

		OK(sys_memory_clone(memory, CASE_POOL, SELF_CNODE, copy.value));
		map_at(copy, AREA + 0x100000, 64 * PAGE, MAP_READ);
		first = *word_at(AREA + 0x100000);
		second = *word_at(AREA + 0x101000);
		if (second > first)
			FAIL("the clone shows %lu, and %lu written before",
			     second, first);
		for (u32 i = 0; i < 50; i++)
			SAME(*word_at(AREA + 0x100000), first);
		unmap(AREA + 0x100000, 64 * PAGE);
		OK(slot_delete(copy));
	}
	STOP = 1;
	worker_join(worker);
}

// ---- capabilities

static void copier(struct worker *self)
{
	struct handle cnode = handle_of((u32)self->argument[0]);
	struct handle root = handle_of((u32)self->argument[1]);
	u64 state = self->argument[2];

	while (!STOP) {
		u64 r = random_next(&state);
		struct handle from = r & 0x100
			? root
			: handle_of(cnode.value << 16 | (u32)(r >> 16 & 63));
		enum status status;

		if (r & 0x600)
			status = sys_cap_copy(cnode, r & 63, from);
		else if (r & 0x800)
			status = sys_cap_move(cnode, r & 63,
					      handle_of(cnode.value << 16 |
							(u32)(r >> 16 & 63)));
		else
			status = sys_cap_delete(cnode, r & 63);
		self->result[status == STATUS_OK]++;
	}
}

static void revoker(struct worker *self)
{
	while (!STOP) {
		OK(slot_revoke(handle_of((u32)self->argument[1])));
		self->result[1]++;
		if (self->result[1] % 4 == 0)
			(void)!sys_yield();
	}
}

static void test_revoke_storm(void)
{
	struct handle cnode = make(OBJECT_CNODE, 6, 0);
	struct handle root = notification();
	struct worker *worker[4];

	for (u32 i = 0; i < 4; i++) {
		worker[i] = worker_new(i == 3 ? revoker : copier);
		worker[i]->argument[0] = cnode.value;
		worker[i]->argument[1] = root.value;
		worker[i]->argument[2] = i + 1;
		worker[i]->cpus = i & 1 ? 2 : 1;
		worker_start(worker[i]);
	}
	for (u32 i = 0; i < 40; i++)
		pause_ns(10 * MS);
	STOP = 1;
	for (u32 i = 0; i < 4; i++)
		worker_join(worker[i]);
	OK(slot_revoke(root));
	for (u32 i = 0; i < 64; i++)
		CHECK(!slot_full(handle_of(cnode.value << 16 | i)));
	OK(sys_signal(root));
	say("smp: %lu copies, %lu revocations\n",
	    worker[0]->result[1] + worker[1]->result[1] + worker[2]->result[1],
	    worker[3]->result[1]);
	CHECK(worker[3]->result[1] > 10 && worker[1]->result[1] > 10);
}

// ---- threads that die while they talk

static void answerer(struct worker *self)
{
	struct handle gate = handle_of((u32)self->argument[0]);
	struct message message = {};
	enum status status = ipc_recv(gate, &message, 0);

	while (status == STATUS_OK) {
		message.word[0]++;
		message.ncaps = 0;
		self->result[0]++;
		status = ipc_reply_recv(gate, &message, 0);
	}
}

static void asker(struct worker *self)
{
	struct handle gate = handle_of((u32)self->argument[0]);

	while (!STOP) {
		struct message message = {.nwords = 1,
					  .word = {self->result[0]}};
		enum status status =
			ipc_call(gate, &message, clock_ns() + 50 * MS);

		if (status == STATUS_OK &&
		    message.word[0] != self->result[0] + 1)
			FAIL("a wrong answer: %lu to %lu", message.word[0],
			     self->result[0]);
		if (status == STATUS_OK)
			self->result[0]++;
		else if (status == ERR_PEER_RESTARTED)
			self->result[1]++;
		else if (status == ERR_TIMEOUT)
			self->result[2]++;
		else
			FAIL("call: %s", status_name(status));
	}
}

// Servers are killed again and again while clients call: every call ends.
static void test_server_storm(void)
{
	struct handle gate = endpoint();
	struct worker *ask[3], *server, *last = nullptr;
	u32 slots = slots_new(2);
	u64 answers = 0, restarts = 0;

	for (u32 i = 0; i < 3; i++) {
		ask[i] = worker_new(asker);
		ask[i]->argument[0] = gate.value;
		ask[i]->cpus = i & 1 ? 1 : 2;
		worker_start(ask[i]);
	}
	for (u32 round = 0; round < 150; round++) {
		server = worker_new(answerer);
		server->argument[0] = gate.value;
		server->layer = SERVER_LAYER;
		server->cpus = round & 1 ? 1 : 2;
		server->thread = slots;
		server->bell = slots + 1;
		OK(sys_object_create(CASE_POOL, OBJECT_THREAD, 0, 0, NONE,
				     SELF_CNODE, slots));
		OK(sys_thread_configure(handle_of(slots), SELF_ASPACE,
					SELF_CNODE, NONE, SERVER_LAYER, 0));
		OK(sys_thread_schedule(handle_of(slots), SCHED, RUNNER_PRIORITY,
				       100, server->cpus));
		worker_start(server);
		pause_ns(MS + round % 3 * MS);
		// It may run on for a moment: its stack is not used next.
		OK(slot_delete(handle_of(slots)));
		if (last)
			last->stack = 0;
		last = server;
	}
	STOP = 1;
	for (u32 i = 0; i < 3; i++) {
		worker_join(ask[i]);
		answers += ask[i]->result[0];
		restarts += ask[i]->result[1];
	}
	say("smp: 150 servers died: %lu answers, %lu restarts\n", answers,
	    restarts);
	CHECK(answers > 100);
}

// Whole pools with talking threads in them are destroyed under way.
static void test_pool_storm(void)
{
	struct handle gate = endpoint(), bell = notification();

	for (u32 round = 0; round < 60; round++) {
		struct handle pool = handle_of(SLOT_CASE_END - 1);
		u32 base = SLOT_CASE_END - 12;
		struct worker *worker[4];

		STOP = 0;
		OK(sys_object_create(CASE_POOL, OBJECT_POOL, 200, 0, NONE,
				     SELF_CNODE, pool.value));
		for (u32 i = 0; i < 4; i++) {
			worker[i] = worker_new(i & 1 ? asker : answerer);
			worker[i]->argument[0] = gate.value;
			worker[i]->thread = base + 2 * i;
			worker[i]->bell = base + 2 * i + 1;
			OK(sys_object_create(pool, OBJECT_THREAD, 0, 0, NONE,
					     SELF_CNODE, base + 2 * i));
			OK(sys_thread_configure(
				handle_of(base + 2 * i), SELF_ASPACE,
				SELF_CNODE, NONE,
				i & 1 ? WORKER_LAYER : SERVER_LAYER, 0));
			OK(sys_thread_schedule(handle_of(base + 2 * i), SCHED,
					       RUNNER_PRIORITY, 100,
					       i & 2 ? 2 : 3));
		}
		for (u32 i = 0; i < 4; i++)
			worker_start(worker[i]);
		pause_ns(MS + round % 4 * MS);
		OK(sys_pool_destroy(pool));
		for (u32 i = 0; i < 4; i++) {
			CHECK(!slot_full(handle_of(base + 2 * i)));
			worker[i]->stack = 0;
		}
	}
	OK(sys_signal(bell));
}

// Something is made in a pool while it is destroyed: made and gone with it, or
// refused.
static void maker(struct worker *self)
{
	struct handle pool = handle_of((u32)self->argument[0]);

	while (!STOP) {
		u64 round = shared->number[1];

		if (round == shared->number[2])
			continue;
		self->result[sys_object_create(pool, OBJECT_THREAD, 0, 0, NONE,
					       SELF_CNODE,
					       (u32)self->argument[1]) ==
			     STATUS_OK]++;
		shared->number[2] = round;
	}
}

static void test_pool_making(void)
{
	struct handle pool = handle_of(SLOT_CASE_END - 1);
	struct handle made = handle_of(SLOT_CASE_END - 2);
	struct worker *worker = worker_new(maker);
	u64 delay = 500, made_before;

	worker->cpus = 2;
	worker->argument[0] = pool.value;
	worker->argument[1] = made.value;
	worker_start(worker);
	for (u64 round = 1; round <= 3000; round++) {
		OK(sys_object_create(CASE_POOL, OBJECT_POOL, 20, 0, NONE,
				     SELF_CNODE, pool.value));
		made_before = worker->result[1];
		shared->number[1] = round;
		for (u64 i = delay; i; i--)
			__asm__ volatile("");
		OK(sys_pool_destroy(pool));
		while (shared->number[2] != round)
			;
		CHECK(!slot_full(made));
		// Towards the moment when both happen.
		if (worker->result[1] > made_before)
			delay -= delay / 8;
		else
			delay += delay / 8 + 8;
	}
	STOP = 1;
	worker_join(worker);
	say("smp: %lu made in a dying pool, %lu refused\n", worker->result[1],
	    worker->result[0]);
	CHECK(worker->result[1]);
}

// Two CPUs stop, start and look at the same threads.
static void spin(struct worker *self)
{
	for (;;)
		self->result[0]++;
}

static void meddler(struct worker *self)
{
	u64 state = self->argument[2];
	u64 buffer[sizeof(struct thread_registers) / 8];

	while (!STOP) {
		struct handle thread =
			handle_of((u32)self->argument[random_next(&state) & 1]);
		enum status status = STATUS_OK;

		switch (random_next(&state) % 6) {
		case 0:
			status = sys_thread_stop(thread);
			break;
		case 1:
		case 2:
			status = sys_thread_start(thread, 0, 0, 0, 0);
			break;
		case 3:
			status = sys_thread_registers(
				thread, (struct uaddr){(u64)buffer}, false);
			break;
		case 4:
			status = sys_thread_schedule(
				thread, SCHED, RUNNER_PRIORITY - 1, 100,
				1 + random_next(&state) % 3);
			break;
		case 5:
			status = sys_thread_info(thread, nullptr, nullptr,
						 nullptr, nullptr, nullptr);
			break;
		}
		if (status != STATUS_OK && status != ERR_STATE)
			FAIL("%s", status_name(status));
		self->result[0]++;
	}
}

static void test_thread_storm(void)
{
	struct worker *victim[2], *worker[2];
	u64 last[2];

	for (u32 i = 0; i < 2; i++) {
		victim[i] = worker_new(spin);
		victim[i]->cpus = 3;
		victim[i]->priority = RUNNER_PRIORITY - 1;
		worker_start(victim[i]);
	}
	for (u32 i = 0; i < 2; i++) {
		worker[i] = worker_new(meddler);
		worker[i]->cpus = 1 << i;
		worker[i]->argument[0] = victim[0]->thread;
		worker[i]->argument[1] = victim[1]->thread;
		worker[i]->argument[2] = 77 + i;
		worker_start(worker[i]);
	}
	for (u32 i = 0; i < 30; i++)
		pause_ns(10 * MS);
	STOP = 1;
	for (u32 i = 0; i < 2; i++)
		worker_join(worker[i]);
	STOP = 0;
	for (u32 i = 0; i < 2; i++) {
		OK(sys_thread_stop(handle_of(victim[i]->thread)));
		OK(sys_thread_start(handle_of(victim[i]->thread), 0, 0, 0, 0));
		last[i] = victim[i]->result[0];
	}
	for (u32 i = 0; i < 2; i++) {
		u64 end = clock_ns() + 60 * SECOND;

		while (victim[i]->result[0] == last[i]) {
			pause_ns(10 * MS);
			if (clock_ns() > end)
				FAIL("victim %u does not run: state %lu", i,
				     thread_state(victim[i]->thread));
		}
	}
	say("smp: %lu meddlings\n",
	    worker[0]->result[0] + worker[1]->result[0]);
}

// Signals from one CPU to a waiter on the other: none is lost.
static void listener(struct worker *self)
{
	u64 bits = 0;

	while (self->result[0] < self->argument[1]) {
		if (sys_wait(handle_of((u32)self->argument[0]), ~0ull,
			     clock_ns() + 5 * SECOND, &bits) != STATUS_OK) {
			self->result[1]++;
			return;
		}
		self->result[0]++;
		shared->number[2] = self->result[0];
	}
}

static void test_signals(void)
{
	struct handle bell = notification();
	struct worker *worker = worker_new(listener);

	worker->cpus = 2;
	worker->argument[0] = bell.value;
	worker->argument[1] = 5000;
	worker_start(worker);
	for (u64 i = 0; i < 5000; i++) {
		OK(sys_signal(bell));
		while (shared->number[2] <= i)
			if (worker->result[1])
				FAIL("signal %lu was lost", i);
	}
	worker_join(worker);
}

const struct test_case suite_smp[] = {
	{"smp.unmap", test_unmap, nullptr, NEEDS_TWO_CPUS},
	{"smp.protect", test_protect, nullptr, NEEDS_TWO_CPUS},
	{"smp.revoke", test_revoke, nullptr, NEEDS_TWO_CPUS},
	{"smp.reuse", test_reuse, nullptr, NEEDS_TWO_CPUS},
	{"smp.clone", test_clone, nullptr, NEEDS_TWO_CPUS},
	{"smp.revoke-storm", test_revoke_storm, nullptr, NEEDS_TWO_CPUS},
	{"smp.server-storm", test_server_storm, nullptr, NEEDS_TWO_CPUS},
	{"smp.pool-storm", test_pool_storm, nullptr, NEEDS_TWO_CPUS},
	{"smp.pool-making", test_pool_making, nullptr, NEEDS_TWO_CPUS},
	{"smp.thread-storm", test_thread_storm, nullptr, NEEDS_TWO_CPUS},
	{"smp.signals", test_signals, nullptr, NEEDS_TWO_CPUS},
	{}};
