// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// ACPI tables from a hostile hand. The input is the memory they lie in, with a root
// pointer at its start; a row of bytes before it says which places are to look like
// tables: get a signature, a length, a right checksum, a pointer from the table of
// tables (a fuzzer does not guess a checksum). Pointers may form loops, tables may
// overlap. Memory is of the exact size, so the sanitizers see what reads outside.
#include <stdlib.h>

#include "boot/acpi/acpi.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define BASE 0x1000 // physical address of the memory
#define TABLES 8
#define LIST 64 // offset of the table of tables
#define FIRST 192
#define SPAN 256

static struct {
	u8 *at;
	u64 bytes;
} memory;

static const u8 *view(void *, u64 physical, u64 length)
{
	return physical >= BASE &&
			range_within(physical - BASE, length, memory.bytes)
		? memory.at + (physical - BASE)
		: nullptr;
}

static void fix_sum(u64 at, u64 length, u64 sum_at)
{
	u8 sum = 0;

	if (!range_within(at, length, memory.bytes) || length <= sum_at)
		return;
	memory.at[at + sum_at] = 0;
	for (u64 i = 0; i < length; i++)
		sum += memory.at[at + i];
	memory.at[at + sum_at] = (u8)-sum;
}

// plan: 3 bits of signature; leave the length; leave the sum; 3 bits of length
static void make_table(u32 n, u8 plan)
{
	static const char names[][5] = {"APIC", "FACP", "MCFG", "HPET",
					"DSDT", "XSDT", "GTDT", "SPCR"};
	u64 at = FIRST + n * SPAN;
	u32 length = 36 + (plan >> 5) * 30;

	if (!range_within(at, length, memory.bytes))
		return;
	memcpy(memory.at + at, names[plan & 7], 4);
	if (!(plan & 8))
		store_le32(memory.at + at + 4, length);
	if (!(plan & 16))
		fix_sum(at, load_le32(memory.at + at + 4), 9);
	store_le64(memory.at + LIST + 36 + n * 8, BASE + at);
}

static void make_roots(u8 plan, u32 ntables)
{
	memcpy(memory.at, "RSD PTR ", 8);
	memory.at[15] = plan & 1 ? 0 : 2;
	store_le32(memory.at + 16, BASE + LIST);
	store_le64(memory.at + 24, BASE + LIST);
	fix_sum(0, 20, 8);
	fix_sum(0, 36, 32);
	memcpy(memory.at + LIST, plan & 1 ? "RSDT" : "XSDT", 4);
	store_le32(memory.at + LIST + 4, 36 + ntables * 8);
	if (!(plan & 2))
		fix_sum(LIST, 36 + ntables * 8, 9);
}

static void check(const struct boot_info *info)
{
	if (info->ncpus > BOOT_CPUS || info->nioapics > 8 ||
	    info->ecam_first_bus > info->ecam_last_bus ||
	    strnlen(info->warnings, sizeof info->warnings) ==
		    sizeof info->warnings ||
	    info->sleep_type_off > 7)
		abort();
	for (u32 i = 0; i < info->ncpus; i++)
		for (u32 k = 0; k < i; k++)
			if (info->cpu[i].hardware_id ==
			    info->cpu[k].hardware_id)
				abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, usize bytes)
{
	static struct boot_info info;
	const struct boot_memory seen = {view, nullptr};

	if (bytes < 1 + TABLES + FIRST)
		return 0;
	memory.bytes = bytes - 1 - TABLES;
	memory.at = malloc(memory.bytes);
	memcpy(memory.at, data + 1 + TABLES, memory.bytes);
	for (u32 i = 0; i < TABLES; i++)
		make_table(i, data[1 + i]);
	if (!(data[0] & 32))
		make_roots(data[0], TABLES);
	memset(&info, 0, sizeof info);
	info.acpi_rsdp = BASE + (data[0] & 64 ? data[0] & 31 : 0);
	(void)acpi_parse(&seen, &info);
	check(&info);
	free(memory.at);
	return 0;
}
