// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The part of backing.c that only the server itself uses.
#ifndef SERVICES_MEMFS_NATIVE_H
#define SERVICES_MEMFS_NATIVE_H
#include "lib/base/types.h"

// Find the cnode and the pool; returns the number of slots.
u32 backing_open(void);
struct handle backing_object(u32 slot);
#endif
