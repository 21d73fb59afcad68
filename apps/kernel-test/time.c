// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Clock, timers, deadlines.
#include "abi/time_page.h"
#include "apps/kernel-test/harness/harness.h"

static void test_clock(void)
{
	const struct time_page *page = (void *)startup->time_page;
	u64 last = clock_ns(), start = last, counter = arch_counter();

	SAME(page->counter_kind, 1);
	CHECK(page->multiplier && page->shift < 64);
	for (u32 i = 0; i < 10000; i++) {
		u64 now = clock_ns();

		CHECK(now >= last);
		last = now;
	}
	pause_ns(20 * MS);
	CHECK(clock_ns() - start >= 20 * MS);
	CHECK(arch_counter() > counter);
	CHECK(page->boot_realtime_ns == 0 ||
	      page->boot_realtime_ns > 1600000000ull * SECOND);
}

static void test_timer(void)
{
	struct handle timer = make(OBJECT_TIMER, 0, 0), bell = notification();
	u64 limit = clock_ns() + 4 * MS, bits = 0, count = 0, start;

	OK(sys_timer_set(timer, bell, 8, limit, 0));
	SAME(sys_poll(bell, ~0ull, nullptr), ERR_AGAIN);
	OK(sys_wait(bell, ~0ull, limit + SECOND, &bits));
	CHECK(clock_ns() >= limit);
	SAME(bits, 8);
	// Once only.
	SAME(sys_wait(bell, ~0ull, clock_ns() + 5 * MS, &bits), ERR_TIMEOUT);
	start = clock_ns();
	OK(sys_timer_set(timer, bell, 2, start + 2 * MS, 2 * MS));
	while (count < 10) {
		OK(sys_wait(bell, ~0ull, clock_ns() + SECOND, &bits));
		SAME(bits, 2);
		count++;
	}
	CHECK(clock_ns() - start >= 20 * MS);
	OK(sys_timer_set(timer, bell, 2, 0, 0)); // disarm
	(void)!sys_poll(bell, ~0ull, nullptr);
	SAME(sys_wait(bell, ~0ull, clock_ns() + 6 * MS, &bits), ERR_TIMEOUT);
	// In the past: at once.
	OK(sys_timer_set(timer, bell, 4, 1, 0));
	OK(sys_wait(bell, ~0ull, clock_ns() + SECOND, &bits));
	SAME(bits, 4);
	SAME(sys_timer_set(timer, bell, 1, limit, 1), ERR_ARGUMENT);
	SAME(sys_timer_set(timer, bell, 1, limit, 1000), ERR_ARGUMENT);
	// Each next deadline would lie before the last one.
	SAME(sys_timer_set(timer, bell, 1, limit, ~0ull), ERR_ARGUMENT);
	SAME(sys_timer_set(timer, bell, 1, limit, -20000000ull), ERR_ARGUMENT);
	OK(sys_timer_set(timer, bell, 1, clock_ns() + MS, 1ull << 62));
	OK(sys_wait(bell, ~0ull, clock_ns() + SECOND, &bits));
	SAME(sys_wait(bell, ~0ull, clock_ns() + 5 * MS, &bits), ERR_TIMEOUT);
	// Deleted while armed; its notification deleted while armed.
	OK(sys_timer_set(timer, bell, 1, clock_ns() + 2 * MS, 0));
	OK(slot_delete(timer));
	SAME(sys_wait(bell, 1, clock_ns() + 6 * MS, &bits), ERR_TIMEOUT);
	timer = make(OBJECT_TIMER, 0, 0);
	OK(sys_timer_set(timer, bell, 1, clock_ns() + 2 * MS, MS));
	OK(slot_delete(bell));
	pause_ns(6 * MS);
}

// Armed in any order, they come in the order of their times.
static void test_order(void)
{
	enum { N = 24 };
	struct handle bell = notification(), timer[N];
	u64 state = 5, start = clock_ns() + 10 * MS, seen = 0, bits;
	u32 order[N], next = 0;

	for (u32 i = 0; i < N; i++)
		order[i] = i;
	for (u32 i = N - 1; i; i--) {
		u32 j = (u32)(random_next(&state) % (i + 1)), k = order[i];

		order[i] = order[j];
		order[j] = k;
	}
	for (u32 i = 0; i < N; i++)
		timer[i] = make(OBJECT_TIMER, 0, 0);
	for (u32 i = 0; i < N; i++)
		OK(sys_timer_set(timer[order[i]], bell, 1ull << order[i],
				 start + order[i] * 3 * MS, 0));
	while (seen != (1ull << N) - 1) {
		OK(sys_wait(bell, ~0ull, clock_ns() + SECOND, &bits));
		// All bits below the highest have come.
		seen |= bits;
		CHECK((seen & (seen + 1)) == 0);
		next = 63 - (u32)__builtin_clzll(seen);
		CHECK(clock_ns() >= start + next * 3 * MS);
	}
}

