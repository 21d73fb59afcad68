// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the ways of booting share: how parsers of firmware structures see memory,
// and the memory map. Everything here compiles for the host too.
#ifndef BOOT_PARSE_H
#define BOOT_PARSE_H
#include "boot/boot_info.h"

// A pointer to length bytes of physical memory, or NULL if they cannot be seen.
// What it points to need not be aligned.
struct boot_memory {
	const u8 *(*view)(void *context, u64 physical, u64 length);
	void *context;
};

// Append a line to info->warnings; what does not fit is cut.
void boot_warn(struct boot_info *info, const char *text);

// A line about the way in and the picture.
void boot_say_way(struct boot_info *info);

// The kernel's image is at these addresses: where it is and what room is behind it,
// at most to limit. Needs the finished map.
void boot_room(struct boot_info *info, u64 start, u64 end, u64 limit);

// Fill in info->fact from what the firmware's parsers found.
void boot_facts(struct boot_info *info);

// Warn of words of the command line that are not in boot/words.def, unless the
// first program is not root.
void boot_check_words(struct boot_info *info);

// Add a range to the map. False and a warning when the table is full. Ranges may
// come in any order and overlap until boot_ranges_finish().
bool boot_range_add(struct boot_info *info, u64 start, u64 size,
		    enum boot_range_kind kind);

// Sort, and where ranges overlap let the more restricted kind win (reserved,
// ACPI, usable). Usable ranges shrink to whole pages.
void boot_ranges_finish(struct boot_info *info);
#endif
