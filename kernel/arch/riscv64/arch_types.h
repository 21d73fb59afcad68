// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RISC-V: the parts of generic structures that depend on the machine. Offsets in
// struct arch_regs, and of the first members of struct thread and struct cpu, are
// numbers in offsets.h, asserted in trap.c.
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H
#include "abi/registers.h"
#include "lib/base/types.h"

// Saved user registers: register xN is word N, and pc takes the place of x0. Same
// order as struct thread_registers and the start of struct guest_state.
struct arch_regs {
	u64 pc, ra, sp, gp, tp, t0, t1, t2;
	u64 s0, s1, a0, a1, a2, a3, a4, a5;
	u64 a6, a7, s2, s3, s4, s5, s6, s7;
	u64 s8, s9, s10, s11, t3, t4, t5, t6;
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
