// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// x86-64: see abi/registers.h and abi/guest.h.
#pragma once
#include "lib/base/types.h"

struct thread_registers {
	u64 rsp, rax, rbx, rcx, rdx, rsi, rdi, rbp;
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rip, rflags, fs_base, gs_base;
};

// Offsets are known to entry.S (asserted there through generated offsets).
struct guest_state {
	u64 rsp, rax, rbx, rcx, rdx, rsi, rdi, rbp;
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rip, rflags;
	u64 fs_base, gs_base;
	u64 reason; // enum guest_reason of the last exit
	u64 trap; // exception number
	u64 code; // FAULT_CODE bits, or the exception's error code
	u64 address; // faulting address
	u64 reserved[8];
};
static_assert(sizeof(struct guest_state) == 256);
