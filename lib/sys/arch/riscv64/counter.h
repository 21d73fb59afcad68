// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The counter the time page refers to, and the hint for a loop that waits.
#pragma once

#include "lib/base/types.h"

#define ARCH_ELF_MACHINE 243 // EM_RISCV

static inline u64 arch_counter(void)
{
	u64 value;

	__asm__ volatile("rdtime %0" : "=r"(value));
	return value;
}

static inline void arch_pause(void)
{
	__asm__ volatile(".insn i 0x0f, 0, x0, x0, 0x010"); // pause
}
