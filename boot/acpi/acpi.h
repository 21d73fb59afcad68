// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// ACPI tables to boot_info: CPUs and interrupt controllers (MADT), power and
// reset (FADT, _S5 in the DSDT), configuration space (MCFG), HPET; AArch64's GIC,
// timers, serial port and PSCI. Tables are
// input: signatures, lengths and checksums are checked, a bad table is skipped
// with a warning. AML is not interpreted. ACPI specification 6.5, chapter 5.
#ifndef BOOT_ACPI_ACPI_H
#define BOOT_ACPI_ACPI_H
#include "boot/parse.h"

// Find the root pointer in the BIOS area (5.2.5.1); 0 if there is none.
u64 acpi_find_root(const struct boot_memory *memory);

// Fill in info from the tables that hang off info->acpi_rsdp. Sets defaults for
// what no table says. False when there is no usable root.
bool acpi_parse(const struct boot_memory *memory, struct boot_info *info);
#endif
