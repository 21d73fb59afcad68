// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// How another CPU comes in, by INIT and start-up messages, and what it does while
// it is off: it waits for them.
#include "kernel/arch/x86_64/x86.h"
#include "lib/base/string.h"

extern const u8 trampoline_cr3[];

const usize arch_cpu_bytes = sizeof(struct cpu_area);

// On the new CPU, on its stack, with trampoline_root loaded.
[[noreturn, gnu::used]] void smp_entry(struct cpu_area *area)
{
	write_cr(3, kernel_root);
	cpu_init(area, area->cpu.stack_top);
	apic_init_cpu();
	if (apic_id() == area->cpu.hardware_id && cpu_arrived(&area->cpu))
		kernel_start_cpu(&area->cpu);
	arch_cpu_off();
}

void arch_cpu_off(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

static void *trampoline_at(const u8 *symbol)
{
	return (u8 *)arch_direct((struct paddr){ TRAMPOLINE }) +
	       (symbol - trampoline_start);
}

// One that comes seconds too late, in the very moment in which it is started again,
// is lost: INIT finds it at work.
bool arch_cpu_start(struct cpu *cpu)
{
	memcpy(trampoline_at(trampoline_start), trampoline_start,
	       (usize)(trampoline_end - trampoline_start));
	*(u32 *)trampoline_at(trampoline_cr3) = (u32)trampoline_root;
	__atomic_store_n((struct cpu **)trampoline_at(trampoline_area), cpu,
			 __ATOMIC_RELEASE);
	apic_start_cpu(cpu->hardware_id);
	return true;
}
