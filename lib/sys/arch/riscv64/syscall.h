// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls on RISC-V: arch_syscall_N(nr, cap, N arguments, &result) returns
// the status. In: a7 number, a0 capability, arguments a1 to a6 and t0. Out: a7
// status, results a0 to a5. The kernel keeps s0 to s11, sp, gp and tp. A call with
// fewer arguments loads fewer registers; results nobody reads cost nothing.
#pragma once

#include "lib/base/types.h"

struct syscall_result {
	u64 value[6];
};

#define ARCH_SYSCALL_CLOBBERS                                                  \
	"ra", "t1", "t2", "t3", "t4", "t5", "t6", "memory"

[[gnu::always_inline]] static inline i64
arch_syscall_0(u64 nr, u64 cap, struct syscall_result *result)
{
	register u64 a7 __asm__("a7") = nr;
	register u64 a0 __asm__("a0") = cap;
	register u64 a1 __asm__("a1");
	register u64 a2 __asm__("a2");
	register u64 a3 __asm__("a3");
	register u64 a4 __asm__("a4");
	register u64 a5 __asm__("a5");
	register u64 a6 __asm__("a6");
	register u64 t0 __asm__("t0");

	__asm__ volatile("ecall"
			 : "+r"(a7), "+r"(a0), "=r"(a1), "=r"(a2), "=r"(a3),
			   "=r"(a4), "=r"(a5), "=r"(a6), "=r"(t0)
			 :
			 : ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{a0, a1, a2, a3, a4, a5}};
	return (i64)a7;
}

[[gnu::always_inline]] static inline i64
arch_syscall_1(u64 nr, u64 cap, u64 p0, struct syscall_result *result)
{
	register u64 a7 __asm__("a7") = nr;
	register u64 a0 __asm__("a0") = cap;
	register u64 a1 __asm__("a1") = p0;
	register u64 a2 __asm__("a2");
	register u64 a3 __asm__("a3");
	register u64 a4 __asm__("a4");
	register u64 a5 __asm__("a5");
	register u64 a6 __asm__("a6");
	register u64 t0 __asm__("t0");

	__asm__ volatile("ecall"
			 : "+r"(a7), "+r"(a0), "+r"(a1), "=r"(a2), "=r"(a3),
			   "=r"(a4), "=r"(a5), "=r"(a6), "=r"(t0)
			 :
			 : ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{a0, a1, a2, a3, a4, a5}};
	return (i64)a7;
}

[[gnu::always_inline]] static inline i64
arch_syscall_2(u64 nr, u64 cap, u64 p0, u64 p1, struct syscall_result *result)
{
	register u64 a7 __asm__("a7") = nr;
	register u64 a0 __asm__("a0") = cap;
	register u64 a1 __asm__("a1") = p0;
	register u64 a2 __asm__("a2") = p1;
	register u64 a3 __asm__("a3");
	register u64 a4 __asm__("a4");
	register u64 a5 __asm__("a5");
	register u64 a6 __asm__("a6");
	register u64 t0 __asm__("t0");

	__asm__ volatile("ecall"
			 : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "=r"(a3),
			   "=r"(a4), "=r"(a5), "=r"(a6), "=r"(t0)
			 :
			 : ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{a0, a1, a2, a3, a4, a5}};
	return (i64)a7;
}

[[gnu::always_inline]] static inline i64
arch_syscall_3(u64 nr, u64 cap, u64 p0, u64 p1, u64 p2,
	       struct syscall_result *result)
{
	register u64 a7 __asm__("a7") = nr;
	register u64 a0 __asm__("a0") = cap;
	register u64 a1 __asm__("a1") = p0;
	register u64 a2 __asm__("a2") = p1;
	register u64 a3 __asm__("a3") = p2;
	register u64 a4 __asm__("a4");
	register u64 a5 __asm__("a5");
	register u64 a6 __asm__("a6");
	register u64 t0 __asm__("t0");

