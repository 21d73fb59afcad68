// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Run queues and the way out of the kernel.
//
// Fixed priorities: one list each, a bit mask of those that are not empty. Fair
// class (priority 0): stride scheduling. A thread's pass grows by time used over
// weight; threads wait in a calendar of FAIR_BUCKETS buckets by pass, and the
// first occupied bucket from the current one on is next: O(1). A thread that
// slept starts at the current pass, so it cannot save time up.
#include "kernel/sched/sched.h"
#include "kernel/object/message.h"
#include "kernel/object/pool.h"
#include "kernel/object/sched.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"
#include "kernel/start/cpus.h"
#include "kernel/time/clock.h"
#include "lib/base/bits.h"

#define BUCKET_SHIFT 20 // one bucket: about 1 ms of a thread of weight 100
#define WEIGHT_NORMAL 100

static u32 finer; // of counter ticks, to what a pass counts

void sched_init(struct cpu *cpu)
{
	cpu->timeouts = (struct timeouts){.tree.seed = arch_counter(),
					  .next_ns = ~0ull};
	cpu->timer_set = cpu->timer_next_ns = cpu->alone_until = ~0ull;
	cpu->slice = clock_ticks(TIME_SLICE_NS);
	// Slow counters: a bucket is to be less than a slice everywhere.
	while (cpu->slice << finer < 4ull << BUCKET_SHIFT)
		finer++;
	list_init(&cpu->condemned);
	for (u32 i = 0; i < RUN_QUEUES; i++)
		list_init(&cpu->queue[i]);
}

static u32 fair_bucket(u64 pass)
{
	return pass >> BUCKET_SHIFT & (FAIR_BUCKETS - 1);
}

static u32 fair_place(struct cpu *cpu, struct thread *thread)
{
	u64 latest = cpu->fair_pass + ((u64)(FAIR_BUCKETS - 1) << BUCKET_SHIFT);
	u32 bucket;

	if ((i64)(thread->pass - cpu->fair_pass) < 0 && !BUG(154))
		thread->pass = cpu->fair_pass;
	if (thread->pass > latest)
		thread->pass = latest;
	bucket = fair_bucket(thread->pass);
	cpu->fair_mask |= 1ull << bucket;
	return bucket;
}

void sched_enqueue(struct cpu *cpu, struct thread *thread, bool at_head)
{
	u32 priority = thread->effective;
	u32 number = priority ? FAIR_BUCKETS + priority
			      : fair_place(cpu, thread);
	struct list *queue = &cpu->queue[number];

	thread->queued_at = number;
	list_insert_after(at_head ? queue : queue->prev, &thread->run);
	cpu->ready_mask |= 1ull << priority;
	cpu->nready++;
}

[[gnu::always_inline]] static inline void
take_out(struct cpu *cpu, struct thread *thread, u32 number)
{
	list_remove(&thread->run);
	cpu->nready--;
	if (!list_empty(&cpu->queue[number]) || BUG(150))
		return;
	if (number >= FAIR_BUCKETS)
		cpu->ready_mask &= ~(1ull << (number - FAIR_BUCKETS));
	else if (!(cpu->fair_mask &= BUG(151) ? ~0ull : ~(1ull << number)))
		cpu->ready_mask &= ~1ull;
}

void sched_dequeue(struct cpu *cpu, struct thread *thread)
{
	if (thread->queued_at == STRANDED)
		list_remove(&thread->run);
	else
		take_out(cpu, thread, thread->queued_at);
}

// The queue of the fair class that is next.
static u32 fair_first(struct cpu *cpu)
{
	u32 at = fair_bucket(cpu->fair_pass);
	u64 mask = cpu->fair_mask;
	u32 ahead;

	mask = at ? mask >> at | mask << (64 - at) : mask;
	ahead = lowest_bit(mask);
	if (ahead) // the calendar moves on to the first occupied bucket
		cpu->fair_pass = ((cpu->fair_pass >> BUCKET_SHIFT) + ahead)
				 << BUCKET_SHIFT;
	return (at + ahead) & (FAIR_BUCKETS - 1);
}

