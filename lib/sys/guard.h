// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A lock for the library's own short critical sections, in processes that have
// several threads. Waiting gives the CPU away; nobody holds one across a call to
// another process.
#pragma once

#include "gen/abi/syscall_stubs.h"
#include "lib/sys/arch/counter.h"

struct guard {
	u32 taken;
};

#define GUARD_SPINS 100

static inline void guard_enter(struct guard *guard)
{
	u32 spins = 0;

	while (__atomic_exchange_n(&guard->taken, 1, __ATOMIC_ACQUIRE)) {
		if (++spins < GUARD_SPINS)
			arch_pause();
#ifndef KOCHAB_HOST
		else
			(void)!sys_yield();
#endif
	}
}

static inline void guard_leave(struct guard *guard)
{
	__atomic_store_n(&guard->taken, 0, __ATOMIC_RELEASE);
}
