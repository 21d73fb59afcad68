// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A carrier: a kernel thread of the personality with its stack, notification and
// guest registers. A Linux thread is carried by one at a time; carriers without
// work are kept for the next. Also: slots for capabilities beyond what the root
// cnode holds.
//
// A stack is aligned to its size and begins with a pointer to its carrier.
#ifndef PERSONALITIES_LINUX_CARRIER_H
#define PERSONALITIES_LINUX_CARRIER_H
#include "abi/guest.h"
#include "lib/base/list.h"
#include "lib/base/status.h"

#define CARRIER_STACK 0x8000ull
#define CARRIERS_MAX 8192u

struct carrier {
	struct handle thread, notification, wake, lock, guest;
	struct guest_state *state;
	u32 index; // of stack and state
	u32 parked; // [atomic] nothing of the last work runs any more
	bool leave; // its work was passed on to another carrier: return
	struct list node; // among the idle ones
	void (*work)(void *argument);
	void *argument;
};

static inline struct carrier *carrier_self(void)
{
	u64 frame = (u64)__builtin_frame_address(0);

	return *(struct carrier **)(frame & ~(CARRIER_STACK - 1));
}

[[nodiscard]] enum status carriers_init(void);

// Let a carrier do work in the aspace (a foreign one, or SELF_ASPACE). claim
// reserves one, so that starting it cannot fail; put back with release.
struct carrier *carrier_claim(struct handle aspace);
void carrier_start(struct carrier *carrier, void (*work)(void *argument),
		   void *argument);
void carrier_release(struct carrier *carrier);
// Destroy the idle ones.
void carriers_tidy(void);
u32 carriers_idle(void);
// End its sleep, or kick its guest out.
void carrier_wake(struct carrier *carrier);
// CPU time used so far.
u64 carrier_run_ns(struct carrier *carrier);
u64 carrier_state(struct carrier *carrier); // THREAD_*

// ---- capability slots. Big lock held.
// An empty slot; .value 0 when there is none.
struct handle cap_alloc(void);
void cap_free(struct handle handle); // deletes what is in it, too
struct handle cap_cnode(struct handle handle);
static inline u32 cap_index(struct handle handle)
{
	return handle.value & 0xffff;
}
// An object from the pool in a new slot.
[[nodiscard]] enum status cap_create(struct handle pool, u32 type, u64 a, u64 b,
				     struct handle c, struct handle *out);
// Give back what holds empty slots only.
void caps_tidy(void);
// Move a capability from a slot of the root cnode into one of ours.
[[nodiscard]] enum status cap_adopt(u32 slot, struct handle *out);
#endif
