// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// timer: signals a notification at a time, once or periodically. A timer lives in
// the tree of the CPU that created it, or, while that is off, in CPU 0's; others post
// changes to it.
#ifndef KERNEL_OBJECT_TIMER_H
#define KERNEL_OBJECT_TIMER_H
#include "kernel/object/object.h"
#include "kernel/sched/timeout.h"
#include "lib/base/status.h"

struct timer {
	struct object object;
	struct slot notification_slot;
	u64 bits, deadline_ns, period_ns; // object.lock
	struct timeout timeout; // home CPU
	struct cpu *cpu; // [a] home
	struct timer *inbox_next;
	bool posted; // [a] in the home CPU's inbox
};

[[nodiscard]] enum status timer_create(struct pool *pool, struct timer **out);
bool timer_destroy_step(struct timer *timer);
#endif
