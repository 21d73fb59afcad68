// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What every way of booting hands to the kernel: flat, checked, no firmware
// structure left to parse.
#ifndef BOOT_BOOT_INFO_H
#define BOOT_BOOT_INFO_H
#include "lib/base/types.h"

#define BOOT_RANGES 128
#define BOOT_CPUS 64

enum boot_range_kind : u32 {
	BOOT_RANGE_USABLE = 1,
	BOOT_RANGE_RESERVED = 2,
	BOOT_RANGE_ACPI = 3,
};

struct boot_range {
	u64 start, size;
	enum boot_range_kind kind;
};

struct boot_cpu {
	u32 hardware_id; // APIC id, MPIDR, hart
	u32 acpi_id;
};

// The first program, checked: what to map where.
#define BOOT_SEGMENTS 8
struct boot_segment {
	u64 address, memory_bytes;
	u64 data, data_bytes; // physical; data_bytes <= memory_bytes
	u32 flags; // MAP_*
};
struct boot_program {
	char name[32];
	u64 entry;
	u32 nsegments; // 0: there is none, warnings says why
	struct boot_segment segment[BOOT_SEGMENTS];
};

struct boot_info {
	struct boot_program program;
	u64 kernel_start, kernel_end; // physical
	u64 archive_start, archive_size; // physical; size 0: none
	u64 acpi_rsdp; // physical; 0: none
	char command_line[1024];
	u32 nranges;
	struct boot_range range[BOOT_RANGES]; // sorted, not overlapping
	u32 ncpus;
	struct boot_cpu cpu[BOOT_CPUS];
	// Interrupt controllers (x86-64: from the MADT)
	u64 lapic;
	u32 nioapics;
	struct {
		u64 address;
		u32 first_line;
	} ioapic[8];
	struct {
		u32 line, flags;
	} isa_irq[16]; // global interrupt and IRQ flags of each ISA line
	u64 hpet; // physical; 0: none
	u64 ecam; // physical; 0: none
	u8 ecam_first_bus, ecam_last_bus;
	u16 pm1a_control; // port; 0: none
	u16 sleep_type_off; // SLP_TYP for S5
	u64 reset_register; // port from the FADT; 0: none
	u8 reset_value;
	u64 realtime_seconds; // UTC at start; 0: unknown
	char warnings[512]; // text for the log
};
#endif
