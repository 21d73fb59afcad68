// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel's half of the address space, which TTBR1 translates; user space is
// TTBR0's, so its roots hold nothing of the kernel:
//   ARCH_DIRECT_BASE   all memory, writable, never executable; the kernel's text
//                      and constants are read-only here too
//   ARCH_IMAGE_BASE    the image: text, constants, data on pages of their own
//   STACKS, DEVICES    kernel stacks with guard pages, device registers
// Until the frame allocator works, tables are taken from behind the image. User
// entries have the address-space numbers 0 and, of guests, 1, and go when another
// address space is loaded; the kernel's are global.
#include "kernel/arch/aarch64/aarch64.h"
#include "kernel/mm/frame.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define STACKS 0xffffffffd0000000ull
#define STACK_STRIDE (2 * STACK_BYTES)
#define DEVICES 0xffffffffe0000000ull
#define LARGE_BYTES 0x200000ull
#define HUGE_BYTES 0x40000000ull

#define DATA_FLAGS                                                             \
	(PTE_VALID | PTE_SHARED | PTE_ACCESSED | PTE_NO_KERNEL_EXECUTE |       \
	 PTE_NO_USER_EXECUTE)
#define CONST_FLAGS (DATA_FLAGS | PTE_READ_ONLY)
#define TEXT_FLAGS (CONST_FLAGS & ~PTE_NO_KERNEL_EXECUTE)
#define DEVICE_FLAGS (DATA_FLAGS | PTE_DEVICE)
#define COHERENT (BIT(28) | BIT(29)) // CTR_EL0: no maintenance for code

extern u8 image_start[], image_text_end[], image_rodata_end[], image_end[];
extern u8 boot_stack_guard[];

u64 kernel_root, empty_root;
static u64 image_at; // physical address of image_start
static u64 early_next, early_limit; // early_limit 0: use the frame allocator
static u64 devices_next = DEVICES;

u64 paging_image_physical(const void *address)
{
	return (u64)address - (u64)image_start + image_at;
}

static u64 *table_at(u64 physical)
{
	return arch_direct((struct paddr){physical});
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

		if (!(*entry & PTE_VALID))
			*entry = table_alloc() | PTE_VALID | PTE_TABLE;
		kassert(*entry & PTE_TABLE);
		table = table_at(*entry & PTE_FRAME);
	}
	return &table[address >> (12 + 9 * level) & 511];
}

static u32 level_for(u64 address, u64 physical, u64 bytes)
{
	u64 both = address | physical;

	if (is_aligned(both, HUGE_BYTES) && bytes >= HUGE_BYTES)
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
			physical | flags | (level ? 0 : PTE_TABLE);
		address += step;
		physical += step;
		bytes -= step;
	}
	barrier_data(ishst);
	barrier_instructions();
}

static void map_direct(u64 start, u64 end, u64 flags)
{
	if (start < end)
		map(kernel_root, ARCH_DIRECT_BASE + start, start, end - start,
		    flags);
}

static void map_image(const u8 *start, const u8 *end, u64 flags)
{
	map(kernel_root, (u64)start, paging_image_physical(start),
	    end - start, flags);
}

// Where tables come from: behind the image, up to the end of its memory range or
// the archive, and of what boot.S maps.
static void early_begin(const struct boot_info *info)
{
	u64 start = paging_image_physical(image_end);

	for (u32 i = 0; i < info->nranges; i++) {
		const struct boot_range *range = &info->range[i];

		if (range->kind == BOOT_RANGE_USABLE &&
		    range->start <= start && start - range->start < range->size)
			early_limit = range->start + range->size;
	}
	if (info->archive_size && info->archive_start >= start)
		early_limit = MIN(early_limit, align_down(info->archive_start,
							  PAGE_BYTES));
	early_limit = MIN(early_limit, align_down(image_at, HUGE_BYTES) +
					       HUGE_BYTES);
	if (early_limit <= start)
		panic("the kernel is not loaded into usable memory");
	early_next = start;
}

void paging_init(struct boot_info *info, u64 image_physical)
{
	u64 text = TEXT_FLAGS;
	u64 read_only, writable;

	if (read_system(id_aa64pfr1_el1) & 15) // BTI
		text |= PTE_GUARDED;
	image_at = image_physical;
	read_only = image_at;
	writable = paging_image_physical(image_rodata_end);
	early_begin(info);
	kernel_root = table_alloc();
	empty_root = table_alloc();
	for (u32 i = 0; i < info->nranges; i++) {
		u64 start = align_down(info->range[i].start, PAGE_BYTES);
		u64 end = align_up(info->range[i].start + info->range[i].size,
				   PAGE_BYTES);

		if (info->range[i].kind == BOOT_RANGE_RESERVED)
			continue;
		map_direct(start, MIN(end, MAX(start, read_only)), DATA_FLAGS);
		map_direct(MAX(start, MIN(end, writable)), end, DATA_FLAGS);
	}
	map_direct(read_only, writable, CONST_FLAGS);
	map_image(image_start, image_text_end, text);
	map_image(image_text_end, image_rodata_end, CONST_FLAGS);
	map_image(image_rodata_end, image_end, DATA_FLAGS);
	*entry_for(kernel_root, (u64)boot_stack_guard, 0) = 0;
	barrier_data(ish);
	write_system(ttbr1_el1, kernel_root);
	write_system(ttbr0_el1, empty_root);
	barrier_instructions();
	__asm__ volatile("tlbi vmalle1; dsb nsh; isb" : : : "memory");
	info->kernel_start = image_at;
}

// A table of the lower half: nothing of the kernel is in it.
void arch_root_init(struct paddr)
{
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
		map(kernel_root, at, table_alloc(), PAGE_BYTES, DATA_FLAGS);
	return top;
}

void paging_finish(struct boot_info *info)
{
	info->kernel_end = early_next;
	early_limit = 0; // from now on the frame allocator is asked
}

// The page is about to be shown as code: what was written to it must have left
// the data cache, and what the instruction cache holds of the frame is old.
void arch_code_ready(struct paddr frame)
{
	const u8 *page = arch_direct(frame);
	u64 caches = read_system(ctr_el0), bytes = 4ull << (caches >> 16 & 15);

	if ((caches & COHERENT) == COHERENT)
		return;
	for (u64 i = 0; i < PAGE_BYTES; i += bytes)
		__asm__ volatile("dc cvau, %0" : : "r"(page + i) : "memory");
	__asm__ volatile("dsb ish; ic ialluis; dsb ish; isb" : : : "memory");
}
