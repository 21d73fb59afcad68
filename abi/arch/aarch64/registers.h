// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// AArch64: see abi/arch/registers.h. x[30] is the link register; tpidr is the
// thread pointer, TPIDR_EL0; of pstate a user may choose N, Z, C, V, DIT, SSBS
// and TCO, and BTYPE.
#pragma once

#define ARCH_REGISTERS                                                         \
	u64 x[31], sp;                                                         \
	u64 pc, pstate, tpidr;
#define ARCH_GUEST_BYTES 512
