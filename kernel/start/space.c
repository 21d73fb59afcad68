// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See space.h. Top-level entries are all made in space_init(), so that roots copy
// them once, and so is the table for stacks: afterwards no table is missing.
#include "kernel/start/space.h"
#include "boot/boot_info.h"
#include "kernel/mm/frame.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define STACKS 0xffffffffd0000000ull
#define STACK_STRIDE (2ull * STACK_BYTES)
#define STACK_ORDER 2
#define LEVEL_BITS(level) (PAGE_BITS + 9 * (level))

static_assert(PAGE_BYTES << STACK_ORDER == STACK_BYTES &&
	      BOOT_CPUS * STACK_STRIDE <= 1ull << LEVEL_BITS(1));

extern u8 image_start[], image_text_end[], image_rodata_end[], image_end[];
extern u8 boot_stack_guard[];

static struct boot_info *info;
static u64 top;

u64 image_physical(const void *address)
{
	return (u64)address - (u64)image_start + info->kernel_start;
}

u64 space_table(void)
{
	u64 table = info->kernel_end;

	kassert(!frames_total());
	if (table >= info->room_end)
		panic("no memory behind the kernel for page tables");
	info->kernel_end += PAGE_BYTES;
	memset(arch_direct((struct paddr){table}), 0, PAGE_BYTES);
	return table;
}

// The entry that maps address with pages of 2^LEVEL_BITS(level) bytes.
static u64 *entry_for(u64 root, u64 address, u32 level)
{
	struct paddr table = {root};
	u64 *entry;

	for (u32 at = KERNEL_LEVELS - 1;; at--) {
		entry = (u64 *)arch_direct(table) +
			(address >> LEVEL_BITS(at) & (PT_ENTRIES - 1));
		if (at == level)
			return entry;
		if (!arch_pte_present(*entry))
			*entry = arch_pte_table((struct paddr){space_table()});
		kassert(arch_pte_is_table(*entry));
		table = arch_pte_frame(*entry);
	}
}

void space_map(u64 root, u64 address, u64 start, u64 end,
	       enum kernel_page page)
{
	for (u64 step; start < end; start += step, address += step) {
		u32 level = 3;
		u64 entry;

		do { // the largest page that fits
			step = 1ull << LEVEL_BITS(--level);
			entry = arch_pte_kernel(start, page, level);
		} while (level && (!entry || end - start < step ||
				   !is_aligned(address | start, step)));
		*entry_for(root, address, level) = entry;
		arch_flush_page(address);
	}
}

static void map_direct(u64 start, u64 end, enum kernel_page page)
{
	space_map(top, ARCH_DIRECT_BASE + start, start,
		  MIN(end, ARCH_DIRECT_BYTES), page);
}

static void map_image(const u8 *start, const u8 *end, enum kernel_page page)
{
	space_map(top, (u64)start, image_physical(start), image_physical(end),
		  page);
}

u64 space_init(struct boot_info *boot)
{
	u64 hole, hole_end;

	info = boot;
	hole = image_physical(image_start);
	hole_end = image_physical(image_rodata_end);
	top = space_table();
	for (u32 i = 0; i < info->nranges; i++) {
		const struct boot_range *range = &info->range[i];
		u64 start = align_down(range->start, PAGE_BYTES);
		u64 end = align_up(range->start + range->size, PAGE_BYTES);

		if (range->kind == BOOT_RANGE_RESERVED)
			continue;
		map_direct(start, MIN(end, MAX(start, hole)), PAGE_DATA);
		map_direct(MAX(start, MIN(end, hole_end)), end, PAGE_DATA);
	}
	map_direct(hole, hole_end, PAGE_CONST);
	map_image(image_start, image_text_end, PAGE_TEXT);
	map_image(image_text_end, image_rodata_end, PAGE_CONST);
	map_image(image_rodata_end, image_end, PAGE_DATA);
	*entry_for(top, (u64)boot_stack_guard, 0) = 0;
	(void)entry_for(top, STACKS, 0);
	return top;
}

void *space_map_device(u64 physical, u64 bytes)
{
	map_direct(align_down(physical, PAGE_BYTES),
		   align_up(physical + bytes, PAGE_BYTES), PAGE_DEVICE);
	return arch_direct((struct paddr){physical});
}

u64 space_stack(u32 number)
{
	u64 end = STACKS + (number + 1) * STACK_STRIDE;
	struct paddr frame;

	if (frame_alloc(STACK_ORDER, &frame) != STATUS_OK)
		return 0;
	space_map(top, end - STACK_BYTES, frame.value,
		  frame.value + STACK_BYTES, PAGE_DATA);
	return end;
}
