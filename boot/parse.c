// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See parse.h.
#include "boot/parse.h"
#include "abi/constants.h"
#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/string.h"

void boot_warn(struct boot_info *info, const char *text)
{
	strlcat(info->warnings, text, sizeof(info->warnings));
	strlcat(info->warnings, "\n", sizeof(info->warnings));
}

void boot_say_way(struct boot_info *info)
{
	static const char names[][13] = {"unknown", "PVH",  "Multiboot2",
					 "UEFI",    "BIOS", "Image header"};
	const struct boot_framebuffer *picture = &info->framebuffer;
	char text[96];

	format_text(text, sizeof text, "started by %s",
		    names[info->way < ARRAY_COUNT(names) ? info->way : 0]);
	boot_warn(info, text);
	if (!picture->pixels)
		return;
	format_text(text, sizeof text, "picture of %u x %u at %#lx",
		    picture->width, picture->height, picture->address);
	boot_warn(info, text);
	// The kernel has no use for it: it travels as a word.
	format_text(text, sizeof text, " framebuffer=0x%lx:%u:%u:%u:%s",
		    picture->address, picture->width, picture->height,
		    picture->pitch,
		    picture->pixels == BOOT_PIXELS_RGB ? "rgb" : "bgr");
	if (strlen(info->command_line) + strlen(text) <
	    sizeof info->command_line)
		strlcat(info->command_line, text, sizeof info->command_line);
}

bool boot_range_add(struct boot_info *info, u64 start, u64 size,
		    enum boot_range_kind kind)
{
	u64 end;

	if (size == 0)
		return true;
	if (!add_fits(start, size, &end)) {
		boot_warn(info, "memory map: a range wraps around: ignored");
		return true;
	}
	if (info->nranges == BOOT_RANGES) {
		boot_warn(info, "memory map: too many ranges: some ignored");
		return false;
	}
	if (kind != BOOT_RANGE_USABLE && kind != BOOT_RANGE_ACPI)
		kind = BOOT_RANGE_RESERVED;
	info->range[info->nranges++] = (struct boot_range){start, size, kind};
	return true;
}

// What the firmware says about the bytes from point to the next boundary, which
// becomes *next: 0 when it says nothing. Later kinds of the order
// usable < ACPI < reserved win.
static u32 kind_at(const struct boot_range *range, u32 nranges, u64 point,
		   u64 *next)
{
	u32 kind = 0;

	*next = ~0ull;
	for (u32 i = 0; i < nranges; i++) {
		u64 start = range[i].start, end = start + range[i].size;

		if (start > point)
			*next = MIN(*next, start);
		if (start > point || end <= point)
			continue;
		*next = MIN(*next, end);
		if (range[i].kind == BOOT_RANGE_RESERVED || kind == 0 ||
		    (range[i].kind == BOOT_RANGE_ACPI &&
		     kind == BOOT_RANGE_USABLE))
			kind = range[i].kind;
	}
	return kind;
}

void boot_ranges_finish(struct boot_info *info)
{
	static struct boot_range raw[BOOT_RANGES];
	u32 nraw = info->nranges;
	u64 point = 0, next;

	memcpy(raw, info->range, nraw * sizeof(raw[0]));
	info->nranges = 0;
	for (; point != ~0ull; point = next) {
		u32 kind = kind_at(raw, nraw, point, &next);
		u64 start = point, end = next;
		struct boot_range *last = info->nranges
			? &info->range[info->nranges - 1]
			: nullptr;

		if (kind == 0)
			continue;
		if (last && last->kind == kind &&
		    last->start + last->size == start) {
			last->size += end - start;
			continue;
		}
		if (!boot_range_add(info, start, end - start, kind))
			break;
	}
	// Whole pages only; a usable range may vanish.
	u32 kept = 0;
	for (u32 i = 0; i < info->nranges; i++) {
		struct boot_range range = info->range[i];

		if (range.kind == BOOT_RANGE_USABLE) {
			u64 end = align_down(range.start + range.size,
					     PAGE_BYTES);
			range.start = align_up(range.start, PAGE_BYTES);
			if (end <= range.start)
				continue;
			range.size = end - range.start;
		}
		info->range[kept++] = range;
	}
	info->nranges = kept;
}

void boot_room(struct boot_info *info, u64 start, u64 end, u64 limit)
{
	info->kernel_start = start;
	info->kernel_end = info->room_end = end;
	for (u32 i = 0; i < info->nranges; i++) {
		const struct boot_range *range = &info->range[i];

		if (range->kind == BOOT_RANGE_USABLE && range->start <= end &&
		    end - range->start < range->size)
			info->room_end = range->start + range->size;
	}
	if (info->archive_size && info->archive_start >= end)
		limit = MIN(limit, align_down(info->archive_start, PAGE_BYTES));
	info->room_end = MIN(info->room_end, limit);
}
