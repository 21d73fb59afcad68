// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls on AArch64: arch_syscall_N(nr, cap, N arguments, &result) returns
// the status. In: x8 number, x0 capability, arguments x1 to x7. Out: x8 status,
// results x0 to x5. The kernel may change x0 to x18. A call with fewer
// arguments loads fewer registers; results nobody reads cost nothing.
#pragma once

#include "lib/base/types.h"

struct syscall_result {
	u64 value[6];
};

// What neither carries an argument nor a result.
#define ARCH_SYSCALL_CLOBBERS                                                  \
	"x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",   \
		"memory", "cc"

[[gnu::always_inline]] static inline i64
arch_syscall_0(u64 nr, u64 cap, struct syscall_result *result)
{
	register u64 x8 __asm__("x8") = nr;
	register u64 x0 __asm__("x0") = cap;
	register u64 x1 __asm__("x1");
	register u64 x2 __asm__("x2");
	register u64 x3 __asm__("x3");
	register u64 x4 __asm__("x4");
	register u64 x5 __asm__("x5");
	__asm__ volatile("svc #0"
			 : "+r"(x8), "+r"(x0), "=r"(x1), "=r"(x2), "=r"(x3),
			   "=r"(x4), "=r"(x5)
			 :
			 : "x6", "x7", ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{x0, x1, x2, x3, x4, x5}};
	return (i64)x8;
}

[[gnu::always_inline]] static inline i64
arch_syscall_1(u64 nr, u64 cap, u64 a0, struct syscall_result *result)
{
	register u64 x8 __asm__("x8") = nr;
	register u64 x0 __asm__("x0") = cap;
	register u64 x1 __asm__("x1") = a0;
	register u64 x2 __asm__("x2");
	register u64 x3 __asm__("x3");
	register u64 x4 __asm__("x4");
	register u64 x5 __asm__("x5");
	__asm__ volatile("svc #0"
			 : "+r"(x8), "+r"(x0), "+r"(x1), "=r"(x2), "=r"(x3),
			   "=r"(x4), "=r"(x5)
			 :
			 : "x6", "x7", ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{x0, x1, x2, x3, x4, x5}};
	return (i64)x8;
}

[[gnu::always_inline]] static inline i64
arch_syscall_2(u64 nr, u64 cap, u64 a0, u64 a1, struct syscall_result *result)
{
	register u64 x8 __asm__("x8") = nr;
	register u64 x0 __asm__("x0") = cap;
	register u64 x1 __asm__("x1") = a0;
	register u64 x2 __asm__("x2") = a1;
	register u64 x3 __asm__("x3");
	register u64 x4 __asm__("x4");
	register u64 x5 __asm__("x5");
	__asm__ volatile("svc #0"
			 : "+r"(x8), "+r"(x0), "+r"(x1), "+r"(x2), "=r"(x3),
			   "=r"(x4), "=r"(x5)
			 :
			 : "x6", "x7", ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{x0, x1, x2, x3, x4, x5}};
	return (i64)x8;
}

[[gnu::always_inline]] static inline i64
arch_syscall_3(u64 nr, u64 cap, u64 a0, u64 a1, u64 a2,
	       struct syscall_result *result)
{
	register u64 x8 __asm__("x8") = nr;
	register u64 x0 __asm__("x0") = cap;
	register u64 x1 __asm__("x1") = a0;
	register u64 x2 __asm__("x2") = a1;
	register u64 x3 __asm__("x3") = a2;
	register u64 x4 __asm__("x4");
	register u64 x5 __asm__("x5");
	__asm__ volatile("svc #0"
			 : "+r"(x8), "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3),
			   "=r"(x4), "=r"(x5)
			 :
			 : "x6", "x7", ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{x0, x1, x2, x3, x4, x5}};
	return (i64)x8;
}

[[gnu::always_inline]] static inline i64
arch_syscall_4(u64 nr, u64 cap, u64 a0, u64 a1, u64 a2, u64 a3,
	       struct syscall_result *result)
{
	register u64 x8 __asm__("x8") = nr;
	register u64 x0 __asm__("x0") = cap;
	register u64 x1 __asm__("x1") = a0;
	register u64 x2 __asm__("x2") = a1;
	register u64 x3 __asm__("x3") = a2;
	register u64 x4 __asm__("x4") = a3;
	register u64 x5 __asm__("x5");
	__asm__ volatile("svc #0"
			 : "+r"(x8), "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3),
			   "+r"(x4), "=r"(x5)
			 :
			 : "x6", "x7", ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{x0, x1, x2, x3, x4, x5}};
	return (i64)x8;
}

[[gnu::always_inline]] static inline i64
arch_syscall_5(u64 nr, u64 cap, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4,
	       struct syscall_result *result)
{
	register u64 x8 __asm__("x8") = nr;
	register u64 x0 __asm__("x0") = cap;
	register u64 x1 __asm__("x1") = a0;
	register u64 x2 __asm__("x2") = a1;
	register u64 x3 __asm__("x3") = a2;
	register u64 x4 __asm__("x4") = a3;
	register u64 x5 __asm__("x5") = a4;
	__asm__ volatile("svc #0"
			 : "+r"(x8), "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3),
			   "+r"(x4), "+r"(x5)
			 :
			 : "x6", "x7", ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{x0, x1, x2, x3, x4, x5}};
	return (i64)x8;
}

[[gnu::always_inline]] static inline i64
arch_syscall_6(u64 nr, u64 cap, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5,
	       struct syscall_result *result)
{
	register u64 x8 __asm__("x8") = nr;
	register u64 x0 __asm__("x0") = cap;
	register u64 x1 __asm__("x1") = a0;
	register u64 x2 __asm__("x2") = a1;
	register u64 x3 __asm__("x3") = a2;
	register u64 x4 __asm__("x4") = a3;
	register u64 x5 __asm__("x5") = a4;
	register u64 x6 __asm__("x6") = a5;
	__asm__ volatile("svc #0"
			 : "+r"(x8), "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3),
			   "+r"(x4), "+r"(x5), "+r"(x6)
			 :
			 : "x7", ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{x0, x1, x2, x3, x4, x5}};
	return (i64)x8;
}

[[gnu::always_inline]] static inline i64
arch_syscall_7(u64 nr, u64 cap, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5,
	       u64 a6, struct syscall_result *result)
{
	register u64 x8 __asm__("x8") = nr;
	register u64 x0 __asm__("x0") = cap;
	register u64 x1 __asm__("x1") = a0;
	register u64 x2 __asm__("x2") = a1;
	register u64 x3 __asm__("x3") = a2;
	register u64 x4 __asm__("x4") = a3;
	register u64 x5 __asm__("x5") = a4;
	register u64 x6 __asm__("x6") = a5;
	register u64 x7 __asm__("x7") = a6;
	__asm__ volatile("svc #0"
			 : "+r"(x8), "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3),
			   "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7)
			 :
			 : ARCH_SYSCALL_CLOBBERS);
	*result = (struct syscall_result){{x0, x1, x2, x3, x4, x5}};
	return (i64)x8;
}
