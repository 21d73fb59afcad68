// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Deadlines: a hierarchical wheel of 1 ms slots for each CPU, touched only by
// that CPU. Entries expire in order of their slot. next_ns is the exact earliest
// deadline of the nearest occupied slot, or, after something was disarmed,
// earlier: running the wheel finds the right time.
#ifndef KERNEL_SCHED_TIMEOUT_H
#define KERNEL_SCHED_TIMEOUT_H
#include "lib/base/types.h"

struct cpu;

struct timeout {
	struct timeout *next, **link; // wheel slot list; link NULL: not armed
	u64 deadline_ns;
	void (*expire)(struct timeout *timeout); // runs on the CPU that armed it
	u16 bucket;
};

#define WHEEL_LEVELS 4
#define WHEEL_SLOTS 64

struct wheel {
	u64 now_ms; // slots before this one are done
	u64 next_ns; // nothing is due before; ~0: nothing is armed
	u64 occupied[WHEEL_LEVELS]; // bit per slot
	struct timeout *slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, u64 now_ns);
void timeout_arm(struct wheel *wheel, struct timeout *timeout, u64 deadline_ns);
void timeout_disarm(struct wheel *wheel, struct timeout *timeout);
// Run everything due; at most 64 entries a call. True if more are due now.
bool wheel_run(struct wheel *wheel, u64 now_ns);
#endif
