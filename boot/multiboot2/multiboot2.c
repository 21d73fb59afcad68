// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See multiboot2.h. Tags and offsets: Multiboot2 Specification 2.0, 3.6.
#include "boot/multiboot2/multiboot2.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define BYTES_MAX (1u << 20)
#define HEADER_BYTES 8

enum tag_type : u32 {
	TAG_END = 0,
	TAG_COMMAND_LINE = 1,
	TAG_MODULE = 3,
	TAG_MEMORY_MAP = 6,
	TAG_PICTURE = 8,
	TAG_ACPI_1 = 14, // a copy of the root pointer
	TAG_ACPI_2 = 15,
};

static void read_command_line(struct boot_info *info, const u8 *text, u32 bytes)
{
	u32 length = MIN(bytes, (u32)sizeof info->command_line - 1);

	memcpy(info->command_line, text, length);
	info->command_line[length] = 0;
	if (length < bytes && text[length])
		boot_warn(info, "command line cut");
}

// Kinds of the map are those of INT 15h, E820h.
static void read_map(struct boot_info *info, const u8 *tag, u32 bytes)
{
	u32 entry_bytes = bytes >= 16 ? load_le32(tag + 8) : 0;

	if (entry_bytes < 24)
		return;
	for (u32 at = 16; entry_bytes <= bytes - at; at += entry_bytes) {
		u32 type = load_le32(tag + at + 16);

		if (!boot_range_add(info, load_le64(tag + at),
				    load_le64(tag + at + 8),
				    type == 1 ? BOOT_RANGE_USABLE
					    : type == 3 || type == 4
					    ? BOOT_RANGE_ACPI
					    : BOOT_RANGE_RESERVED))
			return;
	}
}

// Direct colours of 32 bits, and where red is in them
static void read_picture(struct boot_info *info, const u8 *tag, u32 bytes)
{
	u64 rows;

	if (bytes < 38 || tag[28] != 32 || tag[29] != 1 || tag[33] != 8 ||
	    (tag[32] != 0 && tag[32] != 16))
		return;
	rows = load_le32(tag + 24);
	info->framebuffer = (struct boot_framebuffer){
		.address = load_le64(tag + 8),
		.size = load_le32(tag + 16) * rows,
		.pitch = load_le32(tag + 16),
		.width = load_le32(tag + 20),
		.height = (u32)rows,
		.pixels = tag[32] ? BOOT_PIXELS_BGR : BOOT_PIXELS_RGB,
	};
}

static void read_tag(struct boot_info *info, const u8 *tag, u32 bytes,
		     u64 physical)
{
	switch (load_le32(tag)) {
	case TAG_COMMAND_LINE:
		read_command_line(info, tag + 8, bytes - HEADER_BYTES);
		break;
	case TAG_MODULE:
		if (bytes < 16 || info->archive_size ||
		    load_le32(tag + 12) <= load_le32(tag + 8))
			break;
		info->archive_start = load_le32(tag + 8);
		info->archive_size = load_le32(tag + 12) - load_le32(tag + 8);
		break;
	case TAG_MEMORY_MAP:
		read_map(info, tag, bytes);
		break;
	case TAG_PICTURE:
		read_picture(info, tag, bytes);
		break;
	case TAG_ACPI_1:
		if (!info->acpi_rsdp)
			info->acpi_rsdp = physical + HEADER_BYTES;
		break;
	case TAG_ACPI_2:
		info->acpi_rsdp = physical + HEADER_BYTES;
		break;
	}
}

bool multiboot2_parse(const struct boot_memory *memory, u64 start,
		      struct boot_info *info)
{
	const u8 *tags = memory->view(memory->context, start, HEADER_BYTES);
	u32 total = tags ? load_le32(tags) : 0;

	if (total < HEADER_BYTES || total > BYTES_MAX ||
	    !(tags = memory->view(memory->context, start, total))) {
		boot_warn(info, "Multiboot2: no boot information");
		return false;
	}
	for (u32 at = HEADER_BYTES; range_within(at, HEADER_BYTES, total);) {
		u32 bytes = load_le32(tags + at + 4);

		if (load_le32(tags + at) == TAG_END)
			break;
		if (bytes < HEADER_BYTES || bytes > total - at) {
			boot_warn(info, "Multiboot2: bad tag: rest ignored");
			break;
		}
		read_tag(info, tags + at, bytes, start + at);
		at = (u32)align_up(at + bytes, 8);
	}
	if (info->nranges == 0)
		boot_warn(info, "Multiboot2: no memory map");
	return info->nranges != 0;
}
