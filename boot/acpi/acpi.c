// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See acpi.h. Offsets are those of the tables in the specification.
#include "boot/acpi/acpi.h"
#include "boot/acpi/arm.h"
#include "abi/constants.h"
#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/string.h"

#define HEADER_BYTES 36
#define TABLE_MAX_BYTES (4u << 20)
#define TABLES_MAX 256
#define HARDWARE_REDUCED (1u << 20) // in the FADT: none of a PC's registers

static const u8 *view(const struct boot_memory *memory, u64 physical,
		      u64 length)
{
	return memory->view(memory->context, physical, length);
}

static bool sums_to_zero(const u8 *bytes, u64 length)
{
	u8 sum = 0;

	for (u64 i = 0; i < length; i++)
		sum += bytes[i];
	return sum == 0;
}

static void warn_table(struct boot_info *info, const u8 *signature,
		       const char *what)
{
	char text[64], name[5] = "????";

	for (u32 i = 0; signature && i < 4; i++)
		if (signature[i] >= ' ' && signature[i] < 0x7f)
			name[i] = (char)signature[i];
	format_text(text, sizeof(text), "ACPI: table %s: %s", name, what);
	boot_warn(info, text);
}

// A table at this address: header and checksum checked, or NULL with a warning.
static const u8 *table_view(const struct boot_memory *memory,
			    struct boot_info *info, u64 physical, u32 *length)
{
	const u8 *table = view(memory, physical, HEADER_BYTES);

	if (!table) {
		boot_warn(info, "ACPI: a table lies outside memory: ignored");
		return nullptr;
	}
	*length = load_le32(table + 4);
	if (*length < HEADER_BYTES || *length > TABLE_MAX_BYTES ||
	    !view(memory, physical, *length)) {
		warn_table(info, table, "bad length: ignored");
		return nullptr;
	}
	table = view(memory, physical, *length);
	if (!sums_to_zero(table, *length)) {
		warn_table(info, table, "bad checksum: ignored");
		return nullptr;
	}
	return table;
}

// ---- MADT, 5.2.12
static void add_cpu(struct boot_info *info, u32 hardware_id, u32 acpi_id,
		    u32 flags)
{
	if (!(flags & 1)) // not enabled
		return;
	for (u32 i = 0; i < info->ncpus; i++)
		if (info->cpu[i].hardware_id == hardware_id)
			return;
	if (info->ncpus == BOOT_CPUS) {
		boot_warn(info, "ACPI: more CPUs than supported: some unused");
		return;
	}
	info->cpu[info->ncpus++] = (struct boot_cpu){
			.hardware_id = hardware_id, .acpi_id = acpi_id};
}

// Interrupt flags of MPS INTI (table 5.26) of an ISA line: conforming means
// edge, active high.
static u32 irq_flags(u32 inti)
{
	return ((inti & 3) == 3 ? IRQ_ACTIVE_LOW : 0) |
	       ((inti >> 2 & 3) == 3 ? IRQ_LEVEL : 0);
}

static void madt_entry(struct boot_info *info, const u8 *entry, u32 length)
{
	switch (entry[0]) {
	case 0: // local APIC
		if (length >= 8)
			add_cpu(info, entry[3], entry[2],
				load_le32(entry + 4));
		break;
	case 1: // I/O APIC
		if (length < 12 || info->nioapics == 8)
			break;
		info->ioapic[info->nioapics].address = load_le32(entry + 4);
		info->ioapic[info->nioapics++].first_line =
			load_le32(entry + 8);
		break;
	case 2: // interrupt source override of an ISA line
		if (length < 10 || entry[2] != 0 || entry[3] >= 16)
			break;
		info->isa_irq[entry[3]].line = load_le32(entry + 4);
		info->isa_irq[entry[3]].flags = irq_flags(load_le16(entry + 8));
		break;
	case 5: // local APIC address override
		if (length >= 12)
			info->lapic = load_le64(entry + 4);
		break;
	case 9: // local x2APIC
		if (length >= 16)
			add_cpu(info, load_le32(entry + 4),
				load_le32(entry + 12), load_le32(entry + 8));
		break;
	default:
		acpi_arm_madt_entry(info, entry, length);
		break;
	}
}

static void parse_madt(struct boot_info *info, const u8 *table, u32 length)
{
	u32 at = 44;

	if (length < at || info->ncpus) {
		warn_table(info, table, "too short or second: ignored");
		return;
	}
	info->lapic = load_le32(table + 36);
	while (at + 2 <= length) {
		u32 bytes = table[at + 1];

		if (bytes < 2 || bytes > length - at) {
			warn_table(info, table, "bad entry: rest ignored");
			return;
		}
		madt_entry(info, table + at, bytes);
		at += bytes;
	}
}

// ---- FADT, 5.2.9
// Port of a generic address structure (5.2.3.2); 0 if it is not one.
static u16 gas_port(const u8 *gas)
{
	u64 address = load_le64(gas + 4);

	return gas[0] == 1 && address <= 0xffff ? (u16)address : 0;
}

// The sleep type for S5: the first element of the package named _S5_. AML is not
// run; firmware defines this one as a constant (7.4.2, 20.2.5.4).
static bool find_sleep_type(const u8 *aml, u32 length, u16 *type)
{
	for (u32 i = 1; i + 9 < length; i++) {
		u32 at = i + 5;

		if (memcmp(aml + i, "_S5_", 4) != 0 || aml[i + 4] != 0x12 ||
		    !(aml[i - 1] == 0x08 || aml[i - 1] == '\\'))
			continue;
		at += (aml[at] >> 6) + 1u; // package length
		at++; // number of elements
		if (at + 1 >= length)
			return false;
		if (aml[at] == 0x0a) // byte prefix
			at++;
		else if (aml[at] > 1) // zero or one
			return false;
		*type = aml[at] & 7;
		return true;
	}
	return false;
}

