// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// How another CPU comes in and goes off, by PSCI.
#include "kernel/arch/aarch64/aarch64.h"

const usize arch_cpu_bytes = sizeof(struct cpu_area);

[[noreturn, gnu::used]] void smp_entry(struct cpu_area *area)
{
	struct cpu *cpu = &area->cpu;

	cpu_init(area, cpu->stack_top);
	if (cpu_arrived(cpu)) {
		gic_init_cpu();
		counter_init_cpu();
		kernel_start_cpu(cpu);
	}
	arch_cpu_off();
}

void arch_cpu_off(void)
{
	(void)psci_call(PSCI_CPU_OFF, 0, 0, 0);
	for (;;) // it cannot be
		__asm__ volatile("msr daifset, #15; wfi");
}

bool arch_cpu_insert(struct boot_cpu *)
{
	return false; // the firmware names all there can be
}

// The CPU reads without caches.
static void clean(const void *start, u64 bytes)
{
	for (u64 i = 0; i < bytes; i += 16)
		__asm__ volatile("dc cvac, %0"
				 :
				 : "r"((const u8 *)start + i)
				 : "memory");
	barrier_data(sy);
}

bool arch_cpu_start(struct cpu *cpu)
{
	struct cpu_area *area = (struct cpu_area *)cpu;

	area->entry = (struct cpu_entry){kernel_root, area};
	clean(area, sizeof(*area));
	return psci_call(PSCI_CPU_ON, mpidr_of(cpu->hardware_id),
			 image_physical((const void *)cpu_entry),
			 arch_physical(&area->entry).value) == 0;
}
