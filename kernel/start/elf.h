// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The loadable segments of a static 64-bit ELF program, for the first process
// only (others are loaded by user space).
#ifndef KERNEL_START_ELF_H
#define KERNEL_START_ELF_H
#include "lib/base/types.h"

struct elf_segment {
	u64 address, memory_bytes;
	const void *data;
	u64 data_bytes; // <= memory_bytes
	u32 flags; // MAP_*
};

// Check the whole file, then call place for each segment. False: not valid, and
// place was not called.
bool elf_load(const void *file, u64 bytes,
	      void (*place)(void *context, const struct elf_segment *segment),
	      void *context, u64 *entry);
#endif
