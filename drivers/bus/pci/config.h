// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// PCI configuration space by ECAM, and the functions found in it. Registers: PCI
// Local Bus Specification 3.0, chapter 6; PCI Express Base Specification, 7.2.2.
#ifndef DRIVERS_BUS_PCI_CONFIG_H
#define DRIVERS_BUS_PCI_CONFIG_H
#include "lib/base/status.h"

#define CONFIG_BYTES 4096 // of one function
#define FUNCTIONS_MAX 128
#define BARS 6

#define CONFIG_ID 0x00
#define CONFIG_COMMAND 0x04
#define CONFIG_STATUS 0x06
#define CONFIG_CLASS 0x08
#define CONFIG_HEADER 0x0e
#define CONFIG_BAR 0x10
#define CONFIG_BUSES 0x18 // bridges
#define CONFIG_CAPABILITIES 0x34
#define CONFIG_PIN 0x3d
#define COMMAND_MEMORY 0x002
#define COMMAND_MASTER 0x004
#define COMMAND_NO_INTX 0x400
#define STATUS_CAPABILITIES 0x10
#define HEADER_MULTI 0x80
#define CAPABILITY_MSI 0x05
#define CAPABILITY_VENDOR 0x09
#define CAPABILITY_EXPRESS 0x10
#define CAPABILITY_MSIX 0x11

struct bar {
	u64 address, size_bytes; // the processor's address; size 0: none
	u64 usable_bytes; // up to an MSI-X table that lies in it
};

struct function {
	u32 location; // bus << 8 | device << 3 | function
	u32 id; // vendor << 16 | device
	u32 class_code;
	u8 header;
	bool probed;
	struct bar bar[BARS];
};

// Addresses of the processor that reach PCI addresses. Machines whose firmware has
// given out the addresses have none: the two are the same.
#define WINDOWS_MAX 4
struct window {
	u64 address, pci, size;
	u64 next; // PCI address that is free
	bool wide; // for 64-bit BARs
};

// The space of buses first..last, mapped at base.
struct config {
	volatile u8 *base;
	u32 first_bus, last_bus;
	struct function function[FUNCTIONS_MAX];
	u32 count;
	struct window window[WINDOWS_MAX];
	u32 nwindows;
};

u32 config_read(const struct config *config, u32 location, u32 offset,
		u32 width);
void config_write(const struct config *config, u32 location, u32 offset,
		  u32 width, u32 value);
// Find all functions, through bridges as the firmware has numbered them.
void config_scan(struct config *config);
// Sizes of the memory BARs. The function must be idle: decoding is off meanwhile.
void config_probe(const struct config *config, struct function *function);
// Give addresses to the BARs of all functions, where nobody has done so: there are
// windows, and no function decodes memory yet.
void config_assign(struct config *config);
// Offset of the occurrence-th capability with this id, or 0.
u32 config_capability(const struct config *config, u32 location, u32 id,
		      u32 occurrence);
#endif
