// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RISC-V: see abi/arch/registers.h. Behind pc, x1 to x31 by their names.
#pragma once

#define ARCH_REGISTERS                                                         \
	u64 pc, ra, sp, gp, tp, t0, t1, t2, s0, s1;                            \
	u64 a0, a1, a2, a3, a4, a5, a6, a7;                                    \
	u64 s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;                          \
	u64 t3, t4, t5, t6;
#define ARCH_GUEST_BYTES 512
