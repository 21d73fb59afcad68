// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The first C code: from what the boot loader left to kernel_start(), on the boot
// CPU with boot/pvh/entry.S's page tables.
#include "boot/pc/pc.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/panic.h"

extern u8 boot_stack_top[], image_end[];

static struct boot_info boot_info;
alignas(PAGE_BYTES) static struct cpu_area boot_area;

// What entry.S shows in the direct map: the first 4 GiB.
static const u8 *view(void *, u64 physical, u64 length)
{
	u64 limit = 1ull << 32;

	if (length > limit || physical > limit - length)
		return nullptr;
	return arch_direct((struct paddr){ physical });
}

[[noreturn, gnu::used]] void arch_start(u64 start_info, u32 loader)
{
	const struct boot_memory memory = {view, nullptr};
	struct cpu *cpu = &boot_area.cpu;

	cpu->self = cpu;
	write_msr(MSR_GS_BASE, (u64)cpu);
	cpus[0] = cpu;
	cpu_count = 1;
	console_init();
	cpu_check_features();
	write_msr(MSR_EFER, read_msr(MSR_EFER) | 0x800); // no-execute pages
	if (!pc_read(&memory, start_info, loader, ARCH_ELF_MACHINE,
		     (u64)image_end - ARCH_IMAGE_BASE, &boot_info))
		panic("boot: %s", boot_info.warnings);
	paging_init(&boot_info);
	trap_init();
	cpu_init(&boot_area, (u64)boot_stack_top);
	topology_read(&boot_info);
	machine_init(&boot_info);
	apic_init(&boot_info);
	apic_init_cpu();
	cpus_boot(&boot_info, apic_id());
	counter_init(&boot_info);
	kernel_start(&boot_info);
	panic("kernel_start() returned");
}
