// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// ELF files from a hostile hand, through the checks of the Linux personality.
// What is accepted must lie within the file and the addresses allowed. The
// input's identification bytes are made right: a fuzzer does not guess them.
#include "personalities/linux/elf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 0x1800000000ull
#define REQUIRE(condition)                                                     \
	do                                                                     \
		if (!(condition))                                              \
			abort();                                               \
	while (0)

static void judge(const struct elf_image *image, u64 bytes)
{
	u64 end = 0;

	REQUIRE(image->nsegments && image->nsegments <= ELF_SEGMENTS);
	REQUIRE(image->low < image->high);
	for (u32 i = 0; i < image->nsegments; i++) {
		const struct elf_segment *s = &image->segment[i];

		REQUIRE(s->file_bytes <= s->memory_bytes);
		REQUIRE(s->file_offset <= bytes &&
			s->file_bytes <= bytes - s->file_offset);
		REQUIRE(s->address <= LIMIT &&
			s->memory_bytes <= LIMIT - s->address);
		REQUIRE(s->address / PAGE * PAGE >= end);
		end = s->address + s->memory_bytes;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_image image;
	u64 table_offset;
	u8 header[ELF_HEADER_BYTES];

	if (size < sizeof(header))
		return 0;
	memcpy(header, data, sizeof(header));
	memcpy(header,
	       "\x7f"
	       "ELF\2\1\1",
	       7);
	header[18] = 62, header[19] = 0;
	header[20] = 1, header[21] = header[22] = header[23] = 0;
	header[54] = ELF_PROGRAM_BYTES, header[55] = 0;
	if (elf_check_header(header, sizeof(header), size, &image,
			     &table_offset))
		return 0;
	if (elf_check_segments(data + table_offset, size - table_offset,
			       table_offset, size, LIMIT, &image) == 0)
		judge(&image, size);
	return 0;
}
