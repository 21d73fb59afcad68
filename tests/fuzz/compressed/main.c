// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Compressed kernels from a hostile hand: any header with any block, under a right
// checksum, gives neither an access outside (the sanitizers watch: memory is of the
// exact size) nor a claim of success with other than the wanted length; and with
// one bit changed anywhere behind the magic number it is refused.
#include <stdlib.h>
#include <string.h>

#include "boot/compressed/compressed.h"
#include "lib/base/checksum.h"

#define MEMORY_MAX (1u << 16)

static u32 sum_of(const struct compressed *kernel, usize bytes)
{
	usize from = OFFSET_OF(struct compressed, block_bytes);

	return crc32c(0, (const u8 *)kernel + from, bytes - from);
}

static void check_flip(struct compressed *kernel, usize bytes, u32 place)
{
	usize from = OFFSET_OF(struct compressed, sum);
	u8 *byte = (u8 *)kernel + from + place / 8 % (bytes - from);

	*byte ^= (u8)(1 << place % 8);
	if (compressed_check(kernel, bytes))
		abort();
	*byte ^= (u8)(1 << place % 8);
}

int LLVMFuzzerTestOneInput(const u8 *data, usize bytes)
{
	struct compressed *kernel;
	bool whole;
	u8 *to;
	u32 place;

	if (bytes < 4 + sizeof *kernel)
		return 0;
	memcpy(&place, data, 4);
	bytes -= 4;
	kernel = malloc(bytes);
	memcpy(kernel, data + 4, bytes);
	kernel->magic = COMPRESSED_MAGIC;
	whole = place & 1;
	if (whole) { // else the header's lengths are the fuzzer's as well
		kernel->block_bytes = (u32)(bytes - sizeof *kernel);
		kernel->image_bytes %= MEMORY_MAX;
		kernel->memory_bytes %= MEMORY_MAX;
	}
	kernel->sum = sum_of(kernel, bytes);
	if (compressed_check(kernel, bytes)) {
		if (kernel->block_bytes > bytes - sizeof *kernel)
			abort();
		if (whole)
			check_flip(kernel, bytes, place >> 1);
		if (kernel->memory_bytes <= MEMORY_MAX) {
			to = malloc(kernel->memory_bytes);
			(void)compressed_unpack(kernel, to);
			free(to);
		}
	}
	free(kernel);
	return 0;
}
