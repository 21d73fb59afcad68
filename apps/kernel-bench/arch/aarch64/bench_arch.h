// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See apps/kernel-bench/arch/bench_arch.h. The virtual counter has 62.5 MHz.
#pragma once

#define TICK_INSTRUCTIONS 16

[[gnu::always_inline]] static inline u64 bench_counter(void)
{
	u64 value;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(value)::"memory");
	return value;
}

[[gnu::always_inline]] static inline void touch_fpu(void)
{
	__asm__ volatile(".arch_extension fp\n\tfmov d0, xzr");
}
