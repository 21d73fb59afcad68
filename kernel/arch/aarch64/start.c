// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The first C code: from the device tree to kernel_start(), on the boot CPU with
// boot.S's page tables.
#include "boot/fdt/fdt_read.h"
#include "boot/program/program.h"
#include "kernel/arch/aarch64/aarch64.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"

#define DEVICE_TREE_BYTES 0x200000ull // at most, also for the boot protocol

extern u8 boot_stack_top[];

static struct boot_info boot_info;
alignas(PAGE_BYTES) static struct cpu_area boot_area;

struct window {
	u64 start, bytes;
};

static const u8 *view(void *context, u64 physical, u64 length)
{
	const struct window *window = context;

	if (physical < window->start || length > window->bytes ||
	    physical - window->start > window->bytes - length)
		return nullptr;
	return arch_direct((struct paddr){physical});
}

static void read_tree(u64 device_tree)
{
	struct window window = {device_tree, DEVICE_TREE_BYTES};
	const struct boot_memory memory = {view, &window};

	if (!fdt_start(&memory, device_tree, &boot_info)) {
		machine_trust_semihosting();
		panic("boot: %s", boot_info.warnings);
	}
}

static void find_program(void)
{
	struct window window = {boot_info.archive_start,
				boot_info.archive_size};
	const struct boot_memory memory = {view, &window};

	(void)program_find(&memory, &boot_info, ARCH_ELF_MACHINE);
}

[[noreturn, gnu::used]] void arch_start(u64 device_tree, u64 image_physical)
{
	struct cpu *cpu = &boot_area.cpu;

	cpu->self = cpu;
	write_system(tpidr_el1, cpu);
	cpus[0] = cpu;
	cpu_count = 1;
	cpu->arch.fatal_stack =
		(u64)(boot_area.fatal_stack + FATAL_STACK_BYTES);
	write_system(vbar_el1, trap_vectors);
	read_tree(device_tree);
	machine_init(&boot_info);
	topology_init(&boot_info);
	cpu_check_features();
	paging_init(&boot_info, image_physical);
	cpu_init(&boot_area, (u64)boot_stack_top);
	find_program();
	gic_init(&boot_info);
	gic_init_cpu();
	counter_init(&boot_info);
	counter_init_cpu();
	paging_finish(&boot_info);
	kernel_start(&boot_info);
	panic("kernel_start() returned");
}
