// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See arm.h. Offsets are those of the ACPI specification 6.5, and of Microsoft's
// Serial Port Console Redirection Table.
#include "boot/acpi/arm.h"
#include "abi/constants.h"
#include "lib/base/bits.h"

#define ITS_BYTES 0x20000
#define PL011_BYTES 0x1000

static void add_redistributors(struct boot_gic *gic, u64 address, u64 size)
{
	u64 end;

	if (gic->nredistributors == BOOT_REDISTRIBUTORS || !size ||
	    !add_fits(address, size, &end))
		return;
	gic->redistributor[gic->nredistributors].address = address;
	gic->redistributor[gic->nredistributors++].size = size;
}

// 5.2.12.14
static void add_cpu(struct boot_info *info, const u8 *entry)
{
	u64 mpidr = load_le64(entry + 68);
	u32 id = (u32)(mpidr & 0xffffff) | (u32)(mpidr >> 32 & 0xff) << 24;

	if (!(load_le32(entry + 12) & 1)) // not enabled
		return;
	for (u32 i = 0; i < info->ncpus; i++)
		if (info->cpu[i].hardware_id == id)
			return;
	if (info->ncpus == BOOT_CPUS) {
		boot_warn(info, "ACPI: more CPUs than supported: some unused");
		return;
	}
	info->cpu[info->ncpus] = (struct boot_cpu){
		.hardware_id = id,
		.acpi_id = load_le32(entry + 8),
		.core = info->ncpus,
	};
	info->ncpus++;
}

void acpi_arm_madt_entry(struct boot_info *info, const u8 *entry, u32 length)
{
	struct boot_gic *gic = &info->gic;

	switch (entry[0]) {
	case 11: // a CPU's interface
		if (length >= 76)
			add_cpu(info, entry);
		break;
	case 12: // distributor
		if (length < 24 || gic->version)
			break;
		gic->distributor = load_le64(entry + 8);
		gic->distributor_size = 0x10000;
		gic->version = entry[20];
		break;
	case 14: // redistributors
		if (length >= 16)
			add_redistributors(gic, load_le64(entry + 4),
					   load_le32(entry + 12));
		break;
	case 15: // ITS
		if (length < 20 || gic->its_size)
			break;
		gic->its = load_le64(entry + 8);
		gic->its_size = ITS_BYTES;
		break;
	}
}

// Flags of 5.2.25: edge, active low
static struct boot_irq timer_irq(const u8 *at)
{
	u32 flags = load_le32(at + 4);

	return (struct boot_irq){
		load_le32(at),
		(flags & 1 ? 0 : IRQ_LEVEL) | (flags & 2 ? IRQ_ACTIVE_LOW : 0),
	};
}

void acpi_arm_gtdt(struct boot_info *info, const u8 *table, u32 length)
{
	if (length >= 72)
		info->timer = timer_irq(table + 64);
	if (length >= 104)
		info->hypervisor_timer = timer_irq(table + 96);
}

void acpi_arm_spcr(struct boot_info *info, const u8 *table, u32 length)
{
	if (length < 58 || table[36] != 3 || table[40] != 0)
		return; // not a PL011 in memory
	info->serial = (struct boot_serial){
		.kind = BOOT_SERIAL_PL011,
		.bytes = PL011_BYTES,
		.address = load_le64(table + 44),
		.stride = 1,
		.line = load_le32(table + 54),
		.flags = IRQ_LEVEL,
	};
}

// 5.2.9.4
void acpi_arm_fadt(struct boot_info *info, const u8 *table, u32 length)
{
	u32 flags = length >= 131 ? load_le16(table + 129) : 0;

	if (flags & 1)
		info->psci = flags & 2 ? BOOT_PSCI_HVC : BOOT_PSCI_SMC;
}
