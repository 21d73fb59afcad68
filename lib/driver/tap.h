// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A tap: a stream of bytes that one process writes and another reads along, over
// shared memory, without the writer ever waiting for the reader. Who reads too
// slowly loses what was overwritten, and is told so. Bytes are numbered since ever,
// so a new instance of either side goes on where the other is.
//
// The memory is the data area of a channel (lib/driver/channel.h), whose table of
// requests is not used. Neither side trusts it: positions are used modulo the size.
#ifndef LIB_DRIVER_TAP_H
#define LIB_DRIVER_TAP_H
#include "lib/base/types.h"

struct tap_shared {
	// The bytes before head are there; those before writing - bytes have been,
	// or are being, overwritten. Atomic.
	alignas(64) u64 head;
	u64 writing;
	alignas(64) u8 byte[];
};

struct tap {
	struct tap_shared *shared;
	u64 bytes; // a power of two
	u64 position; // of this side
};

// On memory of so many bytes; position is where shared->head is. False: too small.
bool tap_init(struct tap *tap, void *memory, u64 bytes);

// Writer.
void tap_write(struct tap *tap, const u8 *data, u32 bytes);

// Reader: at most limit bytes at position, which moves on. *lost: there were bytes
// in front of these that are gone.
u32 tap_read(struct tap *tap, u8 *data, u32 limit, bool *lost);
#endif
