// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel's half of the address space (kernel/start/space.h), which TTBR1
// translates; user space is TTBR0's, so its roots hold nothing of the kernel. User
// entries have the address-space numbers 0 and, of guests, 1, and go when another
// address space is loaded; the kernel's are global.
#include "kernel/arch/aarch64/aarch64.h"
#include "boot/parse.h"
#include "lib/base/bits.h"

#define GIB 0x40000000ull
#define COHERENT (BIT(28) | BIT(29)) // CTR_EL0: no maintenance for code

extern u8 image_start[], image_end[];

u64 kernel_root, empty_root;

u64 arch_pte_kernel(u64 physical, enum kernel_page page, u32 level)
{
	static const u64 bits[] = {
		[PAGE_DATA] = PTE_NO_KERNEL_EXECUTE,
		[PAGE_CONST] = PTE_NO_KERNEL_EXECUTE | PTE_READ_ONLY,
		[PAGE_TEXT] = PTE_READ_ONLY,
		[PAGE_DEVICE] = PTE_NO_KERNEL_EXECUTE | PTE_DEVICE,
	};
	bool has_bti = read_system(id_aa64pfr1_el1) & 15;

	return physical | PTE_VALID | PTE_SHARED | PTE_ACCESSED |
		PTE_NO_USER_EXECUTE | bits[page] | (level ? 0 : PTE_TABLE) |
		(has_bti && page == PAGE_TEXT ? PTE_GUARDED : 0);
}

void paging_init(struct boot_info *info, u64 image)
{
	// boot.S shows the GiB in which the image begins.
	boot_room(info, image, image + (u64)(image_end - image_start),
		  align_down(image, GIB) + GIB);
	kernel_root = space_init(info);
	empty_root = space_table();
	barrier_data(ish);
	write_system(ttbr1_el1, kernel_root);
	write_system(ttbr0_el1, empty_root);
	barrier_instructions();
	__asm__ volatile("tlbi vmalle1; dsb nsh; isb" : : : "memory");
}

// A table of the lower half: nothing of the kernel is in it.
void arch_root_init(struct paddr)
{
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
