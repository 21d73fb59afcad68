// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// ELF checks: a good file in every truncation and with every bit of its headers
// flipped; what is accepted must lie within its bounds.
#include "personalities/linux/elf.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/linux/check.h"

#define LIMIT 0x1800000000ull
#define FILE_BYTES 0x3000ull

static u8 file[FILE_BYTES];

static void put(u32 at, u64 value, u32 bytes)
{
	memcpy(file + at, &value, bytes);
}

static void segment(u32 at, u32 type, u32 flags, u64 offset, u64 address,
		    u64 file_bytes, u64 memory_bytes)
{
	put(at, type, 4);
	put(at + 4, flags, 4);
	put(at + 8, offset, 8);
	put(at + 16, address, 8);
	put(at + 32, file_bytes, 8);
	put(at + 40, memory_bytes, 8);
	put(at + 48, 4096, 8);
}

static void good_file(void)
{
	memset(file, 0, sizeof(file));
	memcpy(file,
	       "\x7f"
	       "ELF\2\1\1",
	       7);
	put(16, 2, 2);
	put(18, 62, 2);
	put(20, 1, 4);
	put(24, 0x401000, 8);
	put(32, 64, 8);
	put(52, 64, 2);
	put(54, 56, 2);
	put(56, 3, 2);
	segment(64, 1, 4, 0, 0x400000, 0x200, 0x200);
	segment(120, 1, 5, 0x1000, 0x401000, 0x800, 0x800);
	segment(176, 1, 6, 0x2000, 0x402000, 0x400, 0x3000);
}

static i64 load(usize bytes, struct elf_image *image)
{
	u64 table_offset;
	u8 *copy = malloc(bytes ? bytes : 1); // so that reading on is seen
	i64 error;

	memcpy(copy, file, bytes);
	error = elf_check_header(copy, bytes, bytes, image, &table_offset);
	if (!error)
		error = elf_check_segments(copy + table_offset,
					   bytes - table_offset, table_offset,
					   bytes, LIMIT, image);
	free(copy);
	return error;
}

static void bounded(const struct elf_image *image, u64 bytes)
{
	bool entry = false;

	CHECK(image->nsegments >= 1 && image->nsegments <= ELF_SEGMENTS);
	CHECK(image->low < image->high && image->high <= LIMIT + PAGE);
	for (u32 i = 0; i < image->nsegments; i++) {
		const struct elf_segment *s = &image->segment[i];

		CHECK(s->file_bytes <= s->memory_bytes);
		CHECK(s->file_offset + s->file_bytes <= bytes);
		CHECK(s->address + s->memory_bytes <= LIMIT);
		CHECK(s->address % PAGE == s->file_offset % PAGE);
		if (i)
			CHECK(s->address / PAGE * PAGE >=
			      image->segment[i - 1].address +
				      image->segment[i - 1].memory_bytes);
		if (image->entry >= s->address &&
		    image->entry < s->address + s->memory_bytes)
			entry = true;
	}
	CHECK(entry);
}

void test_elf(void)
{
	struct elf_image image;

	good_file();
	CHECK(load(FILE_BYTES, &image) == 0);
	CHECK(image.nsegments == 3 && image.entry == 0x401000);
	CHECK(image.low == 0x400000 && image.high == 0x405000);
	CHECK(image.table_address == 0x400040 && image.table_count == 3);
	CHECK(!image.relocatable && !image.dynamic);
	bounded(&image, FILE_BYTES);

	for (usize bytes = 0; bytes < FILE_BYTES; bytes++)
		if (load(bytes, &image) == 0)
			bounded(&image, bytes);
	CHECK(load(63, &image) == -ENOEXEC);
	CHECK(load(200, &image) == -ENOEXEC); // within the table

	for (u32 bit = 0; bit < 232 * 8; bit++) {
		good_file();
		file[bit / 8] ^= (u8)(1 << bit % 8);
		if (load(FILE_BYTES, &image) == 0)
			bounded(&image, FILE_BYTES);
	}
	good_file();
	put(18, 3, 2); // 386
	CHECK(load(FILE_BYTES, &image) == -ENOEXEC);
	good_file();
	put(24, 0x500000, 8); // entry outside
	CHECK(load(FILE_BYTES, &image) == -ENOEXEC);
	good_file();
	segment(176, 1, 6, 0x2000, 0x400000, 0x400, 0x3000); // overlaps
	CHECK(load(FILE_BYTES, &image) == -ENOEXEC);
	good_file();
	segment(176, 1, 6, 0x2000, ~0ull - 0xfff, 0x400, 0x3000); // wraps
	CHECK(load(FILE_BYTES, &image) == -ENOEXEC);
	good_file();
	segment(120, 3, 4, 0x1000, 0x401000, 16, 16);
	put(24, 0x400100, 8);
	CHECK(load(FILE_BYTES, &image) == 0 && image.dynamic);
}
