// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The FPU registers, which are always those of the guest that this carrier runs:
// the personality is compiled without use of them.
#include "personalities/linux/arch/x86_64/fpu.h"

#include "lib/base/string.h"
#include "personalities/linux/process.h"

#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_ALLOWED 0xffffu
#define HEADER 512 // of the XSAVE area
#define FEATURES_KNOWN 7ull // x87, SSE, AVX

u32 fpu_bytes = 512;
u64 fpu_features;

static void cpuid(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
	__asm__ volatile("cpuid"
			 : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d)
			 : "a"(leaf), "c"(0));
}

void fpu_init(void)
{
	u32 a, b, c, d, low, high;

	cpuid(1, &a, &b, &c, &d);
	if (!(c & 1u << 27)) // OSXSAVE
		return;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	cpuid(0xd, &a, &b, &c, &d);
	if (b > FPU_BYTES || b < 576)
		return;
	fpu_features = (u64)high << 32 | low;
	fpu_bytes = b;
}

void fpu_save(void *area)
{
	memset(area, 0, fpu_bytes);
	if (fpu_features)
		__asm__ volatile("xsave64 (%0)"
				 :
				 : "r"(area), "a"((u32)fpu_features),
				   "d"((u32)(fpu_features >> 32))
				 : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void fpu_load(const void *area)
{
	if (fpu_features)
		__asm__ volatile("xrstor64 (%0)"
				 :
				 : "r"(area), "a"((u32)fpu_features),
				   "d"((u32)(fpu_features >> 32))
				 : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

void fpu_reset(void)
{
	alignas(64) static const u8 zero[FPU_BYTES] = {
		// control word 0x37f, and MXCSR_DEFAULT at offset 24
		[0] = 0x7f,
		[1] = 0x03,
		[24] = MXCSR_DEFAULT & 0xff,
		[25] = MXCSR_DEFAULT >> 8,
		[HEADER] = 3,
	};

	fpu_load(zero);
}

void fpu_sanitize(void *area)
{
	u8 *bytes = area;

	*(u32 *)(bytes + 24) &= MXCSR_ALLOWED;
	if (!fpu_features)
		return;
	*(u64 *)(bytes + HEADER) &= fpu_features;
	memset(bytes + HEADER + 8, 0, 56);
}
