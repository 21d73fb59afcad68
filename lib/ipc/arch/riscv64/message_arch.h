// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Messages on RISC-V. In: a7 call number | words << 8 | capabilities << 16 | flags,
// a0 capability, message words a1 to a6, t0 and t1, t2 deadline, t3 four 16-bit slot
// numbers of the root cnode (the first that many capabilities are sent, into the
// rest arrive those that come back; 0: none). Out: a7 negative error, or words << 8
// | capabilities << 16; a0 badge; the message in the same registers, unused ones
// zero. s0 to s11, sp, gp and tp are kept, all others lost.
#pragma once

#include "abi/constants.h"
#include "lib/base/types.h"

#define ARCH_MESSAGE_CLOBBERS "ra", "t4", "t5", "t6", "memory"

// All eight words both ways. Returns a7; *cap becomes the badge.
[[gnu::always_inline]] static inline i64 arch_message(u64 info, u64 *cap,
						      u64 word[MESSAGE_WORDS],
						      u64 deadline_ns,
						      u64 slots)
{
	register u64 a7 __asm__("a7") = info;
	register u64 a0 __asm__("a0") = *cap;
	register u64 a1 __asm__("a1") = word[0];
	register u64 a2 __asm__("a2") = word[1];
	register u64 a3 __asm__("a3") = word[2];
	register u64 a4 __asm__("a4") = word[3];
	register u64 a5 __asm__("a5") = word[4];
	register u64 a6 __asm__("a6") = word[5];
	register u64 t0 __asm__("t0") = word[6];
	register u64 t1 __asm__("t1") = word[7];
	register u64 t2 __asm__("t2") = deadline_ns;
	register u64 t3 __asm__("t3") = slots;

	__asm__ volatile("ecall"
			 : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3),
			   "+r"(a4), "+r"(a5), "+r"(a6), "+r"(t0), "+r"(t1),
			   "+r"(t2), "+r"(t3)
			 :
			 : ARCH_MESSAGE_CLOBBERS);
	*cap = a0;
	word[0] = a1;
	word[1] = a2;
	word[2] = a3;
	word[3] = a4;
	word[4] = a5;
	word[5] = a6;
	word[6] = t0;
	word[7] = t1;
	return (i64)a7;
}

// No words, no capabilities, no deadline: the shortest round trip.
[[gnu::always_inline]] static inline i64 arch_message_0(u64 info, u64 *cap)
{
	register u64 a7 __asm__("a7") = info;
	register u64 a0 __asm__("a0") = *cap;

	__asm__ volatile("ecall"
			 : "+r"(a7), "+r"(a0)
			 :
			 : "a1", "a2", "a3", "a4", "a5", "a6", "t0", "t1", "t2",
			   "t3", ARCH_MESSAGE_CLOBBERS);
	*cap = a0;
	return (i64)a7;
}

// Four words both ways, no capabilities, no deadline.
[[gnu::always_inline]] static inline i64
arch_message_4(u64 info, u64 *cap, u64 *w0, u64 *w1, u64 *w2, u64 *w3)
{
	register u64 a7 __asm__("a7") = info;
	register u64 a0 __asm__("a0") = *cap;
	register u64 a1 __asm__("a1") = *w0;
	register u64 a2 __asm__("a2") = *w1;
	register u64 a3 __asm__("a3") = *w2;
	register u64 a4 __asm__("a4") = *w3;

	__asm__ volatile(
		"ecall"
		: "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4)
		:
		: "a5", "a6", "t0", "t1", "t2", "t3", ARCH_MESSAGE_CLOBBERS);
	*cap = a0;
	*w0 = a1;
	*w1 = a2;
	*w2 = a3;
	*w3 = a4;
	return (i64)a7;
}
