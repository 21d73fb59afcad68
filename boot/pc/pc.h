// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A PC, whichever way it was booted: firmware and boot loader to boot_info.
#ifndef BOOT_PC_PC_H
#define BOOT_PC_PC_H
#include "boot/parse.h"

// start: what boot/pvh/entry.S got in ebx; loader: what eax held then, if it came
// in by Multiboot2's entry, else 0. machine: of ELF files; image_end: physical end
// of the kernel. False, with a text in info->warnings, when there is no memory map.
bool pc_read(const struct boot_memory *memory, u64 start, u32 loader,
	     u16 machine, u64 image_end, struct boot_info *info);
#endif
