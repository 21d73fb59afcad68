// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The first C code: from what the boot loader left to kernel_start(), on the boot
// CPU with boot/pvh/entry.S's page tables.
#include "boot/acpi/acpi.h"
#include "boot/program/program.h"
#include "boot/pvh/pvh.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/panic.h"
#include "lib/base/string.h"


extern u8 boot_stack_top[];

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

static void read_firmware(u64 start_info)
{
	const struct boot_memory memory = { view, nullptr };

	if (!pvh_parse(&memory, start_info, &boot_info))
		panic("boot: %s", boot_info.warnings);
	// Firmware data and the start-up code of other CPUs live here.
	boot_range_add(&boot_info, 0, 0x100000, BOOT_RANGE_RESERVED);
	boot_ranges_finish(&boot_info);
	if (!boot_info.acpi_rsdp)
		boot_info.acpi_rsdp = acpi_find_root(&memory);
	acpi_parse(&memory, &boot_info);
	boot_info.serial = (struct boot_serial){ // COM1
		.kind = BOOT_SERIAL_16550_PORTS,
		.bytes = 8,
		.address = 0x3f8,
		.stride = 1,
		.line = boot_info.isa_irq[4].line,
		.flags = boot_info.isa_irq[4].flags,
	};
	(void)program_find(&memory, &boot_info, ARCH_ELF_MACHINE);
}

[[noreturn, gnu::used]] void arch_start(u64 start_info)
{
	struct cpu *cpu = &boot_area.cpu;

	cpu->self = cpu;
	write_msr(MSR_GS_BASE, (u64)cpu);
	cpus[0] = cpu;
	cpu_count = 1;
	console_init();
	cpu_check_features();
	write_msr(MSR_EFER, read_msr(MSR_EFER) | 0x800); // no-execute pages
	read_firmware(start_info);
	paging_init(&boot_info);
	trap_init();
	cpu_init(&boot_area, (u64)boot_stack_top);
	machine_init(&boot_info);
	apic_init(&boot_info);
	apic_init_cpu();
	cpu->arch.apic_id = apic_id();
	counter_init(&boot_info);
	paging_finish(&boot_info);
	kernel_start(&boot_info);
	panic("kernel_start() returned");
}
