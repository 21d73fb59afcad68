// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What programs are told of an AArch64 CPU. Its identification registers are the
// kernel's alone, so only what every such CPU has is said: floating point and
// Advanced SIMD.
#include "personalities/linux/cpu.h"

#include "lib/base/bits.h"
#include "lib/base/format.h"

#define HWCAP_FP 1u
#define HWCAP_ASIMD 2u

u64 cpu_capabilities(void)
{
	return HWCAP_FP | HWCAP_ASIMD;
}

bool cpu_random(u64 *word)
{
	(void)word; // RNDR is optional, and whether it is there is not told
	return false;
}

usize cpu_text(char *to, usize size, u32 number, u32 count)
{
	u64 frequency;

	(void)count;
	__asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
	// Twice the counter's frequency, as Linux says it.
	return MIN(size,
		   format_text(to, size,
			       "processor\t: %u\nBogoMIPS\t: %lu.%02lu\n"
			       "Features\t: fp asimd\n"
			       "CPU implementer\t: 0x00\n"
			       "CPU architecture: 8\nCPU variant\t: 0x0\n"
			       "CPU part\t: 0x000\nCPU revision\t: 0\n\n",
			       number, frequency / 500000,
			       frequency / 5000 % 100));
}
