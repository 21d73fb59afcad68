// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A bell: how a process that works through shared memory is told that there is
// something new, by a system call only when it sleeps. One word, of which the
// sleeper says whether it sleeps:
//
//   the sleeper   bell_arm; looks once more; nothing: waits for the signal;
//                 bell_disarm
//   the waker     makes its change visible (release); shared_fence();
//                 bell_asleep? signal; bell_rung
//
// The two fences are a pair: either the sleeper's last look sees the change, or
// the waker sees that it sleeps. The word counts sleeps: even while asleep, odd
// while awake. A waker marks the sleep that it has ended, after the signal, so one
// that dies in between has not taken the sleep from other wakers; and as the count
// differs, a late mark cannot end the next sleep. Zero means that there is no bell:
// who never says anything is always signalled.
//
// The word is the other side's to spoil: the worst is a signal too many, or none,
// which the other side could do anyhow.
#pragma once

#include "lib/ipc/shared.h"

// The sleeper. *count is its own, and only ever grows; a new instance begins with
// bell_open.
static inline u64 bell_open(const u64 *bell)
{
	return shared_load(bell) | 1;
}

static inline void bell_arm(u64 *bell, u64 *count)
{
	*count = (*count | 1) + 1;
	shared_store(bell, *count);
	if (!RING_BUG(2))
		shared_fence();
}

static inline void bell_disarm(u64 *bell, u64 *count)
{
	*count |= 1;
	shared_store(bell, *count);
}

// The waker, after shared_fence(): *seen is what bell_rung wants.
static inline bool bell_asleep(const u64 *bell, u64 *seen)
{
	*seen = shared_load(bell);
	return (*seen & 1) == 0;
}

static inline void bell_rung(u64 *bell, u64 seen)
{
	if (RING_BUG(3))
		shared_store(bell, shared_load(bell) | 1);
	else if (seen != 0)
		(void)shared_swap(bell, seen, seen | 1);
}
