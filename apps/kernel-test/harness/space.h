// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The running program in another address space: its constants and code shared
// (through copies made once), its data as they are now. The program has no
// initialised variables, so its data are .bss.
#pragma once

#include "lib/base/status.h"
#include "lib/base/types.h"

// Where pages are mapped for a moment.
#define SPACE_TEMPORARY 0x3400000000ull

// Make the copies of constants and code, in slots slot and slot + 1. Once.
enum status space_prepare(struct handle pool, u32 slot);

// Map the program into aspace; its data become a memory from pool in slot
// data_slot. What lies in [skip, skip + skip_bytes) (page multiples) is left zero.
enum status space_fill(struct handle pool, struct handle aspace, u32 data_slot,
		       u64 skip, u64 skip_bytes);
