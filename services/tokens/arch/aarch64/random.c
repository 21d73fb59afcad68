// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// RNDR (FEAT_RNG), if ID_AA64ISAR0_EL1 bits 60-63 say that there is one; the time
// page has a copy of that register. The zero flag says that it failed.
#include "services/tokens/random.h"

#include "abi/time_page.h"
#include "lib/sys/component.h"

#define TRIES 16
#define ISAR0 2 // in time_page.identity
#define RNDR_SHIFT 60

bool random_word(u64 *word)
{
	const struct time_page *page =
		(const struct time_page *)startup->time_page;
	u64 good = 0;

	if (!page || !(page->identity[ISAR0] >> RNDR_SHIFT))
		return false;
	for (u32 i = 0; i < TRIES && !good; i++)
		__asm__ volatile("mrs %0, s3_3_c2_c4_0; cset %1, ne"
				 : "=r"(*word), "=r"(good)
				 :
				 : "cc");
	return good;
}
