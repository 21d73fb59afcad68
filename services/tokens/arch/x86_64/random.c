// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RDRAND, if CPUID (leaf 1, ECX bit 30) says that there is one. It may fail a few
// times in a row (Intel SDM volume 1, 7.3.17.1: ten tries are enough).
#include "services/tokens/random.h"

#define TRIES 16

static bool present(void)
{
	u32 a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c >> 30 & 1;
}

bool random_word(u64 *word)
{
	u8 good = 0;

	if (!present())
		return false;
	for (u32 i = 0; i < TRIES && !good; i++)
		__asm__ volatile("rdrand %0; setc %1"
				 : "=r"(*word), "=q"(good)
				 :
				 : "cc");
	return good;
}
