// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel's half of all address spaces: the same on every architecture, which
// only says what an entry looks like (arch_pte_kernel) and loads the root.
//   ARCH_DIRECT_BASE   all memory, writable, never executable, the kernel's text and
//                      constants read-only; and registers of the kernel's devices
//   image_start        the image: text, constants, data on pages of their own
//   STACKS             kernel stacks with guard pages
// All its tables are made before the frame allocator works, from behind the image:
// from info->kernel_end, which moves, to info->room_end.
#ifndef KERNEL_START_SPACE_H
#define KERNEL_START_SPACE_H
#include "kernel/arch/arch.h"

#define STACK_BYTES 0x4000

// Memory, image, stacks; not loaded yet. Returns the table of the highest of the
// KERNEL_LEVELS.
u64 space_init(struct boot_info *info);
u64 space_table(void); // an empty one
// Show physical memory from start to end at address; multiples of the page size.
void space_map(u64 root, u64 address, u64 start, u64 end,
	       enum kernel_page page);
void *space_map_device(u64 physical, u64 bytes); // in the direct map
u64 space_stack(u32 number); // of a CPU: the top of a new one; 0: no memory
u64 image_physical(const void *address); // of something in the image
#endif
