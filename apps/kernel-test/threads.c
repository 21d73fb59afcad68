// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Threads: start, stop, registers, faults and their handlers, priorities, shares.
#include "apps/kernel-test/arch/machine.h"
#include "apps/kernel-test/harness/harness.h"

#define CPUS_MOST 4

static void empty(struct worker *)
{
}

static void spin(struct worker *self)
{
	volatile u64 *stop = &shared->number[0];

	while (!*stop)
		self->result[0]++;
}

static void test_start_stop(void)
{
	struct worker *worker = worker_new(spin);
	struct handle thread;
	u64 state, run_ns, cpu, count;

	worker_prepare(worker);
	thread = handle_of(worker->thread);
	OK(sys_thread_info(thread, &state, &run_ns, &cpu, nullptr, nullptr));
	SAME(state, THREAD_STOPPED);
	SAME(run_ns, 0);
	OK(sys_thread_stop(thread));
	worker_start(worker);
	SAME(sys_thread_start(thread, 0x400000, 0, 0, 0), ERR_STATE);
	while (!worker->result[0])
		(void)!sys_yield();
	state = thread_state(worker->thread);
	CHECK(state == THREAD_READY || state == THREAD_RUNNING);
	OK(sys_thread_stop(thread));
	SAME(thread_state(worker->thread), THREAD_STOPPED);
	count = worker->result[0];
	pause_ns(5 * MS);
	SAME(worker->result[0], count);
	OK(sys_thread_stop(thread)); // again
	OK(sys_thread_start(thread, 0, 0, 0, 0));
	while (worker->result[0] == count)
		(void)!sys_yield();
	OK(sys_thread_info(thread, nullptr, &run_ns, &cpu, nullptr, nullptr));
	CHECK(run_ns > 0);
	SAME(cpu, 0);
	shared->number[0] = 1;
	worker_join(worker);
}

static void test_start_refused(void)
{
	const u64 bad[] = {USER_END,
			   USER_END + 1,
			   USER_END * 2 + 1,
			   0x8000000000000000,
			   0xffff800000000000,
			   0xffffffff80000000,
			   ~0ull};
	struct worker *worker = worker_new(empty);
	struct handle thread = make(OBJECT_THREAD, 0, 0);

	// Nothing configured.
	SAME(sys_thread_start(thread, 0x400000, 0, 0, 0), ERR_STATE);
	worker_prepare(worker);
	thread = handle_of(worker->thread);
	for (u32 i = 0; i < ARRAY_COUNT(bad); i++) {
		SAME(sys_thread_start(thread, bad[i], 0x1000, 0, 0),
		     ERR_ADDRESS);
		SAME(sys_thread_start(thread, 0x400000, bad[i], 0, 0),
		     ERR_ADDRESS);
		SAME(sys_thread_start(thread, 0x400000, 0x1000, 0, bad[i]),
		     ERR_ADDRESS);
	}
	SAME(thread_state(worker->thread), THREAD_STOPPED);
}

static void test_configure(void)
{
	struct worker *worker = worker_new(spin);
	struct handle thread, gate = endpoint();
	struct handle mute = with_rights(gate, RIGHT_RECV);

	worker_start(worker);
	thread = handle_of(worker->thread);
	SAME(sys_thread_configure(thread, SELF_ASPACE, SELF_CNODE, NONE, 1, 0),
	     ERR_STATE);
	OK(sys_thread_stop(thread));
	OK(sys_thread_configure(thread, SELF_ASPACE, SELF_CNODE, gate, 255,
				0x1000));
	SAME(sys_thread_configure(thread, SELF_ASPACE, SELF_CNODE, NONE, 256,
				  0),
	     ERR_ARGUMENT);
	SAME(sys_thread_configure(thread, SELF_ASPACE, SELF_CNODE, NONE, 1,
				  USER_END),
	     ERR_ARGUMENT);
	SAME(sys_thread_configure(thread, SELF_ASPACE, SELF_CNODE, mute, 1, 0),
	     ERR_RIGHTS);
	SAME(sys_thread_configure(thread, SELF_ASPACE, SELF_CNODE, SELF_CNODE,
				  1, 0),
	     ERR_TYPE);
	SAME(sys_thread_configure(thread, SELF_ASPACE, SELF_CNODE,
				  handle_of(SLOT_NEVER), 1, 0),
	     ERR_HANDLE);
	OK(sys_thread_start(thread, 0, 0, 0, 0));
	shared->number[0] = 1;
	worker_join(worker);
}

