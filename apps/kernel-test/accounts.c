// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Accounts of processor time: a sched with a budget in each period. Who has used it
// up rests; who waits for an answer pays for it; and what has been given to one
// cannot be used to make others late.
#include "apps/kernel-test/harness/harness.h"

#define STOP shared->number[0]
#define HERE 1 // all on one processor

static struct handle account(u32 ceiling, u64 budget_us, u64 period_us)
{
	return make(OBJECT_SCHED, SCHED_LIMITS(ceiling, budget_us, period_us), 3);
}

// A worker under this sched, on processor 0.
static struct worker *worker_under(void (*run)(struct worker *),
				   struct handle sched, u32 priority)
{
	struct worker *worker = worker_new(run);

	worker->cpus = HERE;
	worker->priority = priority;
	worker_prepare(worker);
	OK(sys_thread_schedule(handle_of(worker->thread), sched, priority, 100,
			       HERE));
	return worker;
}

static struct worker *run_under(void (*run)(struct worker *),
				struct handle sched, u32 priority)
{
	struct worker *worker = worker_under(run, sched, priority);

	worker_start(worker);
	return worker;
}

static u64 run_ns(const struct worker *worker)
{
	u64 ns;

	OK(sys_thread_info(handle_of(worker->thread), nullptr, &ns, nullptr,
			   nullptr, nullptr));
	return ns;
}

// When a period begins on all accounts of this file, which they do together.
static u64 wait_for_period(void)
{
	u64 at = (clock_ns() / (200 * MS) + 1) * 200 * MS;

	pause_ns(at - clock_ns());
	return clock_ns();
}

// Within a hundredth of what it is a part of?
static void check_share(u64 got_ns, u64 want_ns, u64 of_ns)
{
	if (got_ns + of_ns / 100 < want_ns || got_ns > want_ns + of_ns / 100)
		FAIL("%lu us in %lu us, %lu us were due", got_ns / US,
		     of_ns / US, want_ns / US);
}

#define TURNS 50

// So many turns of work, in pieces; *done tells how many.
static void work(u64 turns, volatile u64 *done)
{
	for (*done = 0; *done < turns; *done += TURNS)
		for (u32 i = 0; i < TURNS; i++)
			__asm__ volatile("");
}

static u64 turns_of(u64 ns)
{
	u64 start = clock_ns(), turns = 1000000;

	work(turns, &shared->number[2]);
	return turns * ns / (clock_ns() - start);
}

static void spin(struct worker *self)
{
	while (!STOP)
		self->result[0]++;
}

static enum status try(u64 limits, u64 cpus, struct handle above)
{
	return sys_object_create(CASE_POOL, OBJECT_SCHED, limits, cpus, above,
				 SELF_CNODE, SLOT_CASE_END - 1);
}

static void test_limits(void)
{
	static const u64 bad[] = {
		SCHED_LIMITS(10, 0, 1000), // a budget of nothing
		SCHED_LIMITS(10, 1000, 0),
		SCHED_LIMITS(10, 2001, 1000), // more than two processors have
		SCHED_LIMITS(10, 1, SCHED_PERIOD_MIN_US - 1),
	};
	static const u64 good[] = {
		SCHED_LIMITS(10, 2000, 1000),
		SCHED_LIMITS(10, 1, SCHED_PERIOD_MIN_US),
		SCHED_LIMITS(63, (1 << SCHED_TIME_BITS) - 1,
			     (1 << SCHED_TIME_BITS) - 1),
	};
	struct handle low = make(OBJECT_SCHED, 10, 1), limited;

	for (u32 i = 0; i < ARRAY_COUNT(bad); i++)
		SAME(try(bad[i], 3, SCHED), ERR_ARGUMENT);
	for (u32 i = 0; i < ARRAY_COUNT(good); i++)
		(void)make(OBJECT_SCHED, good[i], 3);
	SAME(try(SCHED_LIMITS(64, 1, 1000), 3, SCHED), ERR_RANGE);
	SAME(try(~0ull, 3, SCHED), ERR_RANGE);
	// Not more than the one it is made under.
	SAME(try(11, 1, low), ERR_RANGE);
	SAME(try(10, 3, low), ERR_RANGE);
	SAME(try(10, 1, with_rights(low, RIGHT_READ)), ERR_RIGHTS);
	SAME(try(10, 1, NONE), ERR_HANDLE);
	SAME(try(10, 1, SELF_CNODE), ERR_TYPE);
	limited = account(10, 1000, 10000);
	SAME(try(SCHED_LIMITS(1, 10, 10000), 1, limited), ERR_RANGE);
}