// The most urgent ready thread, removed from its queue; NULL when none.
[[gnu::always_inline]] static inline struct thread *pick(struct cpu *cpu)
{
	struct thread *thread;
	u32 number;

	if (!cpu->ready_mask)
		return nullptr;
	number = cpu->ready_mask > 1
			 ? FAIR_BUCKETS + highest_bit(cpu->ready_mask)
			 : fair_first(cpu);
	thread = LIST_ENTRY(cpu->queue[number].next, struct thread, run);
	take_out(cpu, thread, number);
	return thread;
}

// The account that a thread's sched limits, if it does.
static struct sched *account_of(const struct thread *thread)
{
	struct sched *sched =
		(struct sched *)word_object(slot_word(&thread->sched_slot));

	return sched && sched->budget_ns ? sched : nullptr;
}

// Who pays: of the callers that wait for its answer the outermost with something
// left on its account, or itself. NULL: nobody can. With a caller that cannot, it
// goes on with its own priority.
static struct sched *payer_of(struct thread *thread, i64 *left_ns)
{
	u64 now_ns = arch_now_ns();
	struct sched *payer = nullptr;
	struct thread *caller = thread;

	for (u32 i = 0; caller && i <= DONATION_MAX; i++) {
		struct sched *sched = account_of(caller);
		i64 left = sched ? sched_use(sched, 0, now_ns) : 0;

		if (left > 0) {
			payer = sched;
			*left_ns = left;
		} else if (sched) {
			thread->effective = thread->priority;
			caller->broke = true;
		}
		caller = atomic_load(&caller->reply_caller);
	}
	return payer;
}

// What was used since the last time is paid for by whoever pays for the thread, which
// is current or just was.
void sched_pay(struct thread *thread)
{
	struct cpu *cpu = cpu_self();
	u64 now_ns = arch_now_ns(), used_ns = now_ns - cpu->paid_until_ns;
	struct sched *payer;
	i64 left;

	cpu->paid_until_ns = now_ns;
	payer = payer_of(thread, &left) ?: account_of(thread);
	if (payer && !BUG(202) && sched_use(payer, used_ns, now_ns) <= 0)
		(void)payer_of(thread, &left);
}

// May it run, now that it was picked? Not beyond what is left of the account.
// When nobody can pay it rests until its own is filled.
static bool affords(struct cpu *cpu, struct thread *thread, u64 now)
{
	struct sched *own = account_of(thread);
	i64 left;

	thread->broke = false;
	if (payer_of(thread, &left)) {
		if (BUG(201))
			left *= 4;
		if (now >= thread->slice_end)
			thread->slice_end = now + cpu->slice;
		thread->slice_end = MIN(thread->slice_end,
					now + clock_ticks((u64)left) + 1);
		cpu->alone_until = BUG(203) ? ~0ull : thread->slice_end;
		return true;
	}
	if (!own)
		return true;
	thread_block(thread, THREAD_RESTING, own->fill_at_ns);
	return false;
}

// pick(), where there are accounts.
[[gnu::noinline]] static struct thread *
pick_limited(struct cpu *cpu, struct thread *old, u64 now)
{
	struct thread *next;

	if (old) {
		u8 effective = old->effective;

		sched_pay(old);
		if (old->effective != effective && thread_queued(old)) {
			sched_dequeue(cpu, old);
			sched_enqueue(cpu, old, false);
		}
	}
	cpu->paid_until_ns = arch_now_ns();
	cpu->alone_until = ~0ull;
	next = pick(cpu);
	return next && affords(cpu, next, now) ? next : nullptr;
}

// Time used since the thread was switched in.
static void account(struct thread *thread, u64 now)
{
	u64 used = now - thread->run_since;

	thread->run_time += used;
	thread->run_since = now;
	if (!thread->priority && !BUG(155))
		thread->pass += (used << finer) * WEIGHT_NORMAL / thread->weight;
}