static void test_schedule(void)
{
	struct worker *worker = worker_new(empty);
	struct handle low = make(OBJECT_SCHED, 10, 1), thread;

	worker_prepare(worker);
	thread = handle_of(worker->thread);
	OK(sys_thread_schedule(thread, low, 10, 100, 0));
	OK(sys_thread_schedule(thread, low, 0, 1, 1));
	SAME(sys_thread_schedule(thread, low, 11, 100, 0), ERR_RANGE);
	SAME(sys_thread_schedule(thread, SCHED, 64, 100, 0), ERR_RANGE);
	SAME(sys_thread_schedule(thread, SCHED, 1000, 100, 0), ERR_RANGE);
	SAME(sys_thread_schedule(thread, SCHED, 0, 100000, 0), ERR_RANGE);
	SAME(sys_thread_schedule(thread, SCHED, 1, 100, 1ull << 63),
	     ERR_ARGUMENT);
	SAME(sys_thread_schedule(thread, low, 1, 100, 2), ERR_ARGUMENT);
	OK(sys_thread_schedule(thread, SCHED, 0, 0, 0)); // weight: as usual
	OK(sys_thread_schedule(thread, SCHED, 63, 100, 1));
	worker_start(worker);
	worker_join(worker);
}

// ---- registers

static void pattern(struct worker *self)
{
	machine_pattern(&self->result[0]);
	self->result[1] = 7;
}

static void test_registers(void)
{
	struct worker *worker = worker_run(pattern, 0, 0);
	struct handle thread = handle_of(worker->thread);
	struct thread_registers r = {};
	struct machine_registers m = machine_registers(&r);
	struct uaddr buffer = {(u64)&r};
	const char *wrong;

	while (!worker->result[0])
		(void)!sys_yield();
	SAME(sys_thread_registers(thread, buffer, false), ERR_STATE);
	pause_ns(10 * MS); // interrupts come and go
	OK(sys_thread_stop(thread));
	OK(sys_thread_registers(thread, buffer, false));
	wrong = machine_pattern_check(&r, (u64)&worker->result[0]);
	if (wrong)
		FAIL("register %s has changed", wrong);
	CHECK(*m.pc >= 0x400000 && *m.pc < 0x500000);
	CHECK(*m.sp > worker->stack && *m.sp < worker->stack + STACK_BYTES);
	// Bad ones are refused as a whole.
	const u64 bad[] = {USER_END, 1ull << 63, 0xffff800000000000,
			   0xffffffff80100000, ~0ull};
	for (u32 i = 0; i < ARRAY_COUNT(bad); i++) {
		struct thread_registers changed = r;

		*machine_registers(&changed).pc = bad[i];
		SAME(sys_thread_registers(thread, (struct uaddr){(u64)&changed},
					  true),
		     ERR_ADDRESS);
	}
	SAME(sys_thread_registers(thread, (struct uaddr){0x1000}, false),
	     ERR_ADDRESS);
	SAME(sys_thread_registers(thread, (struct uaddr){0x1000}, true),
	     ERR_ADDRESS);
	SAME(sys_thread_registers(thread, (struct uaddr){0xffff800000000000},
				  false),
	     ERR_ADDRESS);
	SAME(sys_thread_registers(thread, (struct uaddr){USER_END - 8}, false),
	     ERR_ADDRESS);
	*machine_pattern_stop(&r) = 0;
	*m.flags = ~0ull; // only what users may have is taken
	OK(sys_thread_registers(thread, buffer, true));
	OK(sys_thread_registers(thread, buffer, false));
	CHECK(machine_flags_ok(*m.flags));
	*m.flags = MACHINE_FLAGS;
	OK(sys_thread_registers(thread, buffer, true));
	OK(sys_thread_start(thread, 0, 0, 0, 0));
	worker_join(worker);
	SAME(worker->result[1], 7);
}

static void pointer_reader(struct worker *self)
{
	self->result[0] = machine_thread_word();
	(void)!sys_yield();
	self->result[1] = machine_thread_word();
}

[[noreturn]] static void pointer_main(struct worker *self)
{
	*(struct worker **)self->stack = self;
	pointer_reader(self);
	__atomic_store_n(&self->done, 1, __ATOMIC_RELEASE);
	park();
}

