// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The checker of native ELF files: a good file, every single rule broken, every
// truncation, and random changes, after which whatever is accepted must still obey
// all rules (the sanitizers watch the reading).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/constants.h"
#include "lib/process/elf.h"

#define CHECK(condition)                                                     \
	do {                                                                 \
		if (!(condition)) {                                          \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                             \
		}                                                            \
	} while (0)

#define LOW 0x400000ull
#define HIGH 0x10000000ull
#define FILE_BYTES 0x3000

static u8 file[FILE_BYTES];
static struct elf_image image;

static void put(u32 at, u64 value, u32 bytes)
{
	memcpy(file + at, &value, bytes);
}

static void segment(u32 i, u32 flags, u64 offset, u64 address, u64 file_bytes,
	u64 memory_bytes)
{
	u32 at = 64 + i * 56;

	put(at, 1, 4);
	put(at + 4, flags, 4);
	put(at + 8, offset, 8);
	put(at + 16, address, 8);
	put(at + 24, address, 8);
	put(at + 32, file_bytes, 8);
	put(at + 40, memory_bytes, 8);
	put(at + 48, 4096, 8);
}

// Read-only data, text with the entry point, data with a longer bss, a stack mark.
static void make(void)
{
	memset(file, 0, sizeof(file));
	memcpy(file, "\177ELF\2\1\1", 7);
	put(16, 2, 2);
	put(18, 62, 2);
	put(20, 1, 4);
	put(24, 0x401010, 8);
	put(32, 64, 8);
	put(52, 64, 2);
	put(54, 56, 2);
	put(56, 4, 2);
	segment(0, 4, 0, 0x400000, 0x800, 0x800);
	segment(1, 5, 0x1000, 0x401000, 0x200, 0x200);
	segment(2, 6, 0x2000, 0x402000, 0x100, 0x5000);
	segment(3, 6, 0, 0, 0, 0);
	put(64 + 3 * 56, 0x6474e551, 4);
}

static enum status check(u64 bytes)
{
	const char *why = "?";
	u8 *copy = malloc(bytes ? bytes : 1);

	memcpy(copy, file, bytes);
	enum status status = elf_parse(copy, bytes, LOW, HIGH, &image, &why);
	CHECK((status == STATUS_OK) == (why == nullptr));
	free(copy);
	return status;
}

static void rules_hold(u64 bytes)
{
	u64 end = LOW;
	bool entry = false;

	CHECK(image.nsegments >= 1 && image.nsegments <= ELF_SEGMENTS);
	for (u32 i = 0; i < image.nsegments; i++) {
		const struct elf_segment *s = &image.segment[i];
		CHECK(s->address % 4096 == 0 && s->address >= end);
		end = (s->address + s->memory_bytes + 4095) & ~4095ull;
		CHECK(end <= HIGH && s->file_bytes <= s->memory_bytes);
		CHECK(s->file_offset <= bytes &&
			s->file_bytes <= bytes - s->file_offset);
		CHECK((s->flags & (MAP_WRITE | MAP_EXEC)) !=
			(MAP_WRITE | MAP_EXEC));
		entry |= (s->flags & MAP_EXEC) && image.entry >= s->address &&
			image.entry < s->address + s->file_bytes;
	}
	CHECK(entry);
}

static void refuse(u32 at, u64 value, u32 bytes)
{
	make();
	put(at, value, bytes);
	if (check(FILE_BYTES) == STATUS_OK) {
		printf("accepted: %lx at %u\n", value, at);
		exit(1);
	}
}

static void test_rules(void)
{
	make();
	CHECK(check(FILE_BYTES) == STATUS_OK);
	CHECK(image.nsegments == 3 && image.entry == 0x401010);
	CHECK(image.segment[2].memory_bytes == 0x5000);
	rules_hold(FILE_BYTES);
	refuse(0, 0, 1); // magic
	refuse(4, 1, 1); // 32 bits
	refuse(5, 2, 1); // big-endian
	refuse(16, 1, 2); // not linked
	refuse(16, 4, 2); // a memory image
	refuse(18, 183, 2); // another machine
	refuse(24, 0x400010, 8); // entry in data
	refuse(24, 0x402000, 8); // entry in writable memory
	refuse(24, 0x401200, 8); // entry behind the text
	refuse(32, FILE_BYTES, 8); // headers outside
	refuse(32, ~0ull, 8);
	refuse(54, 32, 2);
	refuse(56, 0, 2);
	refuse(56, 0xffff, 2);
	refuse(64, 3, 4); // wants an interpreter
	refuse(64, 2, 4); // dynamic
	refuse(64 + 8, FILE_BYTES, 8); // segment outside
	refuse(64 + 8, ~0ull, 8);
	refuse(64 + 16, 0, 8); // below
	refuse(64 + 16, HIGH, 8); // above
	refuse(64 + 16, ~0xfffull, 8);
	refuse(64 + 16, 0x400800, 8); // not aligned
	refuse(64 + 32, 0x900, 8); // more file than memory
	refuse(64 + 40, 1ull << 40, 8);
	refuse(64 + 40, 0x1001, 8); // overlaps the text
	refuse(64 + 4, 0, 4); // not readable
	refuse(64 + 56 + 4, 7, 4); // writable and executable
	refuse(64 + 56 + 16, 0x3ff000, 8);
	refuse(64 + 2 * 56 + 16, 0x401000, 8); // same page
	refuse(64 + 2 * 56 + 16, 0x400000, 8); // out of order
}

