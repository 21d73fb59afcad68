// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The library's own side of the heap: heap_alloc() and its like are declared in
// lib/sys/component.h.
#pragma once

#include "lib/base/types.h"

// Use this memory, which reads as zero at first. Called once.
void heap_init(void *start, usize bytes);

// Bytes in use, headers included, and whether every block is consistent.
usize heap_used(void);
bool heap_check(void);
