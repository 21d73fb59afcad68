// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See compressed.h.
#include "boot/compressed/compressed.h"
#include "lib/base/checksum.h"
#include "lib/base/string.h"

static_assert(sizeof(struct compressed) == 48);

#define SUMMED OFFSET_OF(struct compressed, block_bytes)

bool compressed_check(const struct compressed *kernel, u64 limit)
{
	if (limit < sizeof *kernel || kernel->magic != COMPRESSED_MAGIC ||
	    kernel->block_bytes > limit - sizeof *kernel)
		return false;
	return crc32c(0, &kernel->block_bytes,
		      sizeof *kernel - SUMMED + kernel->block_bytes) ==
		kernel->sum &&
		kernel->image_bytes <= kernel->memory_bytes &&
		kernel->entry < kernel->image_bytes;
}

bool compressed_unpack(const struct compressed *kernel, u8 *to)
{
	memset(to + kernel->image_bytes, 0,
	       kernel->memory_bytes - kernel->image_bytes);
	return lz4_unpack(kernel->block, kernel->block_bytes, to,
			  kernel->image_bytes);
}
