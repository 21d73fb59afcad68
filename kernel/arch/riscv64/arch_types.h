// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RISC-V: the parts of generic structures that depend on the machine. Assembly
// knows offsets in them by offsets.c.
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H
#include "abi/arch/registers.h"
#include "lib/base/types.h"

// Saved user registers, as in struct thread_registers and at the start of struct
// guest_state: register xN is word N, and pc takes the place of x0.
struct arch_regs {
	ARCH_REGISTERS
};

// Physical addresses of root tables. full 0: no address space (the kernel's own
// root is loaded).
struct arch_roots {
	u64 full;
	u64 guest; // what a guest sees while it runs; 0 if not a foreign aspace
};

#define ARCH_ELF_MACHINE 243 // EM_RISCV
#define ARCH_FPU_BYTES 264
#define ARCH_DIRECT_BYTES (252ull << 30)
#define ARCH_IRQ_LINES 1280 // wired ones below 1024, messages from there on

struct arch_cpu {
	u32 exec_seen; // instruction fetches see all pages up to this generation
	u32 relaxes; // counts arch_relax()
	u64 root; // that is loaded
};
#endif
