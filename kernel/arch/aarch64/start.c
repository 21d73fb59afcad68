// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The first C code: from the device tree to kernel_start(), on the boot CPU with
// boot.S's page tables.
#include "boot/acpi/acpi.h"
#include "boot/fdt/fdt_read.h"
#include "boot/program/program.h"
#include "kernel/arch/aarch64/aarch64.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"

#define DEVICE_TREE_BYTES 0x200000ull // at most, also for the boot protocol

extern u8 boot_stack_top[];

static struct boot_info boot_info;
alignas(PAGE_BYTES) static struct cpu_area boot_area;

// What boot/ may look at: the device tree or handoff; later, all memory.
static u64 window_start;
static bool mapped;

static const u8 *view(void *, u64 physical, u64 length)
{
	bool seen = !mapped && physical >= window_start &&
		range_within(physical - window_start, length,
			     DEVICE_TREE_BYTES);

	for (u32 i = 0; mapped && i < boot_info.nranges; i++) {
		const struct boot_range *range = &boot_info.range[i];

		seen |= range->kind != BOOT_RANGE_RESERVED &&
			physical >= range->start &&
			range_within(physical - range->start, length,
				     range->size);
	}
	return seen ? arch_direct((struct paddr){physical}) : nullptr;
}

[[noreturn, gnu::used]] void arch_start(u64 device_tree, u64 image_physical)
{
	const struct boot_memory memory = {view, nullptr};
	struct cpu *cpu = &boot_area.cpu;
	u64 mpidr = read_system(mpidr_el1);

	cpu->self = cpu;
	write_system(tpidr_el1, cpu);
	cpus[0] = cpu;
	cpu_count = 1;
	cpu->arch.fatal_stack =
		(u64)(boot_area.fatal_stack + FATAL_STACK_BYTES);
	write_system(vbar_el1, trap_vectors);
	window_start = device_tree;
	if (!fdt_start(&memory, device_tree, &boot_info))
		panic("boot: %s", boot_info.warnings);
	machine_init(&boot_info);
	cpu_check_features();
	paging_init(&boot_info, image_physical);
	cpu_init(&boot_area, (u64)boot_stack_top);
	mapped = true;
	if (!boot_info.ncpus) { // no device tree
		if (!acpi_parse(&memory, &boot_info) || !boot_info.ncpus)
			panic("boot: %s", boot_info.warnings);
		machine_init(&boot_info);
	}
	boot_finish(&memory, &boot_info, ARCH_ELF_MACHINE);
	cpus_boot(&boot_info,
		  (mpidr & 0xffffff) | (u32)(mpidr >> 32) << 24);
	gic_init(&boot_info);
	gic_init_cpu();
	counter_init(&boot_info);
	counter_init_cpu();
	kernel_start(&boot_info);
	panic("kernel_start() returned");
}
