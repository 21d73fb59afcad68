// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See pc.h.
#include "boot/pc/pc.h"
#include "boot/acpi/acpi.h"
#include "boot/handoff/handoff.h"
#include "boot/program/program.h"
#include "boot/pvh/pvh.h"

static bool read_start(const struct boot_memory *memory, u64 start, u32 loader,
		       struct boot_info *info)
{
	u64 no_tree;

	(void)loader;
	if (handoff_here(memory, start))
		return handoff_parse(memory, start, info, &no_tree);
	info->way = BOOT_WAY_PVH;
	return pvh_parse(memory, start, info);
}

bool pc_read(const struct boot_memory *memory, u64 start, u32 loader,
	     u16 machine, struct boot_info *info)
{
	if (!read_start(memory, start, loader, info))
		return false;
	// Firmware data and the start-up code of other CPUs live here.
	(void)boot_range_add(info, 0, 0x100000, BOOT_RANGE_RESERVED);
	boot_ranges_finish(info);
	if (!info->acpi_rsdp)
		info->acpi_rsdp = acpi_find_root(memory);
	(void)acpi_parse(memory, info);
	info->serial = (struct boot_serial){
		// COM1
		.kind = BOOT_SERIAL_16550_PORTS,
		.bytes = 8,
		.address = 0x3f8,
		.stride = 1,
		.line = info->isa_irq[4].line,
		.flags = info->isa_irq[4].flags,
	};
	boot_say_way(info);
	(void)program_find(memory, info, machine);
	return true;
}
