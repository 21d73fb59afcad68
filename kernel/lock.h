// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Spin locks. The kernel runs with interrupts off, so a lock is a word. Ranks
// are in kernel/locks.def: a CPU takes locks only in rising rank, and within a
// rank in rising address; debug builds check it.
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H
#include "kernel/bugs.h" // for all kernel code
#include "lib/base/atomic.h"
#include "lib/base/types.h"

enum lock_rank : u8 {
#define LOCK(name, rank, what) LOCK_##name = rank,
#include "kernel/locks.def"
#undef LOCK
};

struct lock {
	u32 held;
	enum lock_rank rank; // [I]
};

#ifdef KOCHAB_DEBUG
void lock_check_take(struct lock *lock, bool tried);
void lock_check_drop(struct lock *lock);
void lock_check_none(void); // panics unless this CPU holds no lock
#else
static inline void lock_check_take(struct lock *, bool) {}
static inline void lock_check_drop(struct lock *) {}
static inline void lock_check_none(void) {}
#endif

static inline void lock_init(struct lock *lock, enum lock_rank rank)
{
	*lock = (struct lock){.rank = rank};
}

static inline bool lock_try(struct lock *lock)
{
	if (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE))
		return false;
	lock_check_take(lock, true);
	return true;
}

void lock_spin(struct lock *lock); // the slow half of lock_take

static inline void lock_take(struct lock *lock)
{
	if (__builtin_expect(
		    __atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE), 0))
		lock_spin(lock);
	lock_check_take(lock, false);
}

static inline void lock_drop(struct lock *lock)
{
	lock_check_drop(lock);
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}
#endif
