// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Interrupts from outside: through the AIA where the machine has it, else wired ones
// through the PLIC.
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/log.h"

void interrupts_init(const struct boot_info *info)
{
	aia_init(info);
	if (!aia_present())
		plic_init(info);
	klog("interrupts: %s", aia_present() ? "IMSIC and APLIC" : "PLIC");
}

void interrupts_init_cpu(void)
{
	aia_init_cpu();
	plic_init_cpu();
	csr_write("sie",
		  1 << INTERRUPT_SOFTWARE | 1 << INTERRUPT_TIMER |
			  1 << INTERRUPT_EXTERNAL);
}

void interrupts_external(void)
{
	if (aia_present())
		aia_external();
	else
		plic_external();
}

bool arch_irq_claim(u32 line, u32 flags, u32, u32 cpu, u32 *vector,
		    u64 *msi_address, u64 *msi_data)
{
	*msi_address = *msi_data = 0;
	*vector = line;
	if (aia_present())
		return aia_claim(line, flags, vector, msi_address, msi_data);
	return line != IRQ_MSI && plic_claim(line, flags, cpu);
}

void arch_irq_release(u32 line, u32 vector)
{
	if (aia_present())
		aia_release(line, vector);
	else
		plic_release(line);
}

void arch_irq_mask(u32 line, bool masked)
{
	if (aia_present())
		aia_mask(line, masked);
	else
		plic_mask(line, masked);
}

void arch_irq_take(u64 cpus_left)
{
	if (!aia_present()) // there all are CPU 0's anyway
		plic_take(cpus_left);
}

bool arch_irq_pending(void)
{
	return csr_read("sip") & csr_read("sie");
}
