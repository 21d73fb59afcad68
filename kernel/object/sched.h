// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// sched: the right to CPU time: a ceiling for priorities, a set of CPUs, and an
// account of time for all threads under it, which is filled once in each period.
#ifndef KERNEL_OBJECT_SCHED_H
#define KERNEL_OBJECT_SCHED_H
#include "kernel/object/object.h"
#include "lib/base/status.h"

struct sched {
	struct object object;
	u32 ceiling; // [I] highest priority
	u64 cpus; // [I] allowed CPUs
	u64 budget_ns, period_ns; // [I] 0: no limit
	// Under the object's lock. Overdrawn, it pays back from the next fillings.
	i64 left_ns;
	u64 fill_at_ns;
};

extern bool sched_limits; // some sched has had a limit

// limits: SCHED_LIMITS (abi/constants.h). ARGUMENT, QUOTA, MEMORY.
[[nodiscard]] enum status sched_create(struct pool *pool, u64 limits, u64 cpus,
				       struct sched **out);
// What is left on the account, at this time, once this much has been used.
i64 sched_use(struct sched *sched, u64 used_ns, u64 now_ns);
#endif