// Account time to current, put it back if still running, pick, switch context.
// After it cpu->current is what arch_leave() will run (NULL: idle).
static void schedule(struct cpu *cpu)
{
	struct thread *old = cpu->current, *next;
	u64 now = arch_counter();

	cpu->reschedule = false;
	if (old) {
		account(old, now);
		if (old->state == THREAD_RUNNING) {
			bool expired = now >= old->slice_end;

			if (!expired && !old->leaves &&
			    cpu->ready_mask >> old->effective <= (BUG(153) ? 63 : 1))
				return; // and nobody more urgent is ready
			if (expired)
				old->slice_end = now + cpu->slice;
			old->state = THREAD_READY;
			if (!old->leaves)
				sched_enqueue(cpu, old, !expired);
		} else if (old->state == THREAD_READY && !old->leaves &&
			   !thread_queued(old)) {
			sched_enqueue(cpu, old, true); // woken before it left
		}
	}
	next = __builtin_expect(sched_limits, false) ? pick_limited(cpu, old, now)
						     : pick(cpu);
	if (next) {
		if (now >= next->slice_end)
			next->slice_end = now + cpu->slice;
		next->state = THREAD_RUNNING;
		next->run_since = now;
	}
	// From idle to idle as well: the thread that ran last may have been
	// destroyed, and its address space is not to stay loaded.
	if (next != old || !next) {
		arch_switch(cpu, old, next);
		cpu->current = next;
		if (old && old->leaves) {
			old->leaves = false;
			thread_request(old, REQUEST_RESCHEDULE);
		}
	}
}

void sched_timer(void)
{
	struct cpu *cpu = cpu_self();

	cpu->timer_interrupts++;
	cpu->timer_set = cpu->timer_next_ns = ~0ull;
	cpu->reschedule = true; // the slice may be over
	cpu_post(cpu, CPU_REQUEST_DEADLINES);
}

bool sched_changed(struct thread *thread)
{
	struct cpu *cpu = cpu_self(), *to;
	bool current = thread == cpu->current;
	bool ready = thread->state == THREAD_READY && !current;

	if (thread_queued(thread) && !BUG(152))
		sched_dequeue(cpu, thread);
	thread->effective = thread->priority;
	if (thread->state == THREAD_RESTING) {
		thread_cancel(thread, STATUS_OK); // it may be able to pay now
		return false;
	}
	cpu->reschedule = true;
	if (thread->allowed_cpus & cpu->accepts) {
		// Also one that was to leave, or found no place here, before.
		if (ready)
			sched_enqueue(cpu, thread, false);
	} else if (ready || (current && BUG(161))) {
		to = sched_place(thread->allowed_cpus);
		if (to != cpu || BUG(161)) {
			sched_hand_over(thread, to, REQUEST_ARRIVE);
			return true;
		}
		thread->queued_at = STRANDED;
		list_insert_after(&cpu->queue[STRANDED], &thread->run);
	} else if (current && (thread->state == THREAD_READY ||
			       thread->state == THREAD_RUNNING)) {
		// Leave it first: it is handed over when it is off.
		thread->leaves = true;
	}
	return false;
}

bool sched_evict(struct cpu *cpu)
{
	const struct list *queue = cpu->queue, *end = queue + RUN_QUEUES;

	while (queue < end && list_empty(queue))
		queue++;
	if (queue < end)
		thread_request(LIST_ENTRY(queue->next, struct thread, run),
			       REQUEST_RESCHEDULE);
	return timeouts_run(&cpu->timeouts, ~0ull) || queue < end;
}

// ---- placement and balance

struct cpu *sched_place(u64 allowed)
{
	struct cpu *best = cpus[0];
	u32 least = ~0u;

	for (u32 i = 0; i < cpu_count; i++) {
		struct cpu *cpu = cpus[i];
		u32 load = atomic_load_relaxed(&cpu->nready) +
			!!atomic_load_relaxed(&cpu->current);

		if (allowed & cpu->accepts && load < least) {
			least = load;
			best = cpu;
		}
	}
	return best;
}

bool sched_can_pull(const struct thread *thread, const struct cpu *to)
{
	// A deadline is one of the old home's, FPU state in its registers;
	// and until the old home has turned away from it, it is not off it.
	return thread->allowed_cpus & to->accepts &&
		atomic_load(&thread->cpu->current) != thread &&
		!thread->timeout.armed && !thread->fpu &&
		!thread->running_guest;
}

