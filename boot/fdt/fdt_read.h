// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Device trees (Devicetree Specification 0.4) to boot_info: memory, CPUs and where
// they sit, interrupt controllers, the serial port, PCI, clocks, the boot archive
// and the command line. A tree is input: its structure is checked as a whole
// before anything is read, lists are bounded, numbers that cannot be are ignored
// with a warning.
#ifndef BOOT_FDT_FDT_READ_H
#define BOOT_FDT_FDT_READ_H
#include "boot/parse.h"

// What the boot loader left at start: a device tree, or our own first stage's
// handoff with one. With ACPI tables instead only what the handoff itself says is
// read, and info->ncpus stays 0. False, with a text in info->warnings, when that cannot be used.
bool fdt_start(const struct boot_memory *memory, u64 start,
	       struct boot_info *info);

// False, with a text in info->warnings, when there is no usable tree at physical,
// or it names no memory or no CPU. What info has of memory map, command line and
// archive already stays. Calls boot_ranges_finish().
bool fdt_read(const struct boot_memory *memory, u64 physical,
	      struct boot_info *info);
#endif
