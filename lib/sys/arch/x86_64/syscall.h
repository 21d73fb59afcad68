// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls on x86-64: arch_syscall_N(nr, cap, N arguments, &result) returns
// the status. In: rax number, rdi capability, arguments rsi rdx r8 r9 r12 r13
// r14. Out: rax status, results rdi rsi rdx r8 r9 r12. The kernel may change
// every register but rsp and rbp. A call with fewer arguments loads fewer
// registers; results nobody reads cost nothing.
#pragma once

#include "lib/base/types.h"

struct syscall_result {
	u64 value[6];
};

[[gnu::always_inline]] static inline i64
arch_syscall_0(u64 nr, u64 cap, struct syscall_result *result)
{
	u64 rdi = cap;
	u64 rsi;
	u64 rdx;
	register u64 r8 __asm__("r8");
	register u64 r9 __asm__("r9");
	register u64 r12 __asm__("r12");
	__asm__ volatile("syscall"
			 : "+a"(nr), "+D"(rdi), "=S"(rsi), "=d"(rdx), "=r"(r8),
			   "=r"(r9), "=r"(r12)
			 :
			 : "rbx", "rcx", "r10", "r11", "r15", "r13", "r14",
			   "memory", "cc");
	*result = (struct syscall_result){{rdi, rsi, rdx, r8, r9, r12}};
	return (i64)nr;
}

[[gnu::always_inline]] static inline i64
arch_syscall_1(u64 nr, u64 cap, u64 a0, struct syscall_result *result)
{
	u64 rdi = cap;
	u64 rsi = a0;
	u64 rdx;
	register u64 r8 __asm__("r8");
	register u64 r9 __asm__("r9");
	register u64 r12 __asm__("r12");
	__asm__ volatile("syscall"
			 : "+a"(nr), "+D"(rdi), "+S"(rsi), "=d"(rdx), "=r"(r8),
			   "=r"(r9), "=r"(r12)
			 :
			 : "rbx", "rcx", "r10", "r11", "r15", "r13", "r14",
			   "memory", "cc");
	*result = (struct syscall_result){{rdi, rsi, rdx, r8, r9, r12}};
	return (i64)nr;
}

[[gnu::always_inline]] static inline i64
arch_syscall_2(u64 nr, u64 cap, u64 a0, u64 a1, struct syscall_result *result)
{
	u64 rdi = cap;
	u64 rsi = a0;
	u64 rdx = a1;
	register u64 r8 __asm__("r8");
	register u64 r9 __asm__("r9");
	register u64 r12 __asm__("r12");
	__asm__ volatile("syscall"
			 : "+a"(nr), "+D"(rdi), "+S"(rsi), "+d"(rdx), "=r"(r8),
			   "=r"(r9), "=r"(r12)
			 :
			 : "rbx", "rcx", "r10", "r11", "r15", "r13", "r14",
			   "memory", "cc");
	*result = (struct syscall_result){{rdi, rsi, rdx, r8, r9, r12}};
	return (i64)nr;
}

[[gnu::always_inline]] static inline i64
arch_syscall_3(u64 nr, u64 cap, u64 a0, u64 a1, u64 a2,
	       struct syscall_result *result)
{
	u64 rdi = cap;
	u64 rsi = a0;
	u64 rdx = a1;
	register u64 r8 __asm__("r8") = a2;
	register u64 r9 __asm__("r9");
	register u64 r12 __asm__("r12");
	__asm__ volatile("syscall"
			 : "+a"(nr), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8),
			   "=r"(r9), "=r"(r12)
			 :
			 : "rbx", "rcx", "r10", "r11", "r15", "r13", "r14",
			   "memory", "cc");
	*result = (struct syscall_result){{rdi, rsi, rdx, r8, r9, r12}};
	return (i64)nr;
}

[[gnu::always_inline]] static inline i64
arch_syscall_4(u64 nr, u64 cap, u64 a0, u64 a1, u64 a2, u64 a3,
	       struct syscall_result *result)
{
	u64 rdi = cap;
	u64 rsi = a0;
	u64 rdx = a1;
	register u64 r8 __asm__("r8") = a2;
	register u64 r9 __asm__("r9") = a3;
	register u64 r12 __asm__("r12");
	__asm__ volatile("syscall"
			 : "+a"(nr), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8),
			   "+r"(r9), "=r"(r12)
			 :
			 : "rbx", "rcx", "r10", "r11", "r15", "r13", "r14",
			   "memory", "cc");
	*result = (struct syscall_result){{rdi, rsi, rdx, r8, r9, r12}};
	return (i64)nr;
}

[[gnu::always_inline]] static inline i64
arch_syscall_5(u64 nr, u64 cap, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4,
	       struct syscall_result *result)
{
	u64 rdi = cap;
	u64 rsi = a0;
	u64 rdx = a1;
	register u64 r8 __asm__("r8") = a2;
	register u64 r9 __asm__("r9") = a3;
	register u64 r12 __asm__("r12") = a4;
	__asm__ volatile("syscall"
			 : "+a"(nr), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8),
			   "+r"(r9), "+r"(r12)
			 :
			 : "rbx", "rcx", "r10", "r11", "r15", "r13", "r14",
			   "memory", "cc");
	*result = (struct syscall_result){{rdi, rsi, rdx, r8, r9, r12}};
	return (i64)nr;
}

[[gnu::always_inline]] static inline i64
arch_syscall_6(u64 nr, u64 cap, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5,
	       struct syscall_result *result)
{
	u64 rdi = cap;
	u64 rsi = a0;
	u64 rdx = a1;
	register u64 r8 __asm__("r8") = a2;
	register u64 r9 __asm__("r9") = a3;
	register u64 r12 __asm__("r12") = a4;
	register u64 r13 __asm__("r13") = a5;
	__asm__ volatile("syscall"
			 : "+a"(nr), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8),
			   "+r"(r9), "+r"(r12), "+r"(r13)
			 :
			 : "rbx", "rcx", "r10", "r11", "r15", "r14", "memory",
			   "cc");
	*result = (struct syscall_result){{rdi, rsi, rdx, r8, r9, r12}};
	return (i64)nr;
}

[[gnu::always_inline]] static inline i64
arch_syscall_7(u64 nr, u64 cap, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5,
	       u64 a6, struct syscall_result *result)
{
	u64 rdi = cap;
	u64 rsi = a0;
	u64 rdx = a1;
	register u64 r8 __asm__("r8") = a2;
	register u64 r9 __asm__("r9") = a3;
	register u64 r12 __asm__("r12") = a4;
	register u64 r13 __asm__("r13") = a5;
	register u64 r14 __asm__("r14") = a6;
	__asm__ volatile("syscall"
			 : "+a"(nr), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8),
			   "+r"(r9), "+r"(r12), "+r"(r13), "+r"(r14)
			 :
			 : "rbx", "rcx", "r10", "r11", "r15", "memory", "cc");
	*result = (struct syscall_result){{rdi, rsi, rdx, r8, r9, r12}};
	return (i64)nr;
}
