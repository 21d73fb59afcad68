// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// AArch64: see abi/registers.h and abi/guest.h.
#pragma once
#include "lib/base/types.h"

struct thread_registers {
	u64 x[31];
	u64 sp, pc;
	u64 pstate; // N Z C V, and what the kernel leaves to user mode
	u64 tpidr; // TPIDR_EL0, the thread pointer
};

struct guest_state {
	u64 x[31];
	u64 sp, pc;
	u64 pstate;
	u64 tpidr;
	u64 reason; // enum guest_reason of the last exit
	u64 trap; // exception class: ESR_EL1 bits 31-26
	u64 code; // FAULT_CODE bits, or ESR_EL1
	u64 address; // faulting address: FAR_EL1
	u64 reserved[25];
};
static_assert(sizeof(struct guest_state) == 512);
static_assert(__builtin_offsetof(struct guest_state, reason) ==
	      sizeof(struct thread_registers));
