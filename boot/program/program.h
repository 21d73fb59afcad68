// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The first program: found in the boot archive and checked, before the kernel
// proper runs. Archive and program file are input.
#ifndef BOOT_PROGRAM_PROGRAM_H
#define BOOT_PROGRAM_PROGRAM_H
#include "boot/parse.h"

// The last step of every way of booting: say which it was, fill in the facts, and
// find the first program, a warning if there is none.
void boot_finish(const struct boot_memory *memory, struct boot_info *info,
		 u16 machine);

// Find kochab/bin/<name> (name: the command-line word root=, or "root") in the
// boot archive and describe its segments in info->program. machine is the ELF
// number of the architecture. False and a warning when there is none or it is
// not valid.
bool program_find(const struct boot_memory *memory, struct boot_info *info,
		  u16 machine);

// The same for a program file in memory; physical is its address. Describes
// nothing unless the whole file is valid.
bool program_check(const u8 *file, u64 bytes, u64 physical, u16 machine,
		   struct boot_program *out);
#endif
