// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel's half of every address space:
//   ARCH_DIRECT_BASE   all memory, writable, never executable; the kernel's text
//                      and constants are read-only here too
//   ARCH_IMAGE_BASE    the image: text, constants, data on pages of their own
//   STACKS, DEVICES    kernel stacks with guard pages, device registers
// The last two share the image's top-level entry. All top-level entries are made
// here, so that a root copies them once. Until
// the frame allocator works, tables are taken from behind the image.
#include "kernel/arch/x86_64/x86.h"
#include "kernel/mm/frame.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define STACKS 0xffffffffd0000000ull
#define STACK_STRIDE (2 * STACK_BYTES)
#define DEVICES 0xffffffffe0000000ull
#define LARGE_BYTES 0x200000ull
#define HUGE_BYTES 0x40000000ull
#define LOW_BYTES 0x100000ull // BIOS data, trampoline

#define DATA_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_GLOBAL | PTE_NO_EXECUTE)
#define CONST_FLAGS (PTE_PRESENT | PTE_GLOBAL | PTE_NO_EXECUTE)
#define TEXT_FLAGS (PTE_PRESENT | PTE_GLOBAL)
#define DEVICE_FLAGS (DATA_FLAGS | PTE_UNCACHED | PTE_WRITE_THROUGH)

extern u8 image_start[], image_text_end[], image_rodata_end[], image_end[];
extern u8 boot_stack_guard[];

u64 kernel_root, trampoline_root;
static u64 early_next, early_limit; // early_limit 0: use the frame allocator
static u64 devices_next = DEVICES;

static u64 image_physical(const void *address)
{
	return (u64)address - ARCH_IMAGE_BASE;
}

static u64 *table_at(u64 physical)
{
	return arch_direct((struct paddr){ physical });
}

static u64 table_alloc(void)
{
	struct paddr frame;

	if (early_limit) {
		if (early_next == early_limit)
			panic("no memory behind the kernel for page tables");
		frame.value = early_next;
		early_next += PAGE_BYTES;
	} else if (frame_alloc(0, &frame) != STATUS_OK) {
		panic("no memory for the kernel's page tables");
	}
	memset(table_at(frame.value), 0, PAGE_BYTES);
	return frame.value;
}

// The table entry that maps address with pages of 2^(12 + 9 * level) bytes;
// tables on the way are made.
static u64 *entry_for(u64 root, u64 address, u32 level)
{
	u64 *table = table_at(root);

	for (u32 at = PT_LEVELS - 1; at > level; at--) {
		u64 *entry = &table[address >> (12 + 9 * at) & 511];

		if (!(*entry & PTE_PRESENT))
			*entry = table_alloc() | PTE_PRESENT | PTE_WRITE;
		kassert(!(*entry & PTE_LARGE));
		table = table_at(*entry & PTE_FRAME);
	}
	return &table[address >> (12 + 9 * level) & 511];
}

static u32 level_for(u64 address, u64 physical, u64 bytes)
{
	u64 both = address | physical;

	if (cpu_features.gigabyte_pages && is_aligned(both, HUGE_BYTES) &&
	    bytes >= HUGE_BYTES)
		return 2;
	return is_aligned(both, LARGE_BYTES) && bytes >= LARGE_BYTES ? 1 : 0;
}

// All three are multiples of the page size.
static void map(u64 root, u64 address, u64 physical, u64 bytes, u64 flags)
{
	while (bytes) {
		u32 level = level_for(address, physical, bytes);
		u64 step = 1ull << (12 + 9 * level);

		*entry_for(root, address, level) =
			physical | flags | (level ? PTE_LARGE : 0);
		address += step;
		physical += step;
		bytes -= step;
	}
}

static void map_direct(u64 start, u64 end, u64 flags)
{
	if (start < end)
		map(kernel_root, ARCH_DIRECT_BASE + start, start, end - start,
		    flags);
}

// Map memory but for [hole_start, hole_end).
static void map_around(u64 start, u64 end, u64 hole_start, u64 hole_end)
{
	map_direct(start, MIN(end, MAX(start, hole_start)), DATA_FLAGS);
	map_direct(MAX(start, MIN(end, hole_end)), end, DATA_FLAGS);
}

static void map_image(const u8 *start, const u8 *end, u64 flags)
{
	map(kernel_root, (u64)start, image_physical(start), (u64)(end - start),
	    flags);
}

// Where tables come from: behind the image, up to the end of its memory range
// or the archive.
static void early_begin(const struct boot_info *info)
{
	u64 start = image_physical(image_end);

	for (u32 i = 0; i < info->nranges; i++) {
		const struct boot_range *range = &info->range[i];

		if (range->kind == BOOT_RANGE_USABLE &&
		    range->start <= start && start - range->start < range->size)
			early_limit = range->start + range->size;
	}
	if (info->archive_size && info->archive_start >= start)
		early_limit = MIN(early_limit, align_down(info->archive_start,
							  PAGE_BYTES));
	early_limit = MIN(early_limit, 4 * HUGE_BYTES); // boot tables end there
	if (early_limit <= start)
		panic("the kernel is not loaded into usable memory");
	early_next = start;
}

static void map_trampoline(void)
{
	memcpy(table_at(trampoline_root), table_at(kernel_root), PAGE_BYTES);
	*entry_for(trampoline_root, TRAMPOLINE, 0) =
		TRAMPOLINE | PTE_PRESENT; // executable at its own address
}

void paging_init(struct boot_info *info)
{
	u64 read_only = image_physical(image_start);
	u64 writable = image_physical(image_rodata_end);

	early_begin(info);
	kernel_root = table_alloc();
	trampoline_root = table_alloc();
	map_around(0, LOW_BYTES, read_only, writable);
	for (u32 i = 0; i < info->nranges; i++) {
		u64 start = align_down(info->range[i].start, PAGE_BYTES);
		u64 end = align_up(info->range[i].start + info->range[i].size,
				   PAGE_BYTES);

		if (info->range[i].kind != BOOT_RANGE_RESERVED)
			map_around(MAX(start, LOW_BYTES), end, read_only,
				   writable);
	}
	map_direct(read_only, writable, CONST_FLAGS);
	map_image(image_start, image_text_end, TEXT_FLAGS);
	map_image(image_text_end, image_rodata_end, CONST_FLAGS);
	map_image(image_rodata_end, image_end, DATA_FLAGS);
	*entry_for(kernel_root, (u64)boot_stack_guard, 0) = 0;
	map_trampoline();
	write_cr(3, kernel_root);
	info->kernel_start = read_only;
}

void arch_root_init(struct paddr root)
{
	memcpy(table_at(root.value) + PT_ENTRIES / 2,
	       table_at(kernel_root) + PT_ENTRIES / 2, PAGE_BYTES / 2);
}

void *paging_map_device(u64 physical, u64 bytes)
{
	u64 start = align_down(physical, PAGE_BYTES);
	u64 end = align_up(physical + bytes, PAGE_BYTES);
	u64 at = devices_next;

	map(kernel_root, at, start, end - start, DEVICE_FLAGS);
	devices_next += end - start;
	return (void *)(at + physical - start);
}

u64 arch_cpu_stack(u32 number)
{
	u64 top = STACKS + (u64)(number + 1) * STACK_STRIDE;

	for (u64 at = top - STACK_BYTES; at < top; at += PAGE_BYTES)
		*entry_for(kernel_root, at, 0) = table_alloc() | DATA_FLAGS;
	return top;
}

void paging_finish(struct boot_info *info)
{
	info->kernel_end = early_next;
	early_limit = 0; // from now on the frame allocator is asked
}
