// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel's half of every address space, in the last 256 GiB, where Sv39 and
// Sv48 show the same: with Sv48 the last entry of the root leads to what is the
// root with Sv39.
//   ARCH_DIRECT_BASE   all memory, writable, never executable; the kernel's text
//                      and constants are read-only here too
//   IMAGE_VIRTUAL      the image: text, constants, data on pages of their own
//   STACKS, DEVICES    kernel stacks with guard pages, device registers
// All top-level entries are made here, so that a root copies them once. Until the
// frame allocator works, tables are taken from behind the image.
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define STACKS 0xffffffffd0000000ull
#define STACK_STRIDE (2 * STACK_BYTES)
#define DEVICES 0xffffffffe0000000ull
#define GIB 0x40000000ull

#define DATA_FLAGS                                                             \
	(PTE_VALID | PTE_READ | PTE_WRITE | PTE_GLOBAL | PTE_ACCESSED |        \
	 PTE_DIRTY)
#define CONST_FLAGS (PTE_VALID | PTE_READ | PTE_GLOBAL | PTE_ACCESSED)
#define TEXT_FLAGS (CONST_FLAGS | PTE_EXEC)

#define SATP_SV39 (8ull << 60)
#define SATP_SV48 (9ull << 60)
#define USER_SV39 (1ull << 38)
#define USER_SV48 (1ull << 47)

extern u8 image_start[], image_text_end[], image_rodata_end[], image_end[];
extern u8 boot_stack_guard[];

u64 kernel_root, satp_mode, user_end;
u64 arch_device_bits;
u32 arch_exec_generation;
static u64 kernel_top; // the table of the last 512 GiB
static u64 image_load; // physical address of image_start
static u64 early_next, early_limit; // early_limit 0: use the frame allocator
static u64 devices_next = DEVICES;

u64 image_physical(const void *address)
{
	return (u64)address - IMAGE_VIRTUAL + image_load;
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

// The entry below kernel_top that maps address with pages of 2^(12 + 9 * level)
// bytes; tables on the way are made.
static u64 *entry_for(u64 address, u32 level)
{
	u64 *table = table_at(kernel_top);

	for (u32 at = 2; at > level; at--) {
		u64 *entry = &table[address >> (12 + 9 * at) & 511];

		if (!(*entry & PTE_VALID))
			*entry = table_alloc() >> 2 | PTE_VALID;
		kassert(!(*entry & (PTE_READ | PTE_EXEC)));
		table = table_at((*entry & PTE_FRAME) << 2);
	}
	return &table[address >> (12 + 9 * level) & 511];
}

static u32 level_for(u64 address, u64 physical, u64 bytes)
{
	u64 both = address | physical;

	if (is_aligned(both, GIB) && bytes >= GIB)
		return 2;
	return is_aligned(both, 0x200000) && bytes >= 0x200000 ? 1 : 0;
}

// All three are multiples of the page size.
static void map(u64 address, u64 physical, u64 bytes, u64 flags)
{
	while (bytes) {
		u32 level = level_for(address, physical, bytes);
		u64 step = 1ull << (12 + 9 * level);

		*entry_for(address, level) = physical >> 2 | flags;
		address += step;
		physical += step;
		bytes -= step;
	}
}

static void map_direct(u64 start, u64 end, u64 flags)
{
	if (start < end)
		map(ARCH_DIRECT_BASE + start, start, end - start, flags);
}

// Memory, but not the kernel's text and constants.
static void map_memory(const struct boot_info *info)
{
	u64 hole = image_load, hole_end = image_physical(image_rodata_end);

	for (u32 i = 0; i < info->nranges; i++) {
		u64 start = align_down(info->range[i].start, PAGE_BYTES);
		u64 end = align_up(info->range[i].start + info->range[i].size,
				   PAGE_BYTES);

		if (info->range[i].kind == BOOT_RANGE_RESERVED)
			continue;
		end = MIN(end, ARCH_DIRECT_BYTES);
		map_direct(start, MIN(end, MAX(start, hole)), DATA_FLAGS);
		map_direct(MAX(start, MIN(end, hole_end)), end, DATA_FLAGS);
	}
	map_direct(hole, hole_end, CONST_FLAGS);
}

static void map_image(const u8 *start, const u8 *end, u64 flags)
{
	map((u64)start, image_physical(start), (u64)(end - start), flags);
}

// Where tables come from: behind the image, up to the end of its memory range
// or the archive.
static void early_begin(const struct boot_info *info)
{
	u64 start = image_physical(image_end);

	for (u32 i = 0; i < info->nranges; i++) {
		const struct boot_range *range = &info->range[i];

		if (range->kind == BOOT_RANGE_USABLE && range->start <= start &&
		    start - range->start < range->size)
			early_limit = range->start + range->size;
	}
	if (info->archive_size && info->archive_start >= start)
		early_limit = MIN(early_limit,
				  align_down(info->archive_start, PAGE_BYTES));
	early_limit = MIN(early_limit, align_down(ARCH_DIRECT_BYTES, GIB));
	if (early_limit <= start)
		panic("the kernel is not loaded into usable memory");
	early_next = start;
}

// A mode that the CPU does not have leaves satp as it was.
static bool load(u64 mode, u64 root, u64 end)
{
	satp_mode = mode;
	kernel_root = root;
	user_end = end;
	csr_write("satp", satp_of(root));
	__asm__ volatile("sfence.vma" : : : "memory");
	return csr_read("satp") == satp_of(root);
}

// Sv48, unless this CPU, what the device tree says of one, or the command line is
// against it.
static void choose_mode(const struct boot_info *info)
{
	if (info->isa & BOOT_ISA_SV48 &&
	    !command_word(info->command_line, "mmu=sv39")) {
		u64 root = table_alloc();

		table_at(root)[PT_ENTRIES - 1] = kernel_top >> 2 | PTE_VALID;
		if (load(SATP_SV48, root, USER_SV48))
			return;
	}
	if (!load(SATP_SV39, kernel_top, USER_SV39))
		panic("this CPU has neither Sv48 nor Sv39");
	klog("mmu: Sv39, user space has 256 GiB");
}

void paging_init(struct boot_info *info, u64 image)
{
	image_load = image;
	if (info->isa & BOOT_ISA_SVPBMT)
		arch_device_bits = PTE_IO;
	early_begin(info);
	kernel_top = table_alloc();
	map_memory(info);
	map_image(image_start, image_text_end, TEXT_FLAGS);
	map_image(image_text_end, image_rodata_end, CONST_FLAGS);
	map_image(image_rodata_end, image_end, DATA_FLAGS);
	*entry_for((u64)boot_stack_guard, 0) = 0;
	(void)entry_for(STACKS, 0);
	choose_mode(info);
	cpu_self()->arch.root = kernel_root;
	info->kernel_start = image_load;
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

	map(at, start, end - start, DATA_FLAGS | arch_device_bits);
	devices_next += end - start;
	return (void *)(at + physical - start);
}

u64 arch_cpu_stack(u32 number)
{
	u64 top = STACKS + (u64)(number + 1) * STACK_STRIDE;

	for (u64 at = top - STACK_BYTES; at < top; at += PAGE_BYTES)
		*entry_for(at, 0) = table_alloc() >> 2 | DATA_FLAGS;
	return top;
}

void paging_finish(struct boot_info *info)
{
	info->kernel_end = early_next;
	early_limit = 0; // from now on the frame allocator is asked
}