// One-shots, 40 at a time, each set anew when it has come: none comes early, and
// one whose time is over by more than the slack is not still out while others come.
static void test_one_shots(void)
{
	enum { N = 40, ROUNDS = 10000 };
	struct handle bell = notification(), timer[N];
	u64 due[N], state = 11, bits, late, latest = 0, slack = 5 * MS;
	u32 come = 0;

	for (u32 i = 0; i < N; i++) {
		timer[i] = make(OBJECT_TIMER, 0, 0);
		due[i] = clock_ns() + random_next(&state) % (4 * MS);
		OK(sys_timer_set(timer[i], bell, 1ull << i, due[i], 0));
	}
	while (come < ROUNDS) {
		OK(sys_wait(bell, ~0ull, clock_ns() + SECOND, &bits));
		for (u32 i = 0; i < N; i++) {
			u64 now = clock_ns();

			if (!(bits >> i & 1)) {
				CHECK(now < due[i] + slack);
				continue;
			}
			CHECK(now >= due[i]);
			late = now - due[i];
			latest = late > latest ? late : latest;
			come++;
			due[i] = now + random_next(&state) % (4 * MS);
			OK(sys_timer_set(timer[i], bell, 1ull << i, due[i], 0));
		}
	}
	say("%u one-shots, latest %lu us\n", come, latest / US);
	CHECK(latest < slack);
}

static u64 timer_interrupts(void)
{
	u64 count = 0;

	OK(sys_system_info(SYSTEM, SYSTEM_INFO_COUNTER, 1, &count, nullptr,
			   nullptr, nullptr));
	return count;
}

// Ten seconds in which nothing is to be done: at most two for each processor, and
// the deadline that ends them.
static void test_tickless(void)
{
	u64 before, after, cpus;

	OK(sys_system_info(SYSTEM, SYSTEM_INFO_CPUS, 0, nullptr, &cpus, nullptr,
			   nullptr));
	before = timer_interrupts();
	pause_ns(10 * SECOND);
	after = timer_interrupts();
	say("%lu timer interrupts in 10 s on %lu processors\n", after - before,
	    cpus);
	CHECK(after > before);
	CHECK(after - before <= 2 * cpus + 1);
}

static void sleeper(struct worker *self)
{
	u64 limit = self->argument[0];

	self->result[0] =
		(u64)sys_wait(handle_of(self->bell), 1, limit, nullptr);
	self->result[1] = clock_ns();
	self->result[2] =
		__atomic_add_fetch(&shared->number[0], 1, __ATOMIC_RELAXED);
}

// Deadlines from a millisecond to a second.
static void test_deadlines(void)
{
	static const u64 after_ms[] = {700, 1, 90, 5, 64, 300, 2, 65, 128};
	struct worker *worker[ARRAY_COUNT(after_ms)];
	u64 start = clock_ns();

	for (u32 i = 0; i < ARRAY_COUNT(after_ms); i++)
		worker[i] = worker_run(sleeper, start + after_ms[i] * MS, 0);
	for (u32 i = 0; i < ARRAY_COUNT(after_ms); i++) {
		worker_join(worker[i]);
		SAME(worker[i]->result[0], ERR_TIMEOUT);
		CHECK(worker[i]->result[1] >= start + after_ms[i] * MS);
	}
	for (u32 i = 0; i < ARRAY_COUNT(after_ms); i++)
		for (u32 j = 0; j < ARRAY_COUNT(after_ms); j++)
			// Those far apart end in order.
			if (after_ms[i] + 30 < after_ms[j])
				CHECK(worker[i]->result[2] <
				      worker[j]->result[2]);
}

// A deadline as far away as it can be is no deadline to be reached.
static void test_far(void)
{
	struct handle timer = make(OBJECT_TIMER, 0, 0), bell = notification();
	struct worker *worker = worker_run(sleeper, ~0ull, 0);

	OK(sys_timer_set(timer, bell, 1, ~0ull, 0));
	OK(sys_timer_set(timer, bell, 1, ~0ull - 5, 1ull << 62));
	OK(sys_timer_set(timer, bell, 1, 1ull << 63, 0));
	pause_ns(3 * MS);
	SAME(thread_state(worker->thread), THREAD_WAITING);
	SAME(sys_poll(bell, ~0ull, nullptr), ERR_AGAIN);
	OK(sys_timer_set(timer, bell, 1, 1, 1ull << 62));
	OK(sys_wait(bell, 1, clock_ns() + SECOND, nullptr));
	OK(sys_signal(handle_of(worker->bell)));
	worker_join(worker);
	SAME(worker->result[0], STATUS_OK);
}

const struct test_case suite_time[] = {
	{"time.clock", test_clock, nullptr, 0},
	{"time.timer", test_timer, "timer_set ok;timer_set error ARGUMENT", 0},
	{"time.order", test_order, nullptr, 0},
	{"time.deadlines", test_deadlines, nullptr, 0},
	{"time.far", test_far, nullptr, 0},
	{"time.one-shots", test_one_shots, nullptr, ONCE},
	{"time.tickless", test_tickless, nullptr, ONCE | QUIET},
	{}};
