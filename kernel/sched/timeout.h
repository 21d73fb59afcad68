// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Deadlines: a tree of them for each CPU, touched only by that CPU. Entries expire
// in order. next_ns is the earliest deadline, or, after something was disarmed,
// earlier: running what is due finds the right time.
#ifndef KERNEL_SCHED_TIMEOUT_H
#define KERNEL_SCHED_TIMEOUT_H
#include "kernel/tree.h"

struct timeout {
	struct tree_node node; // by its deadline, ns
	void (*expire)(struct timeout *timeout); // runs on the CPU that armed it
	bool armed;
};

struct timeouts {
	struct tree tree;
	u64 next_ns; // nothing is due before; ~0: nothing is armed
};

void timeout_arm(struct timeouts *timeouts, struct timeout *timeout,
		 u64 deadline_ns);
void timeout_disarm(struct timeouts *timeouts, struct timeout *timeout);
// Run everything due; at most 64 entries a call. True if more may be due now.
bool timeouts_run(struct timeouts *timeouts, u64 now_ns);
#endif