static void parse_fadt(const struct boot_memory *memory,
		       struct boot_info *info, const u8 *table, u32 length)
{
	u64 dsdt;

	if (length < 116) {
		warn_table(info, table, "too short: ignored");
		return;
	}
	if (load_le32(table + 112) & HARDWARE_REDUCED) {
		acpi_arm_fadt(info, table, length);
		return;
	}
	dsdt = load_le32(table + 40);
	info->pm1a_control = (u16)load_le32(table + 64);
	if (length >= 129 && load_le32(table + 112) & 1u << 10) {
		info->reset_register = gas_port(table + 116);
		info->reset_value = table[128];
	}
	if (length >= 148 && load_le64(table + 140))
		dsdt = load_le64(table + 140);
	if (length >= 184 && gas_port(table + 172))
		info->pm1a_control = gas_port(table + 172);
	table = table_view(memory, info, dsdt, &length);
	if (table && !find_sleep_type(table + HEADER_BYTES,
				      length - HEADER_BYTES,
				      &info->sleep_type_off)) {
		info->pm1a_control = 0;
		boot_warn(info, "ACPI: no _S5: cannot power off");
	}
}

static void parse_mcfg(struct boot_info *info, const u8 *table, u32 length)
{
	for (u32 at = 44; at + 16 <= length; at += 16) {
		const u8 *entry = table + at;

		if (load_le16(entry + 8) != 0 || entry[10] > entry[11])
			continue; // another segment, or nonsense
		info->ecam = load_le64(entry);
		info->ecam_first_bus = entry[10];
		info->ecam_last_bus = entry[11];
		return;
	}
}

static void parse_table(const struct boot_memory *memory,
			struct boot_info *info, u64 physical)
{
	u32 length;
	const u8 *table = table_view(memory, info, physical, &length);

	if (!table)
		return;
	if (memcmp(table, "APIC", 4) == 0)
		parse_madt(info, table, length);
	else if (memcmp(table, "FACP", 4) == 0)
		parse_fadt(memory, info, table, length);
	else if (memcmp(table, "MCFG", 4) == 0)
		parse_mcfg(info, table, length);
	else if (memcmp(table, "GTDT", 4) == 0)
		acpi_arm_gtdt(info, table, length);
	else if (memcmp(table, "SPCR", 4) == 0)
		acpi_arm_spcr(info, table, length);
	else if (memcmp(table, "HPET", 4) == 0 && length >= 56 &&
		 table[40] == 0) // in memory space
		info->hpet = load_le64(table + 44);
}

// ---- roots, 5.2.5
static bool root_valid(const struct boot_memory *memory, u64 physical)
{
	const u8 *root = view(memory, physical, 20);

	return root && memcmp(root, "RSD PTR ", 8) == 0 &&
	       sums_to_zero(root, 20);
}

static u64 scan(const struct boot_memory *memory, u64 start, u64 end)
{
	for (u64 at = start; at < end; at += 16)
		if (root_valid(memory, at))
			return at;
	return 0;
}

u64 acpi_find_root(const struct boot_memory *memory)
{
	const u8 *segment = view(memory, 0x40e, 2);
	u64 ebda = segment ? (u64)load_le16(segment) << 4 : 0;
	u64 found = 0;

	if (ebda >= 0x80000 && ebda < 0xa0000)
		found = scan(memory, ebda, ebda + 1024);
	return found ? found : scan(memory, 0xe0000, 0x100000);
}

// The table of tables: XSDT if there is a good one, else RSDT.
static const u8 *list_view(const struct boot_memory *memory,
			   struct boot_info *info, u32 *length, u32 *width)
{
	const u8 *root = view(memory, info->acpi_rsdp, 36);
	const u8 *list = nullptr;

	*width = 8;
	if (root && root[15] >= 2 && sums_to_zero(root, 36) &&
	    load_le64(root + 24))
		list = table_view(memory, info, load_le64(root + 24), length);
	if (list && memcmp(list, "XSDT", 4) == 0)
		return list;
	*width = 4;
	root = view(memory, info->acpi_rsdp, 20);
	list = table_view(memory, info, load_le32(root + 16), length);
	return list && memcmp(list, "RSDT", 4) == 0 ? list : nullptr;
}

bool acpi_parse(const struct boot_memory *memory, struct boot_info *info)
{
	const u8 *list;
	u32 length, width, ntables;

	info->lapic = 0xfee00000;
	for (u32 i = 0; i < 16; i++) {
		info->isa_irq[i].line = i;
		info->isa_irq[i].flags = 0;
	}
	if (!info->acpi_rsdp || !root_valid(memory, info->acpi_rsdp)) {
		info->acpi_rsdp = 0;
		boot_warn(info, "ACPI: no root pointer");
		return false;
	}
	list = list_view(memory, info, &length, &width);
	if (!list) {
		boot_warn(info, "ACPI: no table of tables");
		return false;
	}
	ntables = MIN((length - HEADER_BYTES) / width, TABLES_MAX);
	for (u32 i = 0; i < ntables; i++) {
		const u8 *entry = list + HEADER_BYTES + i * width;

		parse_table(memory, info,
			    width == 8 ? load_le64(entry) : load_le32(entry));
	}
	return true;
}