static void test_thread_pointer(void)
{
	struct worker *worker[2];

	for (u32 i = 0; i < 2; i++) {
		worker[i] = worker_new(nullptr);
		worker_prepare(worker[i]);
		shared->number[10 * i + 1] = 4000 + i;
		OK(sys_thread_start(
			handle_of(worker[i]->thread), (u64)pointer_main,
			worker[i]->stack + STACK_BYTES - 8, (u64)worker[i],
			(u64)&shared->number[10 * i]));
	}
	for (u32 i = 0; i < 2; i++) {
		worker_join(worker[i]);
		SAME(worker[i]->result[0], 4000 + i);
		SAME(worker[i]->result[1], 4000 + i);
	}
}

// ---- floating point

static void vector_user(struct worker *self)
{
	u64 mine = self->argument[0];

	machine_vector_set(mine);
	for (u64 i = 0; i < self->argument[1]; i++) {
		if (i % 8 == 0)
			(void)!sys_yield();
		if (i % 64 == 0)
			pause_ns(1);
		if (machine_vector(0) != mine)
			self->result[0]++;
		if (machine_vector(1) != mine)
			self->result[0]++;
	}
}

static void vectors(u64 cpus)
{
	struct worker *worker[5];

	for (u32 i = 0; i < 5; i++) {
		worker[i] = worker_new(vector_user);
		worker[i]->argument[0] = 0x1234567890abcdef * (i + 1);
		worker[i]->argument[1] = 2000;
		worker[i]->cpus = cpus;
		worker_start(worker[i]);
	}
	for (u32 i = 0; i < 5; i++) {
		worker_join(worker[i]);
		SAME(worker[i]->result[0], 0);
	}
}

static void test_vectors(void)
{
	vectors(1);
}

static void test_vectors_moving(void)
{
	vectors(3);
}

// ---- faults

// Arguments of faulty(): an access to nothing, the first of machine_faults, others.
#define READ_NONE 1000
#define BREAK 0

static void faulty(struct worker *self)
{
	if (self->argument[0] == READ_NONE)
		self->result[0] = *word_at(self->argument[1]);
	else
		machine_faults[self->argument[0]].make();
	self->result[1] = 1;
}

static void invalid(struct worker *self)
{
	machine_invalid();
	self->result[1] = 1;
}

static void test_fault_kinds(void)
{
	struct handle faults = endpoint();
	struct fault fault;

	for (u64 how = 0; how <= machine_faults_count; how++) {
		struct worker *worker = worker_new(faulty);
		bool access = how == machine_faults_count;

		worker->fault = faults;
		worker->argument[0] = access ? READ_NONE : how;
		worker->argument[1] = AREA + 8 * how;
		worker_start(worker);
		if (!fault_receive(faults, &fault))
			FAIL("no fault: %s",
			     access ? "access" : machine_faults[how].name);
		SAME(fault.kind,
		     access ? FAULT_ACCESS : machine_faults[how].kind);
		CHECK(fault.pc >= 0x400000 && fault.pc < 0x500000);
		CHECK(fault.sp > worker->stack &&
		      fault.sp < worker->stack + STACK_BYTES);
		SAME(thread_state(worker->thread), THREAD_REPLY);
		fault_reply(FAULT_REPLY_STOP);
		worker_wait_state(worker, THREAD_STOPPED);
		SAME(worker->result[1], 0);
		kill(worker);
	}
}

// The handler makes the page and lets the access be done again.
static void test_fault_retry(void)
{
	struct handle faults = endpoint(), memory = memory_of(PAGE_BYTES);
	struct worker *worker = worker_new(faulty);
	struct fault fault;

	worker->fault = faults;
	worker->argument[0] = READ_NONE;
	worker->argument[1] = AREA + 24;
	worker_start(worker);
	CHECK(fault_receive(faults, &fault));
	SAME(fault.address, AREA + 24);
	SAME(fault.code, 0);
	map_at(memory, AREA, PAGE_BYTES, MAP_READ | MAP_WRITE);
	*word_at(AREA + 24) = 1234;
	fault_reply(FAULT_REPLY_RETRY);
	worker_join(worker);
	SAME(worker->result[0], 1234);
}

