// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See pvh.h. Layout: xen/include/public/arch-x86/hvm/start_info.h.
#include "boot/pvh/pvh.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define MAGIC 0x336ec578u
#define INFO_BYTES 56
#define MODULE_BYTES 32
#define MAP_ENTRY_BYTES 24

static const u8 *view(const struct boot_memory *memory, u64 physical,
		      u64 length)
{
	return memory->view(memory->context, physical, length);
}

static void copy_command_line(const struct boot_memory *memory, u64 physical,
			      struct boot_info *info)
{
	u32 i = 0;

	for (; i < sizeof(info->command_line) - 1; i++) {
		const u8 *byte = view(memory, physical + i, 1);

		if (!byte || !*byte)
			break;
		info->command_line[i] = (char)*byte;
	}
	info->command_line[i] = 0;
	if (i == sizeof(info->command_line) - 1)
		boot_warn(info, "command line cut");
}

// Kinds of the map are those of INT 15h, E820h.
static enum boot_range_kind range_kind(u32 type)
{
	return type == 1 ? BOOT_RANGE_USABLE :
	       type == 3 || type == 4 ? BOOT_RANGE_ACPI : BOOT_RANGE_RESERVED;
}

bool pvh_parse(const struct boot_memory *memory, u64 start_info,
	       struct boot_info *info)
{
	const u8 *start = view(memory, start_info, INFO_BYTES);
	const u8 *module, *entry;
	u64 map;
	u32 nentries;

	if (!start || load_le32(start) != MAGIC || load_le32(start + 4) < 1) {
		boot_warn(info, "PVH: no start info of version 1 or later");
		return false;
	}
	if (load_le64(start + 24))
		copy_command_line(memory, load_le64(start + 24), info);
	info->acpi_rsdp = load_le64(start + 32);
	if (load_le32(start + 12)) {
		module = view(memory, load_le64(start + 16), MODULE_BYTES);
		if (module) {
			info->archive_start = load_le64(module);
			info->archive_size = load_le64(module + 8);
		}
	}
	map = load_le64(start + 40);
	nentries = load_le32(start + 48);
	for (u32 i = 0; i < nentries && i < 1024; i++) {
		entry = view(memory, map + (u64)i * MAP_ENTRY_BYTES,
			     MAP_ENTRY_BYTES);
		if (!entry || !boot_range_add(info, load_le64(entry),
					      load_le64(entry + 8),
					      range_kind(load_le32(entry + 16))))
			break;
	}
	if (info->nranges == 0)
		boot_warn(info, "PVH: no memory map");
	return info->nranges != 0;
}
