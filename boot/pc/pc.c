// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See pc.h.
#include "boot/pc/pc.h"
#include "boot/acpi/acpi.h"
#include "boot/handoff/handoff.h"
#include "boot/multiboot2/multiboot2.h"
#include "boot/program/program.h"
#include "boot/pvh/pvh.h"
#include "abi/constants.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define ROOM (2ull << 20) // that the kernel may want behind its image

static bool read_start(const struct boot_memory *memory, u64 start, u32 loader,
		       struct boot_info *info)
{
	u64 no_tree;

	if (loader == MULTIBOOT2_LOADER) {
		info->way = BOOT_WAY_MULTIBOOT2;
		return multiboot2_parse(memory, start, info);
	}
	if (handoff_here(memory, start))
		return handoff_parse(memory, start, info, &no_tree);
	info->way = BOOT_WAY_PVH;
	return pvh_parse(memory, start, info);
}

// GRUB may put the archive right behind the kernel, which needs the memory there
// for its page tables: move it to the end of the highest range that holds it.
static void keep_room(const struct boot_memory *memory, struct boot_info *info,
		      u64 image_end)
{
	u64 size = align_up(info->archive_size, PAGE_BYTES), best = 0;
	const u8 *from, *to;

	if (!info->archive_size || info->archive_start < image_end ||
	    info->archive_start - image_end >= ROOM)
		return;
	for (u32 i = 0; i < info->nranges; i++) {
		u64 start = info->range[i].start;
		u64 end = MIN(start + info->range[i].size, 1ull << 32);

		if (info->range[i].kind == BOOT_RANGE_USABLE && start < end &&
		    size <= end - start)
			best = MAX(best, align_down(end - size, PAGE_BYTES));
	}
	from = memory->view(memory->context, info->archive_start,
			    info->archive_size);
	to = memory->view(memory->context, best, info->archive_size);
	if (best <= info->archive_start || !from || !to)
		return;
	memmove((u8 *)to, from, info->archive_size);
	info->archive_start = best;
}

bool pc_read(const struct boot_memory *memory, u64 start, u32 loader,
	     u16 machine, u64 image_end, struct boot_info *info)
{
	if (!read_start(memory, start, loader, info))
		return false;
	// Firmware data and the start-up code of other CPUs live here.
	(void)boot_range_add(info, 0, 0x100000, BOOT_RANGE_RESERVED);
	boot_ranges_finish(info);
	keep_room(memory, info, image_end);
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
	boot_finish(memory, info, machine);
	return true;
}
