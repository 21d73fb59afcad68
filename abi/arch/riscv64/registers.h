// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RISC-V: see abi/registers.h and abi/guest.h. pc takes the place of x0, so that
// register xN is word N; tp is the thread pointer.
#pragma once
#include "lib/base/types.h"

struct thread_registers {
	u64 pc, ra, sp, gp, tp, t0, t1, t2;
	u64 s0, s1, a0, a1, a2, a3, a4, a5;
	u64 a6, a7, s2, s3, s4, s5, s6, s7;
	u64 s8, s9, s10, s11, t3, t4, t5, t6;
};

struct guest_state {
	u64 pc, ra, sp, gp, tp, t0, t1, t2;
	u64 s0, s1, a0, a1, a2, a3, a4, a5;
	u64 a6, a7, s2, s3, s4, s5, s6, s7;
	u64 s8, s9, s10, s11, t3, t4, t5, t6;
	u64 reason; // enum guest_reason of the last exit
	u64 trap; // exception code of scause
	u64 code; // FAULT_CODE bits, or stval
	u64 address; // faulting address: stval
	u64 reserved[28];
};
static_assert(sizeof(struct guest_state) == 512);
static_assert(__builtin_offsetof(struct guest_state, reason) ==
	      sizeof(struct thread_registers));
