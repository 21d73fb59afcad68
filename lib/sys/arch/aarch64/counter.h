// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The counter the time page refers to, and the hint for a loop that waits.
#pragma once

#include "lib/base/types.h"

#define ARCH_ELF_MACHINE 183 // EM_AARCH64

static inline u64 arch_counter(void)
{
	u64 value;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value) : : "memory");
	return value;
}

static inline void arch_pause(void)
{
	__asm__ volatile("yield");
}
