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
#include "kernel/object/pool.h"
#include "kernel/object/sched.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"
#include "kernel/time/clock.h"
#include "lib/base/bits.h"

#define BUCKET_SHIFT 20 // one bucket: about 1 ms of a thread of weight 100
#define WEIGHT_NORMAL 100

static void list_add(struct thread **head, struct thread **tail,
		     struct thread *thread, bool at_head)
{
	if (at_head) {
		thread->run_prev = nullptr;
		thread->run_next = *head;
		if (*head)
			(*head)->run_prev = thread;
		else
			*tail = thread;
		*head = thread;
	} else {
		thread->run_next = nullptr;
		thread->run_prev = *tail;
		if (*tail)
			(*tail)->run_next = thread;
		else
			*head = thread;
		*tail = thread;
	}
}

static void list_remove(struct thread **head, struct thread **tail,
			struct thread *thread)
{
	if (thread->run_prev)
		thread->run_prev->run_next = thread->run_next;
	else
		*head = thread->run_next;
	if (thread->run_next)
		thread->run_next->run_prev = thread->run_prev;
	else
		*tail = thread->run_prev;
}

void sched_init(struct cpu *cpu)
{
	wheel_init(&cpu->wheel, arch_now_ns());
	cpu->timer_set = cpu->timer_wheel_ns = ~0ull;
	cpu->slice = clock_ticks(TIME_SLICE_NS);
}

static u32 fair_bucket(u64 pass)
{
	return pass >> BUCKET_SHIFT & (FAIR_BUCKETS - 1);
}

void sched_enqueue(struct cpu *cpu, struct thread *thread, bool at_head)
{
	u32 priority = thread->effective;

	thread->queued = true;
	thread->queued_at = priority;
	if (priority) {
		list_add(&cpu->ready_head[priority], &cpu->ready_tail[priority],
			 thread, at_head);
	} else {
		u64 latest = cpu->fair_pass +
			     ((u64)(FAIR_BUCKETS - 1) << BUCKET_SHIFT);
		u32 bucket;

		if ((i64)(thread->pass - cpu->fair_pass) < 0)
			thread->pass = cpu->fair_pass;
		if (thread->pass > latest)
			thread->pass = latest;
		bucket = fair_bucket(thread->pass);
		thread->fair_bucket = bucket;
		list_add(&cpu->fair_head[bucket], &cpu->fair_tail[bucket],
			 thread, at_head);
		cpu->fair_mask |= 1ull << bucket;
	}
	cpu->ready_mask |= 1ull << priority;
	__atomic_store_n(&cpu->nready, cpu->nready + 1, __ATOMIC_RELAXED);
}

void sched_dequeue(struct cpu *cpu, struct thread *thread)
{
	u32 priority = thread->queued_at, bucket = thread->fair_bucket;

	if (priority) {
		list_remove(&cpu->ready_head[priority],
			    &cpu->ready_tail[priority], thread);
		if (!cpu->ready_head[priority])
			cpu->ready_mask &= ~(1ull << priority);
	} else {
		list_remove(&cpu->fair_head[bucket], &cpu->fair_tail[bucket],
			    thread);
		if (!cpu->fair_head[bucket])
			cpu->fair_mask &= ~(1ull << bucket);
		if (!cpu->fair_mask)
			cpu->ready_mask &= ~1ull;
	}
	thread->queued = false;
	__atomic_store_n(&cpu->nready, cpu->nready - 1, __ATOMIC_RELAXED);
}

static struct thread *fair_first(struct cpu *cpu)
{
	u32 at = fair_bucket(cpu->fair_pass);
	u64 mask = cpu->fair_mask;
	u32 ahead;

	mask = at ? mask >> at | mask << (64 - at) : mask;
	ahead = __builtin_ctzll(mask);
	if (ahead) // the calendar moves on to the first occupied bucket
		cpu->fair_pass = ((cpu->fair_pass >> BUCKET_SHIFT) + ahead)
				 << BUCKET_SHIFT;
	return cpu->fair_head[(at + ahead) & (FAIR_BUCKETS - 1)];
}

