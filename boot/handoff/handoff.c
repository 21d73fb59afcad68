// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See handoff.h.
#include "boot/handoff/handoff.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define REALTIME_END 4102444800 // the year 2100

static_assert(sizeof(struct boot_range) == 24);
static_assert(OFFSET_OF(struct boot_handoff, framebuffer) == 48 &&
	      OFFSET_OF(struct boot_handoff, command_line) == 80 &&
	      OFFSET_OF(struct boot_handoff, range) == 1248);

bool handoff_here(const struct boot_memory *memory, u64 physical)
{
	const u8 *at = memory->view(memory->context, physical, 8);

	return at && load_le64(at) == HANDOFF_MAGIC;
}

static bool picture_ok(const struct boot_framebuffer *picture)
{
	u64 row = (u64)picture->width * 4, end;

	return (picture->pixels == BOOT_PIXELS_BGR ||
		picture->pixels == BOOT_PIXELS_RGB) &&
		picture->width && picture->height && row <= picture->pitch &&
		add_fits(picture->address, picture->size, &end) &&
		(u64)picture->pitch * picture->height <= picture->size;
}

bool handoff_parse(const struct boot_memory *memory, u64 physical,
		   struct boot_info *info, u64 *device_tree)
{
	static struct boot_handoff handoff; // large; start-up has one thread
	const u8 *at = memory->view(memory->context, physical, sizeof handoff);

	if (!at) {
		boot_warn(info, "handoff: lies outside memory");
		return false;
	}
	memcpy(&handoff, at, sizeof handoff);
	if (handoff.magic != HANDOFF_MAGIC || handoff.bytes != sizeof handoff ||
	    handoff.nranges == 0 || handoff.nranges > BOOT_RANGES) {
		boot_warn(info,
			  "handoff: not from a first stage of this version");
		return false;
	}
	handoff.command_line[sizeof handoff.command_line - 1] = 0;
	handoff.warnings[sizeof handoff.warnings - 1] = 0;
	if (handoff.warnings[0])
		boot_warn(info, handoff.warnings);
	strlcpy(info->command_line, handoff.command_line,
		sizeof info->command_line);
	info->way = handoff.way;
	info->archive_start = handoff.archive_start;
	info->archive_size = handoff.archive_size;
	info->acpi_rsdp = handoff.acpi_rsdp;
	if (handoff.realtime_seconds < REALTIME_END)
		info->realtime_seconds = handoff.realtime_seconds;
	if (picture_ok(&handoff.framebuffer))
		info->framebuffer = handoff.framebuffer;
	*device_tree = handoff.device_tree;
	for (u32 i = 0; i < handoff.nranges; i++)
		if (!boot_range_add(info, handoff.range[i].start,
				    handoff.range[i].size,
				    handoff.range[i].kind))
			break;
	return true;
}
