// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The counter the time page refers to, and the hint for a loop that waits.
#pragma once

#include "lib/base/types.h"

#define ARCH_ELF_MACHINE 62 // EM_X86_64

static inline u64 arch_counter(void)
{
	u32 low, high;

	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

static inline void arch_pause(void)
{
	__asm__ volatile("pause");
}