struct thread *sched_pick(struct cpu *cpu)
{
	struct thread *thread;
	u32 priority;

	if (!cpu->ready_mask)
		return nullptr;
	priority = 63 - __builtin_clzll(cpu->ready_mask);
	thread = priority ? cpu->ready_head[priority] : fair_first(cpu);
	sched_dequeue(cpu, thread);
	return thread;
}

bool sched_must_switch(const struct cpu *cpu)
{
	return cpu->ready_mask >> cpu->current->effective > 1;
}

// Time used since the thread was switched in.
static void account(struct thread *thread, u64 now)
{
	u64 used = now - thread->run_since;

	thread->run_time += used;
	thread->run_since = now;
	thread->pass += used * WEIGHT_NORMAL / (thread->weight ?: 1);
}

void schedule(void)
{
	struct cpu *cpu = cpu_self();
	struct thread *old = cpu->current, *next;
	u64 now = arch_counter();

	cpu->reschedule = false;
	if (old) {
		account(old, now);
		if (old->state == THREAD_RUNNING) {
			bool expired = now >= old->slice_end;

			if (!expired && !old->leaves && !sched_must_switch(cpu))
				return;
			if (expired)
				old->slice_end = now + cpu->slice;
			old->state = THREAD_READY;
			if (!old->leaves)
				sched_enqueue(cpu, old, !expired);
		}
		if (old->state == THREAD_READY && !old->queued && !old->leaves)
			sched_enqueue(cpu, old, true); // woken before it left
	}
	next = sched_pick(cpu);
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
	}
}

void sched_timer(void)
{
	struct cpu *cpu = cpu_self();

	cpu->timer_interrupts++;
	cpu->timer_set = cpu->timer_wheel_ns = ~0ull;
	cpu->reschedule = true; // the slice may be over
}

void sched_changed(struct thread *thread)
{
	struct cpu *cpu = cpu_self();

	if (thread->queued) {
		sched_dequeue(cpu, thread);
		thread->effective = thread->priority;
		sched_enqueue(cpu, thread, false);
	} else {
		thread->effective = thread->priority;
	}
	cpu->reschedule = true;
	if (!(thread->allowed_cpus >> cpu->number & 1) &&
	    (thread->state == THREAD_READY ||
	     thread->state == THREAD_RUNNING)) {
		if (thread->queued)
			sched_dequeue(cpu, thread);
		if (thread == cpu->current) {
			// Leave it first: it is handed over when it is off.
			thread->leaves = true;
			return;
		}
		sched_hand_over(thread, sched_place(thread->allowed_cpus));
	}
}

// ---- placement and balance

struct cpu *sched_place(u64 allowed)
{
	struct cpu *best = cpu_self();
	u32 least = ~0u;

	for (u32 i = 0; i < cpu_count; i++) {
		struct cpu *cpu = cpus[i];
		u32 load = __atomic_load_n(&cpu->nready, __ATOMIC_RELAXED) +
			   !!__atomic_load_n(&cpu->current, __ATOMIC_RELAXED);

		if (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE) ||
		    !(allowed >> i & 1))
			continue;
		if (load < least) {
			least = load;
			best = cpu;
		}
	}
	return best;
}

bool sched_can_pull(const struct thread *thread, const struct cpu *to)
{
	// A deadline sits in the old home's wheel, FPU state in its registers;
	// and until the old home has turned away from it, it is not off it.
	return thread->allowed_cpus >> to->number & 1 &&
	       __atomic_load_n(&thread->cpu->current, __ATOMIC_ACQUIRE) !=
		       thread &&
	       !thread->timeout.link && !thread->fpu_used &&
	       !thread->running_guest;
}

// An idle CPU asks the busiest other one for a thread.
static void ask_for_work(struct cpu *cpu)
{
	struct cpu *busiest = nullptr;
	u32 most = 0;

	for (u32 i = 0; i < cpu_count; i++) {
		u32 nready = __atomic_load_n(&cpus[i]->nready, __ATOMIC_RELAXED);

		if (cpus[i] != cpu && nready > most) {
			most = nready;
			busiest = cpus[i];
		}
	}
	if (!busiest)
		return;
	__atomic_fetch_or(&busiest->steal_mask, 1ull << cpu->number,
			  __ATOMIC_ACQ_REL);
	cpu_post(busiest, CPU_REQUEST_STEAL);
}

