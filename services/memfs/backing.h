// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Where the contents of memfs's files lie: memory objects in numbered slots that
// outlive the server, reached through windows of its address space. backing.c
// does it with the kernel; the host's tests bring their own.
#ifndef SERVICES_MEMFS_BACKING_H
#define SERVICES_MEMFS_BACKING_H
#include "lib/base/status.h"

#define WINDOW_BYTES (2ull << 20)

// An object of that many bytes, all zero, in an empty slot. NOSPACE.
[[nodiscard]] enum status backing_create(u32 slot, u64 bytes);
// Empties the slot, if there is something in it.
void backing_destroy(u32 slot);
// Where the byte at offset can be reached, and how many bytes behind it.
// Offset below the object's size. Valid until the next call. IO.
[[nodiscard]] enum status backing_window(u32 slot, u64 offset, u8 **address,
					 u64 *bytes);
// Whole pages from offset on read as zero again.
[[nodiscard]] enum status backing_zero(u32 slot, u64 offset, u64 bytes);
// May so many pages be touched for the first time? Asked before they are,
// because a page that cannot be had would end the server.
bool backing_room(u64 pages);
// Pages in all, and pages left.
void backing_pages(u64 *limit, u64 *left);
i64 backing_time_ns(void); // UTC since 1970
#endif
