// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See fdt_read.h.
#include "boot/fdt/fdt_read.h"
#include "boot/handoff/handoff.h"

bool fdt_start(const struct boot_memory *memory, u64 start,
	       struct boot_info *info)
{
	u64 tree = start;

	info->way = BOOT_WAY_IMAGE;
	if (handoff_here(memory, start) &&
	    !handoff_parse(memory, start, info, &tree))
		return false;
	if (!tree && info->acpi_rsdp) {
		boot_ranges_finish(info);
		return true; // the caller reads the tables when it sees them
	}
	return fdt_read(memory, tree, info);
}
