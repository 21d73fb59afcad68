// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What CPUID says of the machine: Intel SDM volume 2, CPUID.
#include "lib/base/bits.h"
#include "personalities/linux/cpu.h"

struct cpuid {
	u32 a, b, c, d;
};

static struct cpuid cpuid(u32 leaf, u32 part)
{
	struct cpuid out = {.a = leaf, .c = part};

	__asm__ volatile("cpuid"
			 : "+a"(out.a), "=b"(out.b), "+c"(out.c), "=d"(out.d));
	return out;
}

// Leaf 0xb, part 1: logical processors of the package. Machines with several
// packages are told short.
u32 cpu_count(void)
{
	u32 count = 1;

	if (cpuid(0, 0).a >= 0xb)
		count = cpuid(0xb, 1).b & 0xffff;
	return MIN(MAX(count, 1u), 64u);
}

u32 cpu_capabilities(void)
{
	return cpuid(1, 0).d;
}

bool cpu_has_rdrand(void)
{
	return cpuid(1, 0).c & 1u << 30;
}
