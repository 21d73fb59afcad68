// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Who gets how much time of one CPU, over ten thousand time slices of the kernel's own
// scheduler on the fake machine. Threads that always run:
// - of one fixed priority: after every slice no two differ by more than one slice,
//   and they take turns in one order
// - of the fair class: each has its weight's share within 1 %, and is never further
//   away from it than two slices
// - more urgent ones leave the others nothing; gone, nobody makes up for it
// and a thread that sleeps can save nothing up, nor loses anything.
#include "tests/fake_arch/fake.h"
#include "abi/constants.h"
#include "tests/fake_arch/own.h"
#include "tests/fake_arch/machine.h"
#include "kernel/object/aspace.h"
#include "kernel/object/cap.h"
#include "kernel/object/pool.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "kernel/mm/frame.h"

enum { THREADS = 8, SLICES = 10000, ASPACE_SLOT = 1, SELF_SLOT, FIRST_THREAD };

static struct thread *thread[THREADS];
static struct cnode *cnode;
static struct pool *pool;

static void need(enum status status)
{
	CHECK(status == STATUS_OK);
}

static struct cap_ref cap_of(u32 slot)
{
	return (struct cap_ref){.slot = &cnode->slots[slot],
				.word = cnode->slots[slot].word,
				.badge = cnode->slots[slot].badge};
}

static void make_thread(u32 n, u32 priority, u32 weight)
{
	struct thread *t;
	struct cap_ref cap;

	need(thread_create(pool, &t));
	thread[n] = t;
	need(cnode_install(cnode, FIRST_THREAD + n, &t->object, RIGHTS_ALL, 0));
	cap = cap_of(ASPACE_SLOT);
	need(cap_refer(&t->aspace_slot, &cap));
	t->aspace = object_aspace(cap_object(&cap));
	cap = cap_of(SELF_SLOT);
	need(cap_refer(&t->cspace_slot, &cap));
	t->cspace = cnode;
	t->allowed_cpus = 1;
	t->cpu = cpus[0];
	t->priority = t->effective = (u8)priority;
	t->weight = weight;
}

static void ask(u32 n, enum thread_request request)
{
	thread_request(thread[n], request);
	CHECK(fake_run(0, fake_interrupt, nullptr));
}

static void set_up(void)
{
	struct aspace *aspace;

	fake_machine(24, 1);
	pool = pool_create_first(frames_free());
	need(clock_init(pool, &fake_info));
	sched_init(cpus[0]);
	need(cnode_create(pool, 4, &cnode));
	need(aspace_create(pool, ASPACE_PLAIN, nullptr, &aspace));
	need(cnode_install(cnode, ASPACE_SLOT, &aspace->object, RIGHTS_ALL, 0));
	need(cnode_install(cnode, SELF_SLOT, &cnode->object, RIGHTS_ALL, 0));
}

// The timer comes when it was asked for; who runs then.
static struct thread *slice(void)
{
	fake_counter = cpus[0]->timer_set;
	CHECK(fake_run(0, fake_timer, nullptr));
	return cpus[0]->current;
}

static void start(u32 count, u32 priority, const u32 *weight)
{
	set_up();
	for (u32 n = 0; n < count; n++) {
		make_thread(n, priority, weight ? weight[n] : 100);
		ask(n, REQUEST_START);
	}
}

// With what the current one has used of its slice.
static u64 used(u32 n)
{
	return thread[n]->run_time;
}

// ---- one priority

static void round_robin(u32 count)
{
	struct thread *turn[THREADS];

	start(count, 10, nullptr);
	for (u32 n = 0; n < count; n++)
		turn[n] = slice();
	for (u32 i = 0; i < SLICES; i++) {
		u64 least = ~0ull, most = 0;

		CHECK(slice() == turn[i % count]);
		for (u32 n = 0; n < count; n++) {
			least = used(n) < least ? used(n) : least;
			most = used(n) > most ? used(n) : most;
		}
		CHECK(most - least <= TIME_SLICE_NS);
	}
}

// ---- the fair class

static void fair(u32 count, const u32 *weight)
{
	u64 all = 0, weights = 0;

	start(count, 0, weight);
	for (u32 n = 0; n < count; n++)
		weights += weight[n];
	for (u32 i = 0; i < SLICES; i++) {
		(void)slice();
		all = 0;
		for (u32 n = 0; n < count; n++)
			all += used(n);
		for (u32 n = 0; n < count; n++) {
			u64 due = all * weight[n] / weights;

			CHECK(used(n) <= due + 2 * TIME_SLICE_NS &&
			      used(n) + 2 * TIME_SLICE_NS >= due);
		}
	}
	for (u32 n = 0; n < count; n++) {
		u64 due = all * weight[n] / weights;

		CHECK(used(n) * 100 <= due * 101 && used(n) * 100 >= due * 99);
	}
}

// ---- others

static void urgent(void)
{
	u64 before;

	start(2, 0, nullptr);
	make_thread(2, 7, 100);
	for (u32 i = 0; i < 100; i++)
		(void)slice();
	ask(2, REQUEST_START);
	before = used(0) + used(1);
	for (u32 i = 0; i < SLICES; i++) {
		// Nobody else of its priority: there may be no timer to wait for.
		fake_counter += TIME_SLICE_NS;
		CHECK(fake_run(0, fake_timer, nullptr));
		CHECK(cpus[0]->current == thread[2]);
	}
	CHECK(used(0) + used(1) <= before + TIME_SLICE_NS);
	ask(2, REQUEST_STOP);
	for (u32 i = 0; i < 100; i++)
		CHECK(slice() != thread[2]);
}

// Stopped for a while, started again: from then on half, no more and no less.
static void no_savings(u32 asleep)
{
	u64 mine, other;

	start(2, 0, nullptr);
	for (u32 i = 0; i < 100; i++)
		(void)slice();
	ask(1, REQUEST_STOP);
	for (u32 i = 0; i < asleep; i++) {
		fake_counter += TIME_SLICE_NS;
		CHECK(fake_run(0, fake_timer, nullptr));
	}
	ask(1, REQUEST_START);
	mine = used(1);
	other = used(0);
	for (u32 i = 0; i < 100; i++) {
		(void)slice();
		CHECK(used(1) - mine <= used(0) - other + 2 * TIME_SLICE_NS);
		CHECK(used(0) - other <= used(1) - mine + 2 * TIME_SLICE_NS);
	}
}

static void all(void)
{
	for (u32 count = 2; count <= THREADS; count++)
		round_robin(count);
	fair(3, (const u32[]){100, 200, 400});
	fair(2, (const u32[]){100, 100});
	fair(5, (const u32[]){50, 100, 100, 200, 350});
	urgent();
	for (u32 asleep = 1; asleep < 200; asleep++)
		no_savings(asleep);
}

int main(void)
{
	static const struct {
		u32 number;
		const char *what;
	} bug[] = {
		{154, "a sleeper keeps its old pass"},
		{155, "time used does not count"},
		{160, "no timer for the end of the slice"},
	};
	bool caught = true;

	all();
	printf("shares: %d slices: equal threads within one slice of each other at any moment, "
	       "weights 1:2:4 within 1 %%\n", SLICES);
	for (u32 i = 0; i < ARRAY_COUNT(bug); i++)
		caught &= fake_bug_is_caught(bug[i].number, bug[i].what, all);
	return caught ? 0 : 1;
}
