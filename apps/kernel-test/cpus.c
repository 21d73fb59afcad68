// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Processors that go and come back: under a storm of everything that lives on one
// (threads, deadlines, timers, translations, calls), and what becomes of threads
// that may run on that one only.
#include "apps/kernel-test/arch/machine.h"
#include "apps/kernel-test/harness/harness.h"

#define PAGE (u64) PAGE_BYTES
#define RW (MAP_READ | MAP_WRITE)
#define STOP shared->number[0]

static u64 state_of(u64 cpu)
{
	u64 facts = 0;

	OK(sys_system_info(SYSTEM, SYSTEM_INFO_TOPOLOGY, cpu, nullptr, nullptr,
			   nullptr, &facts));
	return facts >> 32;
}

static void reach(u64 cpu, u64 state)
{
	u64 end = clock_ns() + 60 * SECOND;

	while (state_of(cpu) != state) {
		pause_ns(MS / 2);
		if (clock_ns() > end)
			FAIL("CPU %lu stays in state %lu", cpu, state_of(cpu));
	}
}

static void offline(u64 cpu)
{
	OK(sys_system_control(SYSTEM, CPU_OFFLINE, cpu));
	reach(cpu, CPU_STATE_OFF);
}

// The firmware may need a moment until it is really off.
static void online(u64 cpu)
{
	u64 end = clock_ns() + 60 * SECOND;

	while (sys_system_control(SYSTEM, CPU_ONLINE, cpu) != STATUS_OK) {
		SAME(state_of(cpu), CPU_STATE_OFF);
		pause_ns(MS / 2);
		CHECK(clock_ns() < end);
	}
	reach(cpu, CPU_STATE_ON);
}

static void test_errors(void)
{
	u64 hardware = 0, cpus = 0;

	OK(sys_system_info(SYSTEM, SYSTEM_INFO_CPUS, 0, &cpus, nullptr, nullptr,
			   nullptr));
	OK(sys_system_info(SYSTEM, SYSTEM_INFO_TOPOLOGY, cpus - 1, nullptr,
			   nullptr, nullptr, &hardware));
	SAME(state_of(0), CPU_STATE_ON);
	SAME(sys_system_control(SYSTEM, CPU_OFFLINE, 0), ERR_UNSUPPORTED);
	SAME(sys_system_control(SYSTEM, CPU_ONLINE, 0), ERR_STATE);
	SAME(sys_system_control(SYSTEM, CPU_OFFLINE, cpus), ERR_RANGE);
	SAME(sys_system_control(SYSTEM, CPU_ONLINE, cpus), ERR_RANGE);
	SAME(sys_system_control(SYSTEM, CPU_OFFLINE, 1ull << 32), ERR_RANGE);
	SAME(sys_system_control(SYSTEM, CPU_OFFLINE, ~0ull), ERR_RANGE);
	SAME(sys_system_control(SYSTEM, CPU_INSERT, (u32)hardware),
	     ERR_OCCUPIED);
	SAME(sys_system_control(SYSTEM, CPU_INSERT, 1ull << 32), ERR_ARGUMENT);
	SAME(sys_system_control(with_rights(SYSTEM, RIGHT_READ), CPU_OFFLINE, 0),
	     ERR_RIGHTS);
}

// ---- the storm

// Its floating-point registers keep what is in them.
static void calculate(struct worker *self)
{
	u64 mine = self->argument[0] * 0x123456789;

	machine_vector_set(mine);
	while (!STOP) {
		if (self->result[0] % 1024 == 0)
			pause_ns(1);
		if (machine_vector(0) != mine || machine_vector(1) != mine)
			self->result[1]++;
		self->result[0]++;
	}
}

static void sleeper(struct worker *self)
{
	while (!STOP) {
		u64 until = clock_ns() + self->argument[0];

		if (sys_wait(handle_of(self->bell), 1ull << 63, until,
			     nullptr) != ERR_TIMEOUT || clock_ns() < until)
			self->result[1]++;
		self->result[0]++;
	}
}

