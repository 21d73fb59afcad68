// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls of RISC-V alone.
#include "personalities/linux/call.h"

// Code that this thread wrote is seen by it from now on, on this CPU and on
// others: the kernel does the same whenever a thread comes to another CPU. Other
// threads are served as they enter the system next.
i64 call_riscv_flush_icache(struct thread *thread, const u64 *a)
{
	(void)thread;
	if (a[2] & ~1ull)
		return -EINVAL;
	__asm__ volatile("fence.i" : : : "memory");
	return 0;
}
