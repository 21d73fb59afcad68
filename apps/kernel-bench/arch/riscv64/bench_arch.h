// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See apps/kernel-bench/arch/bench_arch.h. The board's clock has 10 MHz.
#pragma once

#define TICK_INSTRUCTIONS 100

[[gnu::always_inline]] static inline u64 bench_counter(void)
{
	u64 value;

	__asm__ volatile("rdtime %0" : "=r"(value)::"memory");
	return value;
}

[[gnu::always_inline]] static inline void touch_fpu(void)
{
	__asm__ volatile(".option push\n\t.option arch, +d\n\t"
			 "fmv.d.x ft0, zero\n\t.option pop");
}
