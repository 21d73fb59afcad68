// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Interrupts from outside: wired ones through the PLIC.
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/log.h"

void interrupts_init(const struct boot_info *info)
{
	plic_init(info);
}

void interrupts_init_cpu(void)
{
	plic_init_cpu();
	csr_write("sie",
		  1 << INTERRUPT_SOFTWARE | 1 << INTERRUPT_TIMER |
			  1 << INTERRUPT_EXTERNAL);
}

void interrupts_external(void)
{
	plic_external();
}

bool arch_irq_claim(u32 line, u32 flags, u32, u32 cpu, u32 *vector,
		    u64 *msi_address, u64 *msi_data)
{
	*msi_address = *msi_data = 0;
	*vector = line;
	return line != IRQ_MSI && plic_claim(line, flags, cpu);
}

void arch_irq_release(u32 line, u32)
{
	plic_release(line);
}

void arch_irq_mask(u32 line, bool masked)
{
	plic_mask(line, masked);
}
