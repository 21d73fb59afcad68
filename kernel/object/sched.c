// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// sched objects, and the calls that set a thread's scheduling parameters.
#include "kernel/object/sched.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/object/cap.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"
#include "lib/base/bits.h"

#define FILL_MAX (1ull << 16) // periods that pay back what was overdrawn

bool sched_limits;

enum status sched_create(struct pool *pool, u64 limits, u64 cpus,
			 struct sched **out)
{
	u64 ceiling = SCHED_CEILING(limits);
	u64 budget_us = limits >> SCHED_BUDGET_SHIFT &
		((1 << SCHED_TIME_BITS) - 1);
	u64 period_us = limits >> SCHED_PERIOD_SHIFT;
	enum status status;

	if (ceiling >= PRIORITIES || !cpus ||
	    !budget_us != !period_us ||
	    budget_us > period_us * (u64)__builtin_popcountll(cpus) ||
	    (period_us && period_us < SCHED_PERIOD_MIN_US))
		return ERR_ARGUMENT;
	status = POOL_NEW(pool, OBJECT_SCHED, out);
	if (status != STATUS_OK)
		return status;
	(*out)->ceiling = ceiling;
	(*out)->cpus = cpus;
	(*out)->budget_ns = budget_us * 1000;
	(*out)->period_ns = period_us * 1000;
	sched_limits |= budget_us;
	return STATUS_OK;
}

i64 sched_use(struct sched *sched, u64 used_ns, u64 now_ns)
{
	i64 budget_ns = (i64)sched->budget_ns, left;

	lock_take(&sched->object.lock);
	sched->left_ns -= (i64)used_ns;
	if (now_ns >= sched->fill_at_ns) {
		u64 periods = 1 +
			(now_ns - sched->fill_at_ns) / sched->period_ns;

		sched->fill_at_ns += periods * sched->period_ns;
		// What is not used is lost.
		sched->left_ns += (i64)MIN(periods, FILL_MAX) * budget_ns;
		if (sched->left_ns > budget_ns && !BUG(204))
			sched->left_ns = budget_ns;
	}
	left = sched->left_ns;
	lock_drop(&sched->object.lock);
	return left;
}

enum status sysk_thread_schedule(struct thread *, struct cap_ref *cap,
				 struct cap_ref *sched_cap, u32 priority,
				 u32 weight, u64 allowed)
{
	struct thread *thread = object_thread(cap_object(cap));
	struct sched *sched = (struct sched *)cap_object(sched_cap);
	enum status status;

	if (!allowed)
		allowed = sched->cpus;
	if (priority > sched->ceiling || weight > 1024)
		return ERR_RANGE;
	if (!(allowed & sched->cpus & cpus_online))
		return ERR_ARGUMENT;
	status = thread_hold(cap);
	if (status != STATUS_OK)
		return status;
	slot_drop(&thread->sched_slot);
	status = cap_refer(&thread->sched_slot, sched_cap);
	if (status == STATUS_OK) {
		thread->priority = priority;
		thread->weight = weight ?: 100;
		thread->allowed_cpus = allowed & sched->cpus;
		thread_request(thread, REQUEST_RESCHEDULE);
	}
	thread_release(thread);
	return status;
}

enum status sysk_yield(struct thread *self)
{
	struct cpu *cpu = cpu_self();

	// Behind the others of its class: as if the slice were over.
	if (cpu->nready) {
		self->slice_end = 0;
		cpu->reschedule = true;
	}
	return STATUS_OK;
}
