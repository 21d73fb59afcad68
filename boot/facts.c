// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See parse.h. What the firmware says and only programs want to know, as they
// will ask for it.
#include "abi/constants.h"
#include "boot/parse.h"
#include "lib/base/bits.h"

static void fact(struct boot_info *info, u32 what, u32 index, u64 a, u64 b,
		 u64 c, u64 d)
{
	if (info->nfacts < BOOT_FACTS)
		info->fact[info->nfacts++] =
			(struct boot_fact){what, index, a, b, c, d};
}

void boot_facts(struct boot_info *info)
{
	const struct boot_serial *serial = &info->serial;

	info->nfacts = 0;
	fact(info, SYSTEM_INFO_RSDP, 0, info->acpi_rsdp, 0, 0, 0);
	fact(info, SYSTEM_INFO_ECAM, 0, info->ecam, info->ecam_first_bus,
	     info->ecam_last_bus, 0);
	if (serial->kind)
		fact(info, SYSTEM_INFO_SERIAL, 0, serial->address,
		     serial->kind | serial->stride << 8 |
			     (u64)serial->bytes << 16,
		     serial->line, serial->flags);
	for (u32 i = 0; i < ARRAY_COUNT(info->isa_irq); i++)
		fact(info, SYSTEM_INFO_ISA_IRQ, i, info->isa_irq[i].line,
		     info->isa_irq[i].flags, 0, 0);
	for (u32 i = 0; i < info->npci_windows; i++) {
		const struct boot_pci_window *window = &info->pci_window[i];

		fact(info, SYSTEM_INFO_PCI_WINDOW, i, window->address,
		     window->pci, window->size, window->wide);
	}
	for (u32 i = 0; i < 32 * 4; i++) {
		const struct boot_irq *irq = &info->pci_irq[i / 4][i % 4];

		fact(info, SYSTEM_INFO_PCI_IRQ, i, irq->line, irq->flags, 0, 0);
	}
	for (u32 i = 0; i < info->nranges; i++) {
		const struct boot_range *range = &info->range[i];

		fact(info, SYSTEM_INFO_RANGE, i, range->start, range->size,
		     range->kind, 0);
	}
}