// The least urgent ready thread that may run there.
static struct thread *spare_thread(struct cpu *cpu, u32 number)
{
	for (u32 i = 0; i < FAIR_BUCKETS; i++) {
		struct thread *t = cpu->fair_mask >> i & 1 ? cpu->fair_tail[i] :
							     nullptr;

		if (t && t->allowed_cpus >> number & 1 && t != cpu->current)
			return t;
	}
	for (u64 mask = cpu->ready_mask & ~1ull; mask; mask &= mask - 1) {
		struct thread *t = cpu->ready_tail[__builtin_ctzll(mask)];

		if (t->allowed_cpus >> number & 1 && t != cpu->current)
			return t;
	}
	return nullptr;
}

// Hand a queued thread over, unless requests for it wait in this CPU's inbox.
static void give(struct thread *thread, struct cpu *to)
{
	u32 none = 0;

	if (!__atomic_compare_exchange_n(&thread->requests, &none, REQUEST_BUSY,
					 false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return;
	sched_dequeue(cpu_self(), thread);
	sched_hand_over(thread, to);
}

void sched_serve_steal(void)
{
	struct cpu *cpu = cpu_self();
	u64 mask = __atomic_exchange_n(&cpu->steal_mask, 0, __ATOMIC_ACQ_REL);

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
	for (u32 i = 0; i < cpu_count && cpu->nready; i++) {
		if (cpus[i] == cpu ||
		    !__atomic_load_n(&cpus[i]->online, __ATOMIC_RELAXED) ||
		    __atomic_load_n(&cpus[i]->current, __ATOMIC_RELAXED) ||
		    __atomic_load_n(&cpus[i]->nready, __ATOMIC_RELAXED))
			continue;
		cpu->steal_mask |= 1ull << i;
		sched_serve_steal();
		return;
	}
}

// ---- the way out

// A timer that is set too early stays: when it fires it is set again.
static void set_timer(struct cpu *cpu)
{
	u64 at = ~0ull, next_ns = cpu->wheel.next_ns;

	if (cpu->current && cpu->nready)
		at = cpu->current->slice_end;
	if (at >= cpu->timer_set && next_ns >= cpu->timer_wheel_ns)
		return;
	cpu->timer_wheel_ns = next_ns;
	cpu->timer_set = MIN(at, clock_counter_at(next_ns));
	arch_timer_at(cpu->timer_set);
}

void kernel_leave(void)
{
	struct cpu *cpu = cpu_self();

	for (;;) {
		lock_check_none();
		if (__atomic_load_n(&cpu->requests, __ATOMIC_ACQUIRE))
			cpu_serve();
		// Whatever is due, the timer fires for it.
		if (cpu->timer_set == ~0ull && cpu->wheel.next_ns != ~0ull &&
		    wheel_run(&cpu->wheel, arch_now_ns()))
			cpu->reschedule = true;
		if (cpu->reaper)
			(void)reaper_step();
		if (cpu->reschedule || !cpu->current) {
			struct thread *old = cpu->current;

			schedule();
			if (old && old->leaves && old != cpu->current) {
				old->leaves = false;
				thread_request(old, REQUEST_RESCHEDULE);
			}
		}
		if (cpu->current && cpu->current->fault_pending) {
			cpu->current->fault_pending = false;
			thread_fault(cpu->current, cpu->current->fault[0],
				     cpu->current->fault[1], 0);
			continue;
		}
		if (cpu->reschedule ||
		    __atomic_load_n(&cpu->requests, __ATOMIC_ACQUIRE) ||
		    (cpu->reaper && !cpu->current))
			continue;
		break;
	}
	set_timer(cpu);
	if (cpu->current) {
		if (cpu->nready && cpu_count > 1)
			push_work(cpu);
		arch_leave(cpu->current);
	}
	if (cpu_count > 1)
		ask_for_work(cpu);
	arch_idle();
}
