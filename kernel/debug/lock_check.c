// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The check of lock ranks (kernel/lock.h), in debug builds.
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/sched/cpu.h"

void lock_check_take(struct lock *lock, bool tried)
{
	struct cpu *cpu = cpu_self();

	// A lock that was only tried cannot be part of a deadlock.
	if (!tried && cpu->nheld) {
		struct lock *last = cpu->held[cpu->nheld - 1];

		if (last->rank > lock->rank ||
		    (last->rank == lock->rank && last >= lock))
			panic("lock of rank %u taken while holding rank %u",
			      lock->rank, last->rank);
	}
	kassert(cpu->nheld < sizeof cpu->held / sizeof cpu->held[0]);
	cpu->held[cpu->nheld++] = lock;
}

void lock_check_drop(struct lock *lock)
{
	struct cpu *cpu = cpu_self();

	for (u32 i = cpu->nheld; i-- > 0;)
		if (cpu->held[i] == lock) {
			cpu->held[i] = cpu->held[--cpu->nheld];
			return;
		}
	panic("lock dropped that this CPU does not hold");
}

void lock_check_none(void)
{
	kassert(cpu_self()->nheld == 0);
}