static void ticked(struct worker *self)
{
	struct handle timer = handle_of((u32)self->argument[0]);
	u64 bits;

	OK(sys_timer_set(timer, handle_of(self->bell), 1, clock_ns() + MS,
			 3 * MS));
	while (!STOP) {
		if (sys_wait(handle_of(self->bell), 1, clock_ns() + 50 * SECOND,
			     &bits) != STATUS_OK)
			self->result[1]++;
		self->result[0]++;
	}
	OK(sys_timer_set(timer, handle_of(self->bell), 1, 0, 0));
}

static void mapper(struct worker *self)
{
	struct handle memory = handle_of((u32)self->argument[0]);
	u64 at = AREA + self->argument[1];

	while (!STOP) {
		map_at(memory, at, PAGE, RW);
		if (*word_at(at) != self->result[0])
			self->result[1]++;
		*word_at(at) = ++self->result[0];
		unmap(at, PAGE);
	}
}

static void answerer(struct worker *self)
{
	struct handle gate = handle_of((u32)self->argument[0]);
	struct message message = {};
	enum status status = ipc_recv(gate, &message, 0);

	while (status == STATUS_OK) {
		message.word[0]++;
		self->result[0]++;
		status = ipc_reply_recv(gate, &message, 0);
	}
}

static void asker(struct worker *self)
{
	while (!STOP) {
		struct message message = {.nwords = 1,
			.word = {self->result[0]}};

		if (ipc_call(handle_of((u32)self->argument[0]), &message,
			     clock_ns() + 50 * SECOND) != STATUS_OK ||
		    message.word[0] != self->result[0] + 1)
			self->result[1]++;
		self->result[0]++;
	}
}

static void idler(struct worker *self)
{
	while (!STOP)
		self->result[0]++;
}

static void starter(struct worker *self)
{
	struct handle thread = handle_of((u32)self->argument[0]);
	u64 state = 1;

	while (!STOP) {
		enum status status = random_next(&state) & 1
			? sys_thread_stop(thread)
			: sys_thread_start(thread, 0, 0, 0, 0);

		if (status != STATUS_OK && status != ERR_STATE)
			self->result[1]++;
		status = sys_thread_schedule(thread, SCHED, RUNNER_PRIORITY - 1,
					     100, 1 | random_next(&state) % 16);
		if (status != STATUS_OK)
			self->result[1]++;
		self->result[0]++;
		if (self->result[0] % 16 == 0)
			pause_ns(MS);
	}
}

static void test_storm(void)
{
	struct handle gate[2] = {endpoint(), endpoint()};
	struct worker *victim = worker_new(idler), *worker[16];
	u64 state = 7, before[16];
	u32 n = 0, cpus = cpus_online();

	victim->priority = RUNNER_PRIORITY - 1;
	worker_start(victim);
	for (u32 i = 0; i < 2; i++) {
		(void)worker_run(answerer, gate[i].value, 0);
		worker[n++] = worker_run(asker, gate[i].value, 0);
		worker[n++] = worker_run(calculate, i + 1, 0);
		worker[n++] = worker_run(calculate, i + 50, 0);
		worker[n++] = worker_run(sleeper, (i + 1) * 700 * US, 0);
		worker[n++] = worker_run(ticked, make(OBJECT_TIMER, 0, 0).value,
					 0);
		worker[n++] = worker_run(mapper, memory_of(PAGE).value,
					 i * 0x400000);
	}
	worker[n++] = worker_run(starter, victim->thread, 0);
	for (u32 round = 0; round < 30; round++) {
		u64 cpu = 1 + random_next(&state) % (cpus - 1);

		if (state_of(cpu) == CPU_STATE_ON)
			offline(cpu);
		else
			online(cpu);
		for (u32 i = 0; i < n; i++)
			before[i] = worker[i]->result[0];
		pause_ns(5 * MS);
		SAME(sys_system_control(SYSTEM,
					state_of(cpu) == CPU_STATE_ON
						? CPU_ONLINE
						: CPU_OFFLINE,
					cpu),
		     ERR_STATE);
	}
	for (u64 cpu = 1; cpu < cpus; cpu++)
		if (state_of(cpu) == CPU_STATE_OFF)
			online(cpu);
	SAME(cpus_online(), cpus);
	for (u32 i = 0; i < n; i++) {
		u64 end = clock_ns() + 60 * SECOND;

		while (worker[i]->result[0] == before[i]) {
			pause_ns(MS);
			if (clock_ns() > end)
				FAIL("worker %u stands still: state %lu", i,
				     thread_state(worker[i]->thread));
		}
	}
	STOP = 1;
	for (u32 i = 0; i < n; i++) {
		worker_join(worker[i]);
		if (worker[i]->result[1])
			FAIL("worker %u: %lu of %lu wrong", i,
			     worker[i]->result[1], worker[i]->result[0]);
	}
	say("smp: %lu calls, %lu mappings while processors went and came\n",
	    worker[0]->result[0], worker[5]->result[0]);
}

