// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What of the ACPI tables is AArch64's: interrupt controller (MADT), timers (GTDT),
// serial port (SPCR), PSCI (FADT). Called by acpi.c with tables that were checked.
#ifndef BOOT_ACPI_ARM_H
#define BOOT_ACPI_ARM_H
#include "boot/parse.h"

void acpi_arm_madt_entry(struct boot_info *info, const u8 *entry, u32 length);
void acpi_arm_gtdt(struct boot_info *info, const u8 *table, u32 length);
void acpi_arm_spcr(struct boot_info *info, const u8 *table, u32 length);
void acpi_arm_fadt(struct boot_info *info, const u8 *table, u32 length);
#endif
