// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// x86-64: see abi/arch/registers.h.
#pragma once

#define ARCH_REGISTERS                                                         \
	u64 rsp, rax, rbx, rcx, rdx, rsi, rdi, rbp;                            \
	u64 r8, r9, r10, r11, r12, r13, r14, r15;                              \
	u64 rip, rflags, fs_base, gs_base;
#define ARCH_GUEST_BYTES 256
