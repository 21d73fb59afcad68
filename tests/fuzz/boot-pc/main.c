// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What boot loaders leave on a PC, from a hostile hand: PVH's start info,
// Multiboot2's tags, our own handoff. The input is the memory, which begins with
// the structure; all that follows from it (ACPI tables, boot archive, first
// program) lies in the same memory, or outside. Whatever it says: no access
// outside (the sanitizers watch), and a memory map that is sorted, without overlap
// and of whole usable pages.
#include <stdlib.h>

#include "abi/constants.h"
#include "boot/handoff/handoff.h"
#include "boot/multiboot2/multiboot2.h"
#include "boot/pc/pc.h"
#include "boot/program/program.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define BASE 0x100000
#define MACHINE 62 // x86-64

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

static void check_map(const struct boot_info *info)
{
	u64 end = 0;

	if (info->nranges > BOOT_RANGES)
		abort();
	for (u32 i = 0; i < info->nranges; i++) {
		const struct boot_range *range = &info->range[i];

		if (range->start < end || !range->size ||
		    !add_fits(range->start, range->size, &end))
			abort();
		if (range->kind == BOOT_RANGE_USABLE &&
		    (!is_aligned(range->start, PAGE_BYTES) ||
		     !is_aligned(range->size, PAGE_BYTES)))
			abort();
	}
}

static void check_program(const struct boot_info *info)
{
	const struct boot_program *program = &info->program;

	if (program->nsegments > BOOT_SEGMENTS)
		abort();
	for (u32 i = 0; i < program->nsegments; i++) {
		const struct boot_segment *segment = &program->segment[i];

		if (segment->data_bytes > segment->memory_bytes ||
		    !view(nullptr, segment->data, segment->data_bytes))
			abort();
	}
}

// The magic numbers and sizes that a fuzzer would have to guess
static u32 prepare(u8 way)
{
	u8 *at = memory.at;

	switch (way & 3) {
	case 0:
		store_le32(at, 0x336ec578);
		store_le32(at + 4, 1);
		if (way & 4) { // a memory map right behind
			store_le64(at + 40, BASE + 56);
			store_le32(at + 48, (way >> 3) * 2);
		}
		if (way & 8) { // command line and archive in the same place
			store_le64(at + 24, BASE + 56);
			store_le32(at + 12, 1);
			store_le64(at + 16, BASE + 32);
		}
		return 0;
	case 1:
		if (way & 4)
			store_le32(at, (u32)memory.bytes);
		return MULTIBOOT2_LOADER;
	default:
		store_le64(at, HANDOFF_MAGIC);
		store_le32(at + 8, sizeof(struct boot_handoff));
		if (way & 4)
			store_le32(at + OFFSET_OF(struct boot_handoff, nranges),
				   way >> 3);
		return 0;
	}
}

// The first program's file, and the words of the command line.
static void other_parts(const struct boot_memory *seen, struct boot_info *info)
{
	struct boot_program program = {};
	u8 *at = memory.at;

	memcpy(info->command_line, at,
	       MIN(memory.bytes, sizeof info->command_line - 1));
	memcpy(info->program.name, "root", 5);
	boot_check_words(info);
	memcpy(at, "\177ELF\2\1\1", 7);
	store_le16(at + 16, 2);
	store_le16(at + 18, MACHINE);
	store_le16(at + 54, 56);
	if (program_check(seen->view(seen->context, BASE, memory.bytes),
			  memory.bytes, BASE, MACHINE, &program))
		info->program = program;
	check_program(info);
}

int LLVMFuzzerTestOneInput(const u8 *data, usize bytes)
{
	static struct boot_info info;
	const struct boot_memory seen = {view, nullptr};
	u32 loader;

	if (bytes < 65)
		return 0;
	memory.bytes = bytes - 1;
	if ((data[0] & 3) == 2) // a handoff is long: what is missing is 0
		memory.bytes += sizeof(struct boot_handoff);
	memory.at = calloc(1, memory.bytes);
	memcpy(memory.at, data + 1, bytes - 1);
	memset(&info, 0, sizeof info);
	loader = (data[0] & 3) < 3 ? prepare(data[0]) : 0;
	if ((data[0] & 3) == 3) {
		other_parts(&seen, &info);
	} else if (pc_read(&seen, BASE, loader, MACHINE, BASE + 64, &info)) {
		check_map(&info);
		check_program(&info);
	}
	if (strnlen(info.command_line, sizeof info.command_line) ==
		    sizeof info.command_line ||
	    strnlen(info.warnings, sizeof info.warnings) ==
		    sizeof info.warnings)
		abort();
	free(memory.at);
	return 0;
}
