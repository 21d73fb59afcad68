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

enum status sched_create(struct pool *pool, u64 ceiling, u64 cpus,
			 struct sched **out)
{
	enum status status;

	if (ceiling >= PRIORITIES || !cpus)
		return ERR_ARGUMENT;
	status = POOL_NEW(pool, OBJECT_SCHED, out);
	if (status != STATUS_OK)
		return status;
	(*out)->ceiling = ceiling;
	(*out)->cpus = cpus;
	return STATUS_OK;
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
