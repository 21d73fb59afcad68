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
#define BOOT_COMMAND_LINE_BYTES 1024

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
	u32 hardware_id; // APIC id, hart; MPIDR with affinity 3 in bits 24-31
	u32 acpi_id;
	u32 socket, core, thread; // where it sits
	// RISC-V: of the supervisor
	u32 plic_context; // BOOT_NO_CONTEXT: none
	u64 imsic_file; // physical; 0: none
};

enum boot_serial_kind : u32 {
	BOOT_SERIAL_NONE = 0,
	BOOT_SERIAL_16550_PORTS = 1, // address is an I/O port
	BOOT_SERIAL_16550 = 2, // address is memory
	BOOT_SERIAL_PL011 = 3,
};

// The way in, for the log.
enum boot_way : u32 {
	BOOT_WAY_UNKNOWN = 0,
	BOOT_WAY_PVH = 1,
	BOOT_WAY_MULTIBOOT2 = 2,
	BOOT_WAY_UEFI = 3,
	BOOT_WAY_BIOS = 4,
	BOOT_WAY_IMAGE = 5, // Linux's Image header and a device tree
};

// The picture that the firmware set up: 32 bits for each pixel.
enum boot_pixels : u32 {
	BOOT_PIXELS_NONE = 0, // there is no picture
	BOOT_PIXELS_BGR = 1, // byte 0 is blue, byte 3 unused
	BOOT_PIXELS_RGB = 2, // byte 0 is red, byte 3 unused
};
struct boot_framebuffer {
	u64 address, size; // physical, bytes
	u32 pitch; // bytes from row to row
	u32 width, height; // pixels
	enum boot_pixels pixels;
};

// The serial port that is the console.
struct boot_serial {
	enum boot_serial_kind kind;
	u32 bytes; // of its registers; ports: their number
	u64 address;
	u32 stride; // bytes from register to register, 16550
	u32 line, flags; // interrupt: line and IRQ flags
};

// Addresses of the processor that a PCI host bridge turns into PCI addresses.
#define BOOT_PCI_WINDOWS 4
struct boot_pci_window {
	u64 address, pci, size;
	u32 wide; // for 64-bit BARs
};

// An interrupt, as irq objects name it; line 0: none.
struct boot_irq {
	u32 line, flags;
};

// RISC-V
#define BOOT_NO_CONTEXT 0xffffffff
struct boot_plic {
	u64 address, size; // size 0: none
	u32 nsources;
};
struct boot_aplic {
	u64 address, size; // size 0: none; the supervisor's domain
	u32 nsources;
};
struct boot_imsic {
	u64 address, size; // size 0: none; the supervisor's files
	u32 nids;
	u32 guest_bits;
};

// AArch64
#define BOOT_REDISTRIBUTORS 4
struct boot_gic {
	u32 version; // 0: none
	u64 distributor, distributor_size;
	u32 nredistributors;
	struct {
		u64 address, size;
	} redistributor[BOOT_REDISTRIBUTORS]; // version 2: the CPU interface
	u64 its, its_size; // size 0: none
};

enum boot_psci : u32 { BOOT_PSCI_NONE, BOOT_PSCI_SMC, BOOT_PSCI_HVC };

enum boot_rtc : u32 { BOOT_RTC_NONE, BOOT_RTC_GOLDFISH, BOOT_RTC_PL031 };

// boot_info.isa
#define BOOT_ISA_SSTC 1u // RISC-V: stimecmp
#define BOOT_ISA_SVPBMT 2u // memory types in page-table entries
#define BOOT_ISA_SV48 4u // four levels of page tables; or nothing is said

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

// What the kernel passes on unread when a program asks: system_info's what and index,
// and the answer (abi/constants.h, SYSTEM_INFO).
#define BOOT_FACTS (BOOT_RANGES + 32 * 4 + 16 + BOOT_PCI_WINDOWS + 3)
struct boot_fact {
	u32 what, index;
	u64 a, b, c, d;
};

struct boot_info {
	struct boot_program program;
	u64 kernel_start, kernel_end; // physical
	u64 room_end; // of usable memory behind that, for the first page tables
	u64 archive_start, archive_size; // physical; size 0: none
	u64 acpi_rsdp; // physical; 0: none
	char command_line[BOOT_COMMAND_LINE_BYTES];
	enum boot_way way;
	struct boot_framebuffer framebuffer;
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
	struct boot_serial serial;
	// From a device tree
	u64 device_tree, device_tree_size; // physical; size 0: none
	u32 npci_windows;
	struct boot_pci_window pci_window[BOOT_PCI_WINDOWS];
	struct boot_irq pci_irq[32][4]; // bus 0: device, pin A to D
	u64 timebase_hz; // RISC-V: of the time CSR
	u32 isa; // BOOT_ISA bits that all CPUs have
	u32 boot_hart; // RISC-V: where the kernel started
	struct boot_plic plic;
	struct boot_aplic aplic;
	struct boot_imsic imsic;
	struct boot_gic gic;
	struct boot_irq timer; // AArch64: the virtual timer's
	struct boot_irq hypervisor_timer; // AArch64, at EL2: its virtual timer's
	enum boot_psci psci;
	enum boot_rtc rtc_kind;
	u64 rtc;
	u64 realtime_seconds; // UTC at start; 0: unknown
	u32 nfacts;
	struct boot_fact fact[BOOT_FACTS];
	char warnings[512]; // text for the log
};
#endif
