// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Registers of a stopped thread as thread_registers reads and writes them.
#ifndef KOCHAB_ABI_REGISTERS_H
#define KOCHAB_ABI_REGISTERS_H
#include "lib/base/types.h"

struct thread_registers {
	u64 rsp, rax, rbx, rcx, rdx, rsi, rdi, rbp;
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rip, rflags, fs_base, gs_base;
};
#endif
