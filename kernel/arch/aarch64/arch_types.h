// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// AArch64: the parts of generic structures that depend on the machine. Assembly
// knows offsets in them by offsets.c.
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H
#include "abi/arch/registers.h"
#include "lib/base/types.h"

// Saved user registers, as in struct thread_registers and at the start of struct
// guest_state: one piece of entry code saves to either. tpidr is live in the CPU
// while the thread is current.
struct arch_regs {
	ARCH_REGISTERS
};

// Values for TTBR0. full 0: no address space (a table without entries is loaded).
struct arch_roots {
	u64 full;
	u64 guest; // what a guest sees while it runs; 0 if not a foreign aspace
};

#define ARCH_IRQ_LINES 1280 // 1020 lines; messages from 1024 on
#define ARCH_DIRECT_BYTES (1ull << 43) // of memory that the kernel can reach
#define ARCH_ELF_MACHINE 183 // EM_AARCH64
#define ARCH_FPU_BYTES 528

struct arch_cpu {
	u64 fatal_stack; // top of the stack for exceptions of the kernel itself
	volatile u8 *redistributor;
	u64 redistributor_physical;
	bool takes_messages;
};
#endif