// The handler stops the thread, changes its registers and lets it go on.
static void test_fault_repair(void)
{
	struct handle faults = endpoint();
	struct worker *worker = worker_new(invalid);
	struct thread_registers r;
	struct fault fault;
	struct handle thread;

	worker->fault = faults;
	worker_start(worker);
	thread = handle_of(worker->thread);
	CHECK(fault_receive(faults, &fault));
	fault_reply(FAULT_REPLY_STOP);
	worker_wait_state(worker, THREAD_STOPPED);
	OK(sys_thread_registers(thread, (struct uaddr){(u64)&r}, false));
	SAME(*machine_registers(&r).pc, fault.pc);
	*machine_registers(&r).pc += MACHINE_INVALID_BYTES;
	OK(sys_thread_registers(thread, (struct uaddr){(u64)&r}, true));
	OK(sys_thread_start(thread, 0, 0, 0, 0));
	worker_join(worker);
	SAME(worker->result[1], 1);
}

// Nobody handles it: the thread stays, and can be looked at.
static void test_fault_unhandled(void)
{
	struct worker *worker = worker_new(faulty);
	u64 state, address, pc;
	struct handle faults;

	worker->argument[0] = READ_NONE;
	worker->argument[1] = AREA + 40;
	worker_start(worker);
	worker_wait_state(worker, THREAD_FAULTED);
	OK(sys_thread_info(handle_of(worker->thread), &state, nullptr, nullptr,
			   &address, &pc));
	SAME(address, AREA + 40);
	CHECK(pc >= 0x400000 && pc < 0x500000);
	// The handler dies with the fault in its hands: the next hears of it.
	faults = endpoint();
	worker = worker_new(faulty);
	worker->fault = faults;
	worker->argument[0] = BREAK;
	worker_start(worker);
	worker_wait_state(worker, THREAD_SENDING);
	OK(slot_revoke(faults)); // the thread's own reference, too
	OK(slot_delete(faults));
	u64 end = clock_ns() + SECOND;
	do
		state = thread_state(worker->thread);
	while (state != THREAD_FAULTED && state != THREAD_STOPPED &&
	       clock_ns() < end && (pause_ns(MS), true));
	if (state != THREAD_FAULTED && state != THREAD_STOPPED)
		FAIL("state %lu after the fault endpoint went", state);
}

static void handler(struct worker *self)
{
	struct fault fault;

	self->result[0] =
		fault_receive(handle_of((u32)self->argument[0]), &fault);
	self->result[1] = fault.kind;
	if (self->argument[1])
		fault_reply(FAULT_REPLY_STOP);
	else
		park();
}

static void test_fault_handler_dies(void)
{
	struct handle faults = endpoint();
	struct worker *worker = worker_new(faulty);
	struct worker *first = worker_run(handler, faults.value, 0), *second;

	worker->fault = faults;
	worker->argument[0] = BREAK;
	worker_start(worker);
	worker_wait_state(first, THREAD_STOPPED); // it has parked
	SAME(first->result[0], 1);
	kill(first);
	second = worker_run(handler, faults.value, 1);
	worker_join(second);
	SAME(second->result[1], FAULT_BREAKPOINT);
	worker_wait_state(worker, THREAD_STOPPED);
}

// ---- who runs

static void ticker(struct worker *self)
{
	u64 next = clock_ns();

	while (self->result[0] < 50) {
		next += MS;
		(void)!sys_wait(handle_of(self->bell), 1, next, nullptr);
		self->result[0]++;
	}
}

static void judge(struct worker *self)
{
	while (self->result[0] < 60) {
		(void)!sys_wait(handle_of(self->bell), 1, clock_ns() + MS,
				nullptr);
		self->result[0]++;
	}
	shared->number[0] = 1;
}

// An endless loop cannot hold up who is more urgent.
static void test_endless(void)
{
	struct worker *loop = worker_new(spin), *tick = worker_new(ticker);
	struct worker *end = worker_new(judge);

	loop->priority = 30;
	tick->priority = 31;
	end->priority = 32;
	worker_start(end);
	worker_start(tick);
	worker_start(loop);
	// Only reached when the loop has been told to end.
	SAME(shared->number[0], 1);
	CHECK(tick->result[0] >= 50);
	worker_join(loop);
	worker_join(tick);
}

static void spin_until(struct worker *self)
{
	while (!shared->number[0])
		self->result[0]++;
}

