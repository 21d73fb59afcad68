// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// sched: the right to CPU time: a ceiling for priorities and a set of CPUs.
#ifndef KERNEL_OBJECT_SCHED_H
#define KERNEL_OBJECT_SCHED_H
#include "kernel/object/object.h"
#include "lib/base/status.h"

struct sched {
	struct object object;
	u32 ceiling; // [I] highest priority
	u64 cpus; // [I] allowed CPUs
};

[[nodiscard]] enum status sched_create(struct pool *pool, u64 ceiling, u64 cpus,
				       struct sched **out);
#endif