// The most urgent of all, and yet no more than its share: also two on one account.
static void test_budget(void)
{
	struct handle fifth = account(10, 2000, 10000);
	struct worker *lone, *pair[2];
	u64 start = wait_for_period(), took;

	lone = run_under(spin, fifth, 10);
	pause_ns(200 * MS);
	took = clock_ns() - start;
	check_share(run_ns(lone), took / 5, took);
	kill(lone);

	start = wait_for_period();
	for (u32 i = 0; i < 2; i++)
		pair[i] = run_under(spin, fifth, 10);
	pause_ns(200 * MS);
	took = clock_ns() - start;
	check_share(run_ns(pair[0]) + run_ns(pair[1]), took / 5, took);
	STOP = 1;
	worker_join(pair[0]);
	worker_join(pair[1]);
}

// Whoever is without a budget gets the rest.
static void test_rest_of_time(void)
{
	struct handle third = account(10, 3000, 10000);
	u64 start = wait_for_period(), took;
	struct worker *first = run_under(spin, third, 10);
	struct worker *rest = run_under(spin, SCHED, 0);

	pause_ns(200 * MS);
	took = clock_ns() - start;
	check_share(run_ns(first), took * 3 / 10, took);
	check_share(run_ns(rest), took * 7 / 10, took);
	STOP = 1;
	worker_join(first);
	worker_join(rest);
}

// Stopped, started, given another account, killed while it rests.
static void test_resting(void)
{
	struct handle short_one = account(10, 100, 200000);
	struct worker *worker = run_under(spin, short_one, 10);
	struct handle thread = handle_of(worker->thread);
	u64 count;

	worker_wait_state(worker, THREAD_RESTING);
	OK(sys_thread_stop(thread));
	SAME(thread_state(worker->thread), THREAD_STOPPED);
	OK(sys_thread_start(thread, 0, 0, 0, 0));
	worker_wait_state(worker, THREAD_RESTING); // it gained nothing by that
	count = worker->result[0];
	OK(sys_thread_schedule(thread, account(10, 5000, 10000), 10, 100, HERE));
	pause_ns(20 * MS);
	CHECK(worker->result[0] > count);
	OK(sys_thread_schedule(thread, short_one, 10, 100, HERE));
	worker_wait_state(worker, THREAD_RESTING);
	if (cpus_online() & 2) { // it moves, and rests on
		OK(sys_thread_schedule(thread, short_one, 10, 100, 2));
		worker_wait_state(worker, THREAD_RESTING);
	}
	kill(worker);
}

// The sched is taken away: what it allowed is gone, the thread is not.
static void test_lost(void)
{
	struct handle lent = with_rights(account(20, 5000, 10000), ~0u);
	struct worker *worker = run_under(spin, lent, 19), *other;
	u64 count;

	pause_ns(5 * MS);
	CHECK(worker->result[0]);
	OK(slot_revoke(lent));
	OK(slot_delete(lent));
	other = run_under(spin, SCHED, 1); // more urgent than the fair class
	pause_ns(5 * MS);
	count = worker->result[0];
	pause_ns(20 * MS);
	SAME(worker->result[0], count);
	STOP = 1;
	worker_join(other);
	worker_join(worker);
}

// ---- deadlines

#define TASKS 5

// argument: period, work in turns of the loop, bell. result: jobs, late ones.
static void periodic(struct worker *self)
{
	u64 period = self->argument[0], release = shared->number[1];

	while (!STOP) {
		release += period;
		(void)!sys_wait(handle_of(self->bell), 1, release, nullptr);
		work(self->argument[1], &self->result[2]);
		self->result[0]++;
		self->result[1] += clock_ns() > release + period;
	}
}

// Rate-monotonic priorities, and one among them that never ends its work.
static void test_deadlines(void)
{
	static const u32 period_ms[TASKS] = {5, 10, 20, 25, 50};
	struct worker *task[TASKS], *greedy, *load[2];
	u64 start, took;

	for (u32 i = 0; i < TASKS; i++) {
		u64 period = period_ms[i] * MS;

		// A tenth of the processor each, and an account for a bit more.
		task[i] = worker_under(periodic,
				       account(30, period_ms[i] * 120,
					       period_ms[i] * 1000),
				       30 - i);
		task[i]->argument[0] = period;
		task[i]->argument[1] = turns_of(period / 10);
	}
	start = wait_for_period();
	shared->number[1] = start;
	greedy = run_under(spin, account(30, 1600, 8000), 30);
	for (u32 i = 0; i < 2; i++)
		load[i] = run_under(spin, SCHED, 0);
	for (u32 i = 0; i < TASKS; i++)
		worker_start(task[i]);
	pause_ns(1 * SECOND);
	took = clock_ns() - start;
	STOP = 1;
	for (u32 i = 0; i < TASKS; i++) {
		worker_join(task[i]);
		if (task[i]->result[0] + 2 < took / task[i]->argument[0])
			FAIL("task %u: %lu jobs in %lu us", i,
			     task[i]->result[0], took / US);
		if (task[i]->result[1])
			FAIL("task %u: %lu of %lu jobs were late", i,
			     task[i]->result[1], task[i]->result[0]);
	}
	check_share(run_ns(greedy), took / 5, took);
	worker_join(greedy);
	worker_join(load[0]);
	worker_join(load[1]);
}

