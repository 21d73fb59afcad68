// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See apps/kernel-bench/arch/bench_arch.h. One tick, one instruction.
#pragma once

#define TICK_INSTRUCTIONS 1

[[gnu::always_inline]] static inline u64 bench_counter(void)
{
	u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (u64)high << 32 | low;
}

[[gnu::always_inline]] static inline void touch_fpu(void)
{
	__asm__ volatile("pxor %xmm0, %xmm0");
}