// Loops that run at the same time get time by their weights, within a tenth.
static void shares(u32 n, u32 priority, const u32 *weight, u64 ms)
{
	struct worker *worker[4];
	u64 total = 0, weights = 0, run[4];

	for (u32 i = 0; i < n; i++) {
		worker[i] = worker_new(spin_until);
		worker[i]->priority = priority;
		worker[i]->weight = weight[i];
		worker_start(worker[i]);
		weights += weight[i];
	}
	pause_ns(ms * MS);
	for (u32 i = 0; i < n; i++) {
		OK(sys_thread_info(handle_of(worker[i]->thread), nullptr,
				   &run[i], nullptr, nullptr, nullptr));
		total += run[i];
	}
	shared->number[0] = 1;
	CHECK(total > ms * MS / 2);
	for (u32 i = 0; i < n; i++) {
		u64 want = total * weight[i] / weights;
		u64 slack = total / 10 + 6 * MS;

		if (run[i] > want + slack || run[i] + slack < want)
			FAIL("thread %u of %u ran %lu us of %lu, not %lu", i, n,
			     run[i] / US, total / US, want / US);
	}
	for (u32 i = 0; i < n; i++)
		worker_join(worker[i]);
}

static void test_round_robin(void)
{
	shares(3, 10, (const u32[]){1, 1, 1}, 300);
}

static void test_fair(void)
{
	shares(3, 0, (const u32[]){100, 200, 400}, 400);
}

static void yielder(struct worker *self)
{
	for (u32 i = 0; i < 100; i++) {
		self->result[0]++;
		// How far ahead of the other one it ever is.
		u64 ahead = self->result[0] -
			shared->worker[self->argument[0]].result[0];
		if (shared->worker[self->argument[0]].result[0] &&
		    (i64)ahead > (i64)self->result[1])
			self->result[1] = ahead;
		(void)!sys_yield();
	}
}

static void test_yield(void)
{
	struct worker *one = worker_new(yielder), *two = worker_new(yielder);

	OK(sys_null());
	one->priority = two->priority = 25;
	one->argument[0] = (u64)(two - shared->worker);
	two->argument[0] = (u64)(one - shared->worker);
	worker_prepare(one);
	worker_prepare(two);
	worker_start(one);
	worker_start(two);
	worker_join(one);
	worker_join(two);
	// They took turns.
	SAME(two->result[0], 100);
	CHECK(two->result[1] <= 2);
}

static void test_affinity(void)
{
	struct worker *worker = worker_new(spin);
	u64 cpu = 0, last;

	worker->cpus = 2;
	worker_start(worker);
	while (!worker->result[0])
		(void)!sys_yield();
	OK(sys_thread_info(handle_of(worker->thread), nullptr, nullptr, &cpu,
			   nullptr, nullptr));
	SAME(cpu, 1);
	for (u32 i = 0; i < 50; i++) {
		u64 want = i & 1;

		OK(sys_thread_schedule(handle_of(worker->thread), SCHED,
				       RUNNER_PRIORITY, 100, 1ull << want));
		last = worker->result[0];
		while (worker->result[0] == last)
			(void)!sys_yield();
		for (u32 j = 0; cpu != want && j < 1000; j++) {
			pause_ns(US);
			OK(sys_thread_info(handle_of(worker->thread), nullptr,
					   nullptr, &cpu, nullptr, nullptr));
		}
		SAME(cpu, want);
	}
	OK(sys_thread_stop(handle_of(worker->thread)));
}

// Allowed elsewhere while it waits: that is where it wakes.
static void where(struct worker *self)
{
	while (self->result[0] < 20) {
		(void)!sys_wait(handle_of(self->bell), 2, 0, nullptr);
		(void)!sys_system_info(SYSTEM, SYSTEM_INFO_CPUS, 0, nullptr,
				       nullptr, (u64 *)&self->result[1],
				       nullptr);
		self->result[0]++;
	}
}

static void test_affinity_waiting(void)
{
	struct worker *worker = worker_new(where);
	struct handle bell;

	worker->cpus = 2;
	worker_start(worker);
	bell = with_badge(handle_of(worker->bell), 2);
	for (u64 i = 0; i < 20; i++) {
		worker_wait_state(worker, THREAD_WAITING);
		OK(sys_thread_schedule(handle_of(worker->thread), SCHED,
				       RUNNER_PRIORITY, 100, 1ull << (i & 1)));
		OK(sys_signal(bell));
		while (worker->result[0] <= i)
			(void)!sys_yield();
		SAME(worker->result[1], i & 1);
	}
	worker_join(worker);
}

// How many of the loops run at this moment.
static u64 at_work(struct worker *const *worker, u64 count)
{
	u64 running = 0;

	for (u64 i = 0; i < count; i++)
		running += thread_state(worker[i]->thread) == THREAD_RUNNING;
	return running;
}