// The same file linked elsewhere, with a list of words to move: it begins where it is
// allowed to begin, and the words listed, and no others, grow by the way it went.
#define LINKED 0x7c0000100000ull
#define LIST 0x2800
static void make_movable(void)
{
	make();
	put(16, 3, 2);
	put(24, LINKED + 0x1010, 8);
	for (u32 i = 0; i < 3; i++)
		put(64 + i * 56 + 16, LINKED + 0x1000 * i, 8);
	put(56, 5, 2);
	segment(4, 4, LIST, LINKED + 0x800, 40, 40);
	put(64 + 4 * 56, ELF_MOVED, 4);
	put(LIST, LINKED + 0x10, 8); // a word
	put(LIST + 8, 0b1011, 8); // of the 63 behind it the first and the third
	put(LIST + 16, 1ull << 63 | 1, 8); // of the 63 behind those the last
	put(LIST + 24, LINKED + 0x20f8, 8); // the last of the data's file bytes
	put(LIST + 32, 7, 8); // bss, which has none
}

static u64 moved_at(u32 i, u64 offset)
{
	static u8 copy[0x1000];
	u64 value;

	memset(copy, 0, sizeof(copy));
	elf_move(&image, &image.segment[i], copy);
	memcpy(&value, copy + offset, 8);
	return value;
}

static void test_move(void)
{
	const char *why;
	u32 words = 0;

	make_movable();
	CHECK(elf_parse(file, FILE_BYTES, LOW, HIGH, &image, &why) ==
		STATUS_OK);
	CHECK(image.nsegments == 3 && image.entry == 0x401010);
	CHECK(image.segment[0].address == LOW &&
		image.segment[2].address == LOW + 0x2000);
	rules_hold(FILE_BYTES);
	CHECK(image.move == LOW - LINKED);
	for (u64 at = 0; at < 0x800; at += 8)
		words += moved_at(0, at) != 0;
	CHECK(words == 4 && moved_at(0, 0x10) == LOW - LINKED &&
		moved_at(0, 0x18) && moved_at(0, 0x28) &&
		moved_at(0, 0x18 + 63 * 8 + 62 * 8));
	for (u64 at = 0; at < 0x1000; at += 8) {
		CHECK(moved_at(1, at) == 0);
		CHECK(moved_at(2, at) == (at == 0xf8 ? LOW - LINKED : 0));
	}
	// Where it was linked for nothing is moved.
	CHECK(elf_parse(file, FILE_BYTES, LINKED, LINKED + HIGH, &image,
			&why) == STATUS_OK);
	CHECK(image.move == 0 && moved_at(0, 0x10) == 0);
	// Too large, or behind the first at another distance than it says.
	CHECK(elf_parse(file, FILE_BYTES, LOW, LOW + 0x3000, &image, &why) !=
		STATUS_OK);
	for (u32 i = 0; i < 7; i++) {
		static const struct {
			u32 at;
			u64 value;
		} bad[] = {{64 + 16, LINKED + 0x800},
			   {64 + 56 + 16, LINKED + 0x1800},
			   {64 + 56 + 16, LOW},
			   {64 + 4 * 56 + 8, FILE_BYTES},
			   {64 + 4 * 56 + 32, FILE_BYTES},
			   {64 + 4 * 56 + 32, 41},
			   {64 + 3 * 56, ELF_MOVED | 4ull << 32}};

		make_movable();
		put(64 + 3 * 56 + 32, 8, 8);
		put(bad[i].at, bad[i].value, 8);
		CHECK(check(FILE_BYTES) != STATUS_OK);
	}
}

static u32 seed = 99;

static u32 random_next(void)
{
	return (seed = seed * 1664525 + 1013904223) >> 8;
}

static void test_damage(void)
{
	static u8 copy[0x6000];
	u32 accepted = 0;

	make();
	for (u64 bytes = 0; bytes < FILE_BYTES; bytes++)
		if (check(bytes) == STATUS_OK)
			rules_hold(bytes);
	for (u32 round = 0; round < 200000; round++) {
		if (round % 2)
			make_movable();
		else
			make();
		for (u32 k = random_next() % 3 + 1; k; k--)
			file[random_next() % (64 + 5 * 56)] =
				(u8)random_next();
		if (round % 2)
			file[LIST + random_next() % 40] = (u8)random_next();
		if (check(FILE_BYTES) == STATUS_OK) {
			rules_hold(FILE_BYTES);
			image.file = file;
			for (u32 i = 0; i < image.nsegments; i++)
				if (image.segment[i].file_bytes <= sizeof(copy))
					elf_move(&image, &image.segment[i],
						copy);
			accepted++;
		}
	}
	CHECK(accepted > 0);
	printf("%u of 200000 damaged files are still good ones\n", accepted);
}

int main(void)
{
	test_rules();
	test_move();
	test_damage();
	puts("elf: ok");
	return 0;
}
