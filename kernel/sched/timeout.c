// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See timeout.h.
#include "kernel/sched/timeout.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"

#define RUN_BATCH 64 // entries that expire in one call

void timeout_arm(struct timeouts *timeouts, struct timeout *timeout,
		 u64 deadline_ns)
{
	kassert(!timeout->armed);
	timeout->armed = true;
	timeout->node.key = deadline_ns;
	tree_insert(&timeouts->tree, &timeout->node);
	timeouts->next_ns = MIN(timeouts->next_ns, deadline_ns);
}

void timeout_disarm(struct timeouts *timeouts, struct timeout *timeout)
{
	if (!timeout->armed)
		return;
	timeout->armed = false;
	tree_remove(&timeouts->tree, &timeout->node);
}

bool timeouts_run(struct timeouts *timeouts, u64 now_ns)
{
	for (u32 i = 0; i < RUN_BATCH; i++) {
		struct tree_node *first = tree_find(&timeouts->tree, 0);
		struct timeout *due;

		timeouts->next_ns = first ? first->key : ~0ull;
		if (!first || first->key > now_ns)
			return false;
		due = CONTAINER_OF(first, struct timeout, node);
		timeout_disarm(timeouts, due);
		due->expire(due);
	}
	return true;
}