// Twice as many loops as processors, all on the first one. When they may go, all
// processors are at work 100 ms later: whenever this thread, which needs one itself,
// looks. (That each has two of them is not promised.)
static void test_balance(void)
{
	struct worker *worker[2 * CPUS_MOST];
	u64 online, count, least = ~0ull, before = 0;

	OK(sys_system_info(SYSTEM, SYSTEM_INFO_CPUS, 0, nullptr, &online,
			   nullptr, nullptr));
	if (online < CPUS_MOST)
		test_skip("wants four processors");
	online = CPUS_MOST;
	count = 2 * online;
	for (u32 i = 0; i < count; i++) {
		worker[i] = worker_new(spin_until);
		worker[i]->priority = 10;
		worker[i]->cpus = 1;
		worker_start(worker[i]);
	}
	for (u32 i = 0; i < 10; i++) {
		u64 now = at_work(worker, count);

		before = now > before ? now : before;
		pause_ns(3 * MS);
	}
	for (u32 i = 0; i < count; i++)
		OK(sys_thread_schedule(handle_of(worker[i]->thread), SCHED, 10,
				       100, (1u << online) - 1));
	pause_ns(100 * MS);
	for (u32 i = 0; i < 20; i++) {
		u64 now = at_work(worker, count);

		least = now < least ? now : least;
		pause_ns(3 * MS);
	}
	shared->number[0] = 1;
	for (u32 i = 0; i < count; i++)
		worker_join(worker[i]);
	say("threads: of %lu loops at most %lu at work, then %lu and more\n",
	    count, before, least);
	CHECK(before <= 1);
	CHECK(least >= online - 1);
}

// Many threads, made and unmade: nothing is left (checked behind every case).
static void test_many(void)
{
	for (u32 round = 0; round < 5; round++) {
		struct worker *worker[8];
		u32 base = slots_new(0);

		for (u32 i = 0; i < 8; i++) {
			worker[i] = worker_new(i & 1 ? empty : spin);
			worker[i]->cpus = 0;
			worker_start(worker[i]);
		}
		if (round & 1)
			pause_ns(MS);
		for (u32 i = 0; i < 8; i++) {
			if (i & 2)
				OK(sys_thread_stop(
					handle_of(worker[i]->thread)));
			kill(worker[i]);
			OK(slot_delete(handle_of(worker[i]->bell)));
			if (i & 2)
				worker[i]->stack = 0;
		}
		if (base + 16 * 2 > SLOT_CASE_END)
			return;
	}
}

const struct test_case suite_threads[] = {
	{"threads.start-stop", test_start_stop,
	 "thread_start ok;thread_stop ok;thread_info ok;"
	 "thread_start error STATE",
	 0},
	{"threads.start-refused", test_start_refused,
	 "thread_start error ADDRESS", 0},
	{"threads.configure", test_configure,
	 "thread_configure ok;thread_configure error STATE;"
	 "thread_configure error ARGUMENT",
	 0},
	{"threads.schedule", test_schedule,
	 "thread_schedule ok;thread_schedule error RANGE;"
	 "thread_schedule error ARGUMENT",
	 0},
	{"threads.registers", test_registers,
	 "thread_registers ok;thread_registers error STATE;"
	 "thread_registers error ADDRESS",
	 0},
	{"threads.thread-pointer", test_thread_pointer, nullptr, 0},
	{"threads.vectors", test_vectors, nullptr, 0},
	{"threads.vectors-moving", test_vectors_moving, nullptr,
	 NEEDS_TWO_CPUS},
	{"threads.fault-kinds", test_fault_kinds, nullptr, 0},
	{"threads.fault-retry", test_fault_retry, nullptr, 0},
	{"threads.fault-repair", test_fault_repair, nullptr, 0},
	{"threads.fault-unhandled", test_fault_unhandled, nullptr, 0},
	{"threads.fault-handler-dies", test_fault_handler_dies, nullptr, 0},
	{"threads.endless", test_endless, nullptr, 0},
	{"threads.round-robin", test_round_robin, nullptr, ONCE},
	{"threads.fair", test_fair, nullptr, ONCE},
	{"threads.yield", test_yield, "null ok;yield ok", 0},
	{"threads.affinity", test_affinity, nullptr, NEEDS_TWO_CPUS},
	{"threads.affinity-waiting", test_affinity_waiting, nullptr,
	 NEEDS_TWO_CPUS},
	{"threads.balance", test_balance, nullptr, NEEDS_TWO_CPUS | ONCE},
	{"threads.many", test_many, nullptr, 0},
	{}};
