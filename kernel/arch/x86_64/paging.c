// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel's half of every address space (kernel/start/space.h) on this machine,
// and the root with which other CPUs come in.
#include "kernel/arch/x86_64/x86.h"
#include "boot/parse.h"
#include "lib/base/string.h"

#define LOW_BYTES 0x100000ull // BIOS data, trampoline
#define BOOT_TABLES_END (1ull << 32)

extern u8 image_start[], image_end[];

u64 kernel_root, trampoline_root;

u64 arch_pte_kernel(u64 physical, enum kernel_page page, u32 level)
{
	static const u64 bits[] = {
		[PAGE_DATA] = PTE_WRITE | PTE_NO_EXECUTE,
		[PAGE_CONST] = PTE_NO_EXECUTE,
		[PAGE_TEXT] = 0,
		[PAGE_DEVICE] = PTE_WRITE | PTE_NO_EXECUTE | PTE_UNCACHED |
			PTE_WRITE_THROUGH,
	};

	if (level == 2 && !cpu_features.gigabyte_pages)
		return 0;
	return physical | PTE_PRESENT | PTE_GLOBAL | bits[page] |
		(level ? PTE_LARGE : 0);
}

void arch_root_init(struct paddr root)
{
	memcpy((u64 *)arch_direct(root) + PT_ENTRIES / 2,
	       (u64 *)arch_direct((struct paddr){kernel_root}) + PT_ENTRIES / 2,
	       PAGE_BYTES / 2);
}

void paging_init(struct boot_info *info)
{
	boot_room(info, (u64)image_start - ARCH_IMAGE_BASE,
		  (u64)image_end - ARCH_IMAGE_BASE, BOOT_TABLES_END);
	kernel_root = space_init(info);
	space_map(kernel_root, ARCH_DIRECT_BASE, 0, LOW_BYTES, PAGE_DATA);
	trampoline_root = space_table();
	arch_root_init((struct paddr){trampoline_root});
	// Executable at its own address; global pages are not yet on there.
	space_map(trampoline_root, TRAMPOLINE, TRAMPOLINE,
		  TRAMPOLINE + PAGE_BYTES, PAGE_TEXT);
	write_cr(3, kernel_root);
}
