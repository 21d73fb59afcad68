// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// x86-64: the parts of generic structures that depend on the machine. Assembly
// knows offsets in them by offsets.c.
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H
#include "abi/arch/registers.h"
#include "lib/base/types.h"

// Saved user registers, as in struct thread_registers and at the start of struct
// guest_state: one piece of entry code saves to either. The bases are live in the
// CPU while the thread is current.
struct arch_regs {
	ARCH_REGISTERS
};

// Values for CR3. full 0: no address space (the kernel's own root is loaded).
struct arch_roots {
	u64 full;
	u64 guest; // what a guest sees while it runs; 0 if not a foreign aspace
};

// Task state segment: AMD64 manual volume 2, section 12.2.5.
struct [[gnu::packed]] arch_tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7]; // 1: NMI, 2: double fault, 3: machine check
	u64 reserved2;
	u16 reserved3;
	u16 io_bitmap;
};

#define ARCH_IRQ_LINES 256
#define ARCH_DIRECT_BYTES (1ull << 43) // of memory that the kernel can reach
#define ARCH_ELF_MACHINE 62 // EM_X86_64
#define ARCH_FPU_BYTES 832 // with AVX
#define ARCH_GDT_ENTRIES 8

struct arch_cpu {
	u64 gdt[ARCH_GDT_ENTRIES];
	struct arch_tss tss;
};
#endif