// ---- threads of one processor

static void moves(struct worker *worker)
{
	u64 end = clock_ns() + 60 * SECOND, last = worker->result[0];

	while (worker->result[0] == last) {
		pause_ns(MS);
		if (clock_ns() > end)
			FAIL("it does not run: state %lu",
			     thread_state(worker->thread));
	}
}

static void stands(struct worker *worker)
{
	u64 last = worker->result[0];

	pause_ns(30 * MS);
	SAME(worker->result[0], last);
}

static void test_pinned(void)
{
	struct worker *busy = worker_new(idler), *asleep = worker_new(sleeper);
	struct worker *dies = worker_new(idler);
	struct worker *all[] = {busy, asleep, dies};
	struct handle thread;

	asleep->argument[0] = 5 * MS;
	for (u32 i = 0; i < 3; i++) {
		all[i]->cpus = 2;
		all[i]->priority = RUNNER_PRIORITY - 1;
		worker_start(all[i]);
	}
	for (u32 round = 0; round < 3; round++) {
		// None of them waits for the processor alone at first.
		if (round == 0)
			moves(asleep);
		offline(1);
		stands(busy);
		SAME(thread_state(busy->thread), THREAD_READY);
		worker_wait_state(asleep, THREAD_READY);
		stands(asleep);
		thread = handle_of(busy->thread);
		SAME(sys_thread_schedule(thread, SCHED, RUNNER_PRIORITY - 1,
					 100, 2),
		     ERR_ARGUMENT);
		OK(sys_thread_stop(thread));
		SAME(thread_state(busy->thread), THREAD_STOPPED);
		OK(sys_thread_start(thread, 0, 0, 0, 0));
		stands(busy);
		if (round == 1) {
			OK(sys_thread_schedule(thread, SCHED,
					       RUNNER_PRIORITY - 1, 100, 3));
			moves(busy);
		}
		if (round == 2)
			kill(dies);
		online(1);
		moves(busy);
		moves(asleep);
		OK(sys_thread_schedule(thread, SCHED, RUNNER_PRIORITY - 1, 100,
				       2));
		moves(busy);
	}
	STOP = 1;
	worker_join(busy);
	worker_join(asleep);
}

const struct test_case suite_cpus[] = {
	{"cpus.errors", test_errors,
	 "system_control error RANGE;system_control error STATE;"
	 "system_control error OCCUPIED;system_control error UNSUPPORTED",
	 0},
	{}};

const struct test_case suite_cpus_smp[] = {
	{"smp.cpus-storm", test_storm, nullptr, NEEDS_TWO_CPUS},
	{"smp.cpus-pinned", test_pinned, nullptr, NEEDS_TWO_CPUS},
	{}};
