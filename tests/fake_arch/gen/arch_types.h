// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The fake machine: registers of a thread are those of a system call.
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H
#include "lib/base/types.h"

#define ARCH_IRQ_LINES 256
#define ARCH_FPU_BYTES 64
#define ARCH_DIRECT_BYTES (1ull << 40)

struct arch_regs {
	u64 info; // number and info word; afterwards the status
	u64 cap; // capability; afterwards the badge
	u64 word[8]; // arguments, results, message
	u64 deadline, caps;
	u64 pc, sp;
	u64 restarts; // times the call has been asked to run again
};

struct arch_roots {
	u64 full, guest;
};

struct arch_cpu {
	u32 ipis; // interrupts sent to it and not taken yet
};
#endif
