// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What programs are told of an AArch64 CPU, from its identification registers in the
// time page: Arm Architecture Reference Manual, ID_AA64PFR0_EL1, ID_AA64ISAR0_EL1 and
// ID_AA64ISAR1_EL1. A feature is one field of them that is large enough.
#include "personalities/linux/cpu.h"

#include "abi/time_page.h"
#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/sys/component.h"

enum word { MIDR, PFR0, ISAR0, ISAR1 };
#define RNDR_SHIFT 60 // in ISAR0

static const struct feature {
	const char *name; // as Linux says it
	u8 bit; // of AT_HWCAP
	u8 word, shift, least;
} features[] = {
	{"fp", 0, PFR0, 16, 0},		{"asimd", 1, PFR0, 20, 0},
	{"aes", 3, ISAR0, 4, 1},	{"pmull", 4, ISAR0, 4, 2},
	{"sha1", 5, ISAR0, 8, 1},	{"sha2", 6, ISAR0, 12, 1},
	{"crc32", 7, ISAR0, 16, 1},	{"atomics", 8, ISAR0, 20, 2},
	{"fphp", 9, PFR0, 16, 1},	{"asimdhp", 10, PFR0, 20, 1},
	{"asimdrdm", 12, ISAR0, 28, 1}, {"jscvt", 13, ISAR1, 12, 1},
	{"fcma", 14, ISAR1, 16, 1},	{"lrcpc", 15, ISAR1, 20, 1},
	{"sha3", 17, ISAR0, 32, 1},	{"sm3", 18, ISAR0, 36, 1},
	{"sm4", 19, ISAR0, 40, 1},	{"asimddp", 20, ISAR0, 44, 1},
	{"sha512", 21, ISAR0, 12, 2},	{"asimdfhm", 23, ISAR0, 48, 1},
	{"ilrcpc", 26, ISAR1, 20, 2},	{"flagm", 27, ISAR0, 52, 1},
};

static u64 identity(enum word word)
{
	const struct time_page *page =
		(const struct time_page *)startup->time_page;

	return page ? page->identity[word] : 0;
}

static bool has(const struct feature *feature)
{
	u64 field = identity(feature->word) >> feature->shift & 15;

	// 15 in a field of PFR0: not even the least of it.
	return field >= feature->least &&
		!(feature->word == PFR0 && field == 15);
}

u64 cpu_capabilities(void)
{
	u64 bits = 0;

	for (u32 i = 0; i < ARRAY_COUNT(features); i++)
		if (has(&features[i]))
			bits |= BIT(features[i].bit);
	return bits;
}

bool cpu_random(u64 *word)
{
	u64 failed = 1;

	if (!(identity(ISAR0) >> RNDR_SHIFT))
		return false;
	for (u32 tries = 0; tries < 16 && failed; tries++)
		__asm__ volatile("mrs %0, s3_3_c2_c4_0; cset %1, eq"
				 : "=r"(*word), "=r"(failed)
				 :
				 : "cc");
	return !failed;
}

usize cpu_text(char *to, usize size, u32 number, u32 count)
{
	u64 frequency, midr = identity(MIDR);
	usize length;

	(void)count;
	__asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
	// Twice the counter's frequency, as Linux says it.
	length = format_text(
		to, size,
		"processor\t: %u\nBogoMIPS\t: %lu.%02lu\nFeatures\t:", number,
		frequency / 500000, frequency / 5000 % 100);
	for (u32 i = 0; i < ARRAY_COUNT(features) && length < size; i++)
		if (has(&features[i]))
			length += format_text(to + length, size - length, " %s",
					      features[i].name);
	length = MIN(length, size);
	length += format_text(
		to + length, size - length,
		"\nCPU implementer\t: 0x%02lx\nCPU architecture: 8\n"
		"CPU variant\t: 0x%lx\nCPU part\t: 0x%03lx\n"
		"CPU revision\t: %lu\n\n",
		midr >> 24 & 0xff, midr >> 20 & 15, midr >> 4 & 0xfff,
		midr & 15);
	return MIN(length, size);
}
