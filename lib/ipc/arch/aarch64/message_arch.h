// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Messages on AArch64. In: x8 call number | words << 8 | capabilities << 16 |
// flags, x0 capability, message words x1 to x7 and x9, x10 deadline, x11 four
// 16-bit slot numbers of the root cnode (the first that many capabilities are sent,
// into the rest arrive those that come back; 0: none). Out: x8 negative error, or
// words << 8 | capabilities << 16; x0 badge; the message in the same registers,
// unused ones zero. x10 to x18 are lost.
#pragma once

#include "abi/constants.h"
#include "lib/base/types.h"
#include "lib/sys/arch/aarch64/syscall.h"

// All eight words both ways. Returns x8; *cap becomes the badge.
[[gnu::always_inline]] static inline i64 arch_message(u64 info, u64 *cap,
	u64 word[MESSAGE_WORDS], u64 deadline_ns, u64 slots)
{
	register u64 x8 __asm__("x8") = info;
	register u64 x0 __asm__("x0") = *cap;
	register u64 x1 __asm__("x1") = word[0];
	register u64 x2 __asm__("x2") = word[1];
	register u64 x3 __asm__("x3") = word[2];
	register u64 x4 __asm__("x4") = word[3];
	register u64 x5 __asm__("x5") = word[4];
	register u64 x6 __asm__("x6") = word[5];
	register u64 x7 __asm__("x7") = word[6];
	register u64 x9 __asm__("x9") = word[7];
	register u64 x10 __asm__("x10") = deadline_ns;
	register u64 x11 __asm__("x11") = slots;

	__asm__ volatile("svc #0"
			 : "+r"(x8), "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3),
			   "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7), "+r"(x9),
			   "+r"(x10), "+r"(x11)
			 :
			 : "x12", "x13", "x14", "x15", "x16", "x17", "x18",
			   "memory", "cc");
	*cap = x0;
	word[0] = x1;
	word[1] = x2;
	word[2] = x3;
	word[3] = x4;
	word[4] = x5;
	word[5] = x6;
	word[6] = x7;
	word[7] = x9;
	return (i64)x8;
}

// No words, no capabilities, no deadline: the shortest round trip.
[[gnu::always_inline]] static inline i64 arch_message_0(u64 info, u64 *cap)
{
	register u64 x8 __asm__("x8") = info;
	register u64 x0 __asm__("x0") = *cap;

	__asm__ volatile("svc #0"
			 : "+r"(x8), "+r"(x0)
			 :
			 : "x1", "x2", "x3", "x4", "x5", "x6", "x7",
			   ARCH_SYSCALL_CLOBBERS);
	*cap = x0;
	return (i64)x8;
}

// Four words both ways, no capabilities, no deadline.
[[gnu::always_inline]] static inline i64 arch_message_4(u64 info, u64 *cap,
	u64 *w0, u64 *w1, u64 *w2, u64 *w3)
{
	register u64 x8 __asm__("x8") = info;
	register u64 x0 __asm__("x0") = *cap;
	register u64 x1 __asm__("x1") = *w0;
	register u64 x2 __asm__("x2") = *w1;
	register u64 x3 __asm__("x3") = *w2;
	register u64 x4 __asm__("x4") = *w3;

	__asm__ volatile("svc #0"
			 : "+r"(x8), "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3),
			   "+r"(x4)
			 :
			 : "x5", "x6", "x7", ARCH_SYSCALL_CLOBBERS);
	*cap = x0;
	*w0 = x1;
	*w1 = x2;
	*w2 = x3;
	*w3 = x4;
	return (i64)x8;
}