// ---- who pays

// Works as long as each message says, in turns, and tells how far it has come.
static void labourer(struct worker *self)
{
	struct handle gate = handle_of((u32)self->argument[0]);
	struct handle below = handle_of((u32)self->argument[1]);
	struct message message = {};

	while (ipc_recv(gate, &message, 0) == STATUS_OK) {
		u64 turns = message.word[0];

		if (below.value) {
			(void)!ipc_call(below, &message, 0);
			turns = 0;
		}
		work(turns, &self->result[0]);
		message = (struct message){};
		(void)!ipc_reply(&message);
	}
}

static struct worker *labourer_run(struct handle gate, struct handle below,
				   u32 layer, struct handle sched, u32 priority)
{
	struct worker *worker = worker_under(labourer, sched, priority);

	worker->argument[0] = gate.value;
	worker->argument[1] = below.value;
	OK(sys_thread_configure(handle_of(worker->thread), SELF_ASPACE,
				SELF_CNODE, NONE, layer, 0));
	worker_start(worker);
	worker_wait_state(worker, THREAD_RECEIVING);
	return worker;
}

static void client(struct worker *self)
{
	while (!STOP) {
		struct message message = {.nwords = 1,
					  .word = {self->argument[1]}};

		self->result[1] = ipc_call(handle_of((u32)self->argument[0]),
					   &message, 0);
		self->result[0]++;
	}
}

// The work of servers, at the end of a chain as well, is on the caller's account.
static void test_caller_pays(void)
{
	struct handle gate[2] = {make(OBJECT_ENDPOINT, 150, 0),
				 make(OBJECT_ENDPOINT, 100, 0)};
	struct worker *server[2], *caller, *rest;
	u64 start, took;

	server[1] = labourer_run(gate[1], NONE, 100, SCHED, 11);
	server[0] = labourer_run(gate[0], gate[1], 150, SCHED, 11);
	caller = worker_under(client, account(10, 2000, 10000), 10);
	caller->argument[0] = gate[0].value;
	caller->argument[1] = turns_of(200 * US);
	start = wait_for_period();
	rest = run_under(spin, SCHED, 0);
	worker_start(caller);
	pause_ns(300 * MS);
	took = clock_ns() - start;
	check_share(run_ns(caller) + run_ns(server[0]) + run_ns(server[1]),
		    took / 5, took);
	check_share(run_ns(rest), took * 4 / 5, took);
	STOP = 1;
	SAME(caller->result[1], STATUS_OK);
	worker_join(caller);
	worker_join(rest);
}

// The account is empty in the middle of an answer: the server goes on, as urgent as
// it is itself and no more.
static void test_empty_in_call(void)
{
	struct handle gate = make(OBJECT_ENDPOINT, 100, 0);
	struct worker *server = labourer_run(gate, NONE, 100, SCHED, 5);
	struct worker *caller, *middle;
	u64 far;

	caller = worker_under(client, account(12, 2000, 100000), 12);
	caller->argument[0] = gate.value;
	caller->argument[1] = turns_of(20 * MS);
	middle = run_under(spin, SCHED, 8);
	(void)wait_for_period();
	worker_start(caller);
	pause_ns(50 * MS);
	far = server->result[0];
	if (far < caller->argument[1] / 20 || far > caller->argument[1] / 5)
		FAIL("%lu of %lu turns for 2 ms of 20", far,
		     caller->argument[1]);
	STOP = 1; // the middle one ends: the server has time of its own
	worker_join(middle);
	worker_join(caller);
	SAME(caller->result[0], 1);
	SAME(caller->result[1], STATUS_OK);
	kill(server);
}

const struct test_case suite_accounts[] = {
	{"accounts.limits", test_limits, "object_create error ARGUMENT", 0},
	{"accounts.budget", test_budget, nullptr, 0},
	{"accounts.rest-of-time", test_rest_of_time, nullptr, 0},
	{"accounts.resting", test_resting, nullptr, 0},
	{"accounts.lost", test_lost, nullptr, 0},
	{"accounts.deadlines", test_deadlines, nullptr, 0},
	{"accounts.caller-pays", test_caller_pays, nullptr, 0},
	{"accounts.empty-in-call", test_empty_in_call, nullptr, 0},
	{}};
