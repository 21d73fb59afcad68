// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// notification: 64 signal bits. Signal ORs the badge in; wait takes and clears;
// one waiter. Bound to a thread it also ends that thread's recv and guest_run.
#ifndef KERNEL_OBJECT_NOTIFICATION_H
#define KERNEL_OBJECT_NOTIFICATION_H
#include "kernel/object/object.h"
#include "lib/base/status.h"

struct thread;

struct notification {
	struct object object;
	u64 bits; // [a]
	struct thread *waiter; // lock
	struct thread *bound; // lock: thread it is bound to
};

[[nodiscard]] enum status notification_create(struct pool *pool,
					      struct notification **out);
// Undo the binding of the thread, if any.
void notification_unbind(struct thread *thread);
bool notification_destroy_step(struct notification *notification);
// Signal through an embedded slot that may be empty (irq, timer, pager). From
// anywhere, also interrupts: takes only the notification's lock.
void notification_signal_slot(struct slot *slot, u64 bits);
#endif