	__asm__ volatile("ecall"
			 : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3),
			   "=r"(a4), "=r"(a5), "=r"(a6), "=r"(t0)
			 :
			 : ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{a0, a1, a2, a3, a4, a5}};
	return (i64)a7;
}

[[gnu::always_inline]] static inline i64
arch_syscall_4(u64 nr, u64 cap, u64 p0, u64 p1, u64 p2, u64 p3,
	       struct syscall_result *result)
{
	register u64 a7 __asm__("a7") = nr;
	register u64 a0 __asm__("a0") = cap;
	register u64 a1 __asm__("a1") = p0;
	register u64 a2 __asm__("a2") = p1;
	register u64 a3 __asm__("a3") = p2;
	register u64 a4 __asm__("a4") = p3;
	register u64 a5 __asm__("a5");
	register u64 a6 __asm__("a6");
	register u64 t0 __asm__("t0");

	__asm__ volatile("ecall"
			 : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3),
			   "+r"(a4), "=r"(a5), "=r"(a6), "=r"(t0)
			 :
			 : ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{a0, a1, a2, a3, a4, a5}};
	return (i64)a7;
}

[[gnu::always_inline]] static inline i64
arch_syscall_5(u64 nr, u64 cap, u64 p0, u64 p1, u64 p2, u64 p3, u64 p4,
	       struct syscall_result *result)
{
	register u64 a7 __asm__("a7") = nr;
	register u64 a0 __asm__("a0") = cap;
	register u64 a1 __asm__("a1") = p0;
	register u64 a2 __asm__("a2") = p1;
	register u64 a3 __asm__("a3") = p2;
	register u64 a4 __asm__("a4") = p3;
	register u64 a5 __asm__("a5") = p4;
	register u64 a6 __asm__("a6");
	register u64 t0 __asm__("t0");

	__asm__ volatile("ecall"
			 : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3),
			   "+r"(a4), "+r"(a5), "=r"(a6), "=r"(t0)
			 :
			 : ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{a0, a1, a2, a3, a4, a5}};
	return (i64)a7;
}

[[gnu::always_inline]] static inline i64
arch_syscall_6(u64 nr, u64 cap, u64 p0, u64 p1, u64 p2, u64 p3, u64 p4, u64 p5,
	       struct syscall_result *result)
{
	register u64 a7 __asm__("a7") = nr;
	register u64 a0 __asm__("a0") = cap;
	register u64 a1 __asm__("a1") = p0;
	register u64 a2 __asm__("a2") = p1;
	register u64 a3 __asm__("a3") = p2;
	register u64 a4 __asm__("a4") = p3;
	register u64 a5 __asm__("a5") = p4;
	register u64 a6 __asm__("a6") = p5;
	register u64 t0 __asm__("t0");

	__asm__ volatile("ecall"
			 : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3),
			   "+r"(a4), "+r"(a5), "+r"(a6), "=r"(t0)
			 :
			 : ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{a0, a1, a2, a3, a4, a5}};
	return (i64)a7;
}

[[gnu::always_inline]] static inline i64
arch_syscall_7(u64 nr, u64 cap, u64 p0, u64 p1, u64 p2, u64 p3, u64 p4, u64 p5,
	       u64 p6, struct syscall_result *result)
{
	register u64 a7 __asm__("a7") = nr;
	register u64 a0 __asm__("a0") = cap;
	register u64 a1 __asm__("a1") = p0;
	register u64 a2 __asm__("a2") = p1;
	register u64 a3 __asm__("a3") = p2;
	register u64 a4 __asm__("a4") = p3;
	register u64 a5 __asm__("a5") = p4;
	register u64 a6 __asm__("a6") = p5;
	register u64 t0 __asm__("t0") = p6;

	__asm__ volatile("ecall"
			 : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3),
			   "+r"(a4), "+r"(a5), "+r"(a6), "+r"(t0)
			 :
			 : ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{a0, a1, a2, a3, a4, a5}};
	return (i64)a7;
}
