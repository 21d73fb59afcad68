// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel's half of every address space (kernel/start/space.h), in the last 256
// GiB, where Sv39 and Sv48 show the same: with Sv48 the last entry of the root leads
// to what is the root with Sv39.
#include "boot/parse.h"
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "lib/base/string.h"

#define SATP_SV39 (8ull << 60)
#define SATP_SV48 (9ull << 60)
#define USER_SV39 (1ull << 38)
#define USER_SV48 (1ull << 47)

extern u8 image_start[], image_end[];

u64 kernel_root, satp_mode, user_end;
u64 arch_device_bits;
u32 arch_exec_generation;

u64 arch_pte_kernel(u64 physical, enum kernel_page page, u32)
{
	u64 entry = physical >> 2 | PTE_VALID | PTE_READ | PTE_GLOBAL |
		PTE_ACCESSED;

	if (page == PAGE_TEXT)
		return entry | PTE_EXEC;
	if (page == PAGE_CONST)
		return entry;
	return entry | PTE_WRITE | PTE_DIRTY |
		(page == PAGE_DEVICE ? arch_device_bits : 0);
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
static void choose_mode(const struct boot_info *info, u64 top)
{
	if (info->isa & BOOT_ISA_SV48 &&
	    !command_word(info->command_line, "mmu=sv39")) {
		u64 root = space_table();

		((u64 *)arch_direct((struct paddr){root}))[PT_ENTRIES - 1] =
			arch_pte_table((struct paddr){top});
		if (load(SATP_SV48, root, USER_SV48))
			return;
	}
	if (!load(SATP_SV39, top, USER_SV39))
		panic("this CPU has neither Sv48 nor Sv39");
	klog("mmu: Sv39, user space has 256 GiB");
}

void paging_init(struct boot_info *info, u64 image)
{
	boot_room(info, image, image + (u64)(image_end - image_start),
		  ARCH_DIRECT_BYTES);
	if (info->isa & BOOT_ISA_SVPBMT)
		arch_device_bits = PTE_IO;
	choose_mode(info, space_init(info));
	cpu_self()->arch.root = kernel_root;
}

void arch_root_init(struct paddr root)
{
	memcpy((u64 *)arch_direct(root) + PT_ENTRIES / 2,
	       (u64 *)arch_direct((struct paddr){kernel_root}) + PT_ENTRIES / 2,
	       PAGE_BYTES / 2);
}
