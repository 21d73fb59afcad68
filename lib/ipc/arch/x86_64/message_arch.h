// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Messages on x86-64. In: rax call number | words << 8 | capabilities << 16 |
// flags, rdi capability, message words r12 r13 r14 r15 rsi rdx r8 r9, rbx
// deadline, r10 four 16-bit slot numbers of the root cnode (the first that many
// capabilities are sent, into the rest arrive those that come back; 0: none).
// Out: rax negative error, or words << 8 | capabilities << 16; rdi badge; the
// message in the same registers, unused ones zero. rbx, r10, rcx and r11 are lost.
#pragma once

#include "abi/constants.h"
#include "lib/base/types.h"

// All eight words both ways. Returns rax; *cap becomes the badge.
[[gnu::always_inline]] static inline i64 arch_message(u64 info, u64 *cap,
	u64 word[MESSAGE_WORDS], u64 deadline_ns, u64 slots)
{
	register u64 r12 __asm__("r12") = word[0];
	register u64 r13 __asm__("r13") = word[1];
	register u64 r14 __asm__("r14") = word[2];
	register u64 r15 __asm__("r15") = word[3];
	u64 rsi = word[4];
	u64 rdx = word[5];
	register u64 r8 __asm__("r8") = word[6];
	register u64 r9 __asm__("r9") = word[7];
	register u64 r10 __asm__("r10") = slots;

	__asm__ volatile("syscall"
		     : "+a"(info), "+D"(*cap), "+r"(r12), "+r"(r13), "+r"(r14),
		       "+r"(r15), "+S"(rsi), "+d"(rdx), "+r"(r8), "+r"(r9),
		       "+b"(deadline_ns), "+r"(r10)
		     :
		     : "rcx", "r11", "memory", "cc");
	word[0] = r12;
	word[1] = r13;
	word[2] = r14;
	word[3] = r15;
	word[4] = rsi;
	word[5] = rdx;
	word[6] = r8;
	word[7] = r9;
	return (i64)info;
}

// No words, no capabilities, no deadline: the shortest round trip.
[[gnu::always_inline]] static inline i64 arch_message_0(u64 info, u64 *cap)
{
	__asm__ volatile("syscall"
		     : "+a"(info), "+D"(*cap)
		     :
		     : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11",
		       "r12", "r13", "r14", "r15", "memory", "cc");
	return (i64)info;
}

// Four words both ways, no capabilities, no deadline.
[[gnu::always_inline]] static inline i64 arch_message_4(u64 info, u64 *cap,
	u64 *w0, u64 *w1, u64 *w2, u64 *w3)
{
	register u64 r12 __asm__("r12") = *w0;
	register u64 r13 __asm__("r13") = *w1;
	register u64 r14 __asm__("r14") = *w2;
	register u64 r15 __asm__("r15") = *w3;

	__asm__ volatile("syscall"
		     : "+a"(info), "+D"(*cap), "+r"(r12), "+r"(r13), "+r"(r14),
		       "+r"(r15)
		     :
		     : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11",
		       "memory", "cc");
	*w0 = r12;
	*w1 = r13;
	*w2 = r14;
	*w3 = r15;
	return (i64)info;
}
