// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The slow half of taking a lock.
#include "kernel/lock.h"
#include "kernel/arch/arch.h"

void lock_spin(struct lock *lock)
{
	do {
		while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED))
			arch_relax();
	} while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE));
}
