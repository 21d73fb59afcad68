// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The Multiboot2 way of booting (GRUB): boot information to boot_info.
#ifndef BOOT_MULTIBOOT2_MULTIBOOT2_H
#define BOOT_MULTIBOOT2_MULTIBOOT2_H
#include "boot/parse.h"

#define MULTIBOOT2_LOADER 0x36d76289 // in eax

// False, with a text in info->warnings, when there is no usable memory map.
bool multiboot2_parse(const struct boot_memory *memory, u64 start,
		      struct boot_info *info);
#endif
