// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What our own first stages (boot/uefi, boot/bios) pass to the kernel: what only
// firmware that is gone by then could say. x86-64: its physical address is in ebx
// where PVH has hvm_start_info; AArch64: in x0 where Linux has the device tree.
// All pointers are physical; x86-64: everything lies below 4 GiB. AArch64: the
// device tree lies within 2 MiB behind the start of the handoff.
#ifndef BOOT_HANDOFF_HANDOFF_H
#define BOOT_HANDOFF_HANDOFF_H
#include "boot/parse.h"

#define HANDOFF_MAGIC 0x66666f646e61484bull // "KHandoff"

struct boot_handoff {
	u64 magic;
	u32 bytes; // of this structure
	enum boot_way way;
	u64 archive_start, archive_size; // size 0: none
	u64 acpi_rsdp; // 0: none
	u64 device_tree; // 0: none
	struct boot_framebuffer framebuffer;
	char command_line[BOOT_COMMAND_LINE_BYTES];
	char warnings[128]; // text for the log
	u64 realtime_seconds; // UTC since 1970; 0: unknown
	u32 nranges, reserved;
	struct boot_range range[BOOT_RANGES]; // any order, may overlap
};

// Is this the handoff's magic number? False when nothing can be seen there.
bool handoff_here(const struct boot_memory *memory, u64 physical);

// Into info, checked. False, with a text in info->warnings, when it is damaged or
// holds no memory map. *device_tree is 0 when there is none.
bool handoff_parse(const struct boot_memory *memory, u64 physical,
		   struct boot_info *info, u64 *device_tree);
#endif
