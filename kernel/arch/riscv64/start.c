// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The first C code: from what the firmware left to kernel_start(), on the boot
// CPU with start.S's page tables.
#include "boot/fdt/fdt_read.h"
#include "boot/program/program.h"
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/panic.h"

extern u8 boot_stack_top[];

static struct boot_info boot_info;
static struct cpu_area boot_area;

// What start.S shows in the direct map.
static const u8 *view(void *, u64 physical, u64 length)
{
	if (length > ARCH_DIRECT_BYTES || physical > ARCH_DIRECT_BYTES - length)
		return nullptr;
	return arch_direct((struct paddr){physical});
}

[[noreturn, gnu::used]] void arch_start(u64 hart, u64 device_tree, u64 image)
{
	const struct boot_memory memory = {view, nullptr};
	struct cpu *cpu = &boot_area.cpu;

	cpus[0] = cpu;
	cpu_count = 1;
	cpu_init(&boot_area, (u64)boot_stack_top);
	if (!fdt_start(&memory, device_tree, &boot_info))
		panic("boot: %s", boot_info.warnings);
	machine_init(&boot_info);
	boot_finish(&memory, &boot_info, ARCH_ELF_MACHINE);
	cpus_boot(&boot_info, (u32)hart);
	counter_init(&boot_info);
	paging_init(&boot_info, image);
	interrupts_init(&boot_info);
	interrupts_init_cpu();
	kernel_start(&boot_info);
	panic("kernel_start() returned");
}