// An idle CPU asks the busiest other one for a thread.
static void ask_for_work(struct cpu *cpu)
{
	struct cpu *busiest = nullptr;
	u32 most = 0;

	for (u32 i = 0; i < cpu_count; i++) {
		u32 nready = atomic_load_relaxed(&cpus[i]->nready);

		if (cpus[i] != cpu && nready > most) {
			most = nready;
			busiest = cpus[i];
		}
	}
	if (!busiest || BUG(165))
		return;
	atomic_or(&busiest->steal_mask, 1ull << cpu->number);
	cpu_post(busiest, CPU_REQUEST_STEAL);
}

// The least urgent ready thread that may run there.
static struct thread *spare_thread(struct cpu *cpu, u32 to)
{
	for (u32 i = 0; i < RUN_QUEUES; i++) {
		struct thread *t = LIST_ENTRY(cpu->queue[i].prev, struct thread,
					      run);

		if (!list_empty(&cpu->queue[i]) &&
		    (t->allowed_cpus & cpus[to]->accepts || BUG(157)) &&
		    t != cpu->current)
			return t;
	}
	return nullptr;
}

// Hand a queued thread over, unless requests for it wait in this CPU's inbox.
static void give(struct thread *thread, struct cpu *to)
{
	if (!thread_seize(thread))
		return;
	sched_dequeue(cpu_self(), thread);
	sched_hand_over(thread, to, REQUEST_ARRIVE);
}

void sched_serve_steal(void)
{
	struct cpu *cpu = cpu_self();
	u64 mask = atomic_swap(&cpu->steal_mask, 0);

	for (; mask; mask &= mask - 1) {
		u32 number = __builtin_ctzll(mask);
		struct thread *thread;

		// Keep one: the current thread is about to go on, or, if
		// there is none, the first ready one.
		if (!cpu->current && cpu->nready < 2)
			return;
		thread = spare_thread(cpu, number);
		if (!thread)
			return;
		give(thread, cpus[number]);
	}
}

// Somebody idle while this CPU has more than it runs: give one away.
static void push_work(struct cpu *cpu)
{
	for (u32 i = 0; i < cpu_count && cpu->nready && !BUG(165); i++) {
		if (cpus[i] == cpu || !cpus[i]->accepts ||
		    atomic_load_relaxed(&cpus[i]->current) ||
		    atomic_load_relaxed(&cpus[i]->nready))
			continue;
		cpu->steal_mask |= 1ull << i;
		sched_serve_steal();
		return;
	}
}

// ---- the way out

// A timer that is set too early stays: when it fires it is set again.
static void set_timer(struct cpu *cpu, u64 at)
{
	u64 next_ns = BUG(164) ? ~0ull : cpu->timeouts.next_ns;

	if ((at >= cpu->timer_set || BUG(160)) && next_ns >= cpu->timer_next_ns)
		return;
	cpu->timer_next_ns = next_ns;
	cpu->timer_set = MIN(at, clock_counter_at(next_ns));
	arch_timer_at(cpu->timer_set);
}

void kernel_leave(void)
{
	struct cpu *cpu = cpu_self();
	struct thread *current;

	for (;;) {
		lock_check_none();
		if (atomic_load(&cpu->requests))
			cpu_serve();
		if (cpu->reaper)
			(void)reaper_step();
		if (cpu->reschedule || !cpu->current)
			schedule(cpu);
		current = cpu->current;
		if (current && current->fault_pending) {
			current->fault_pending = false;
			thread_fault(current, current->fault[0],
				     current->fault[1], 0);
			continue;
		}
		if (atomic_load(&cpu->requests))
			continue;
		if (current && cpu->nready) {
			set_timer(cpu, current->slice_end);
			if (cpu_count > 1)
				push_work(cpu);
			arch_leave(current);
		}
		set_timer(cpu, cpu->alone_until);
		if (current)
			arch_leave(current);
		if (cpu->reaper || cpu->reschedule)
			continue;
		if (!cpu->accepts) {
			cpu_leave_step(cpu);
			continue;
		}
		if (cpu_count > 1)
			ask_for_work(cpu);
		arch_idle();
	}
}
