// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Static ELF64 executables for native components. The file is hostile input:
// elf_parse() checks everything that elf_load() relies on. No segment may be both
// writable and executable, none may share a page with another.
//
// A position-independent one (ET_DYN) is moved so that it begins at the lowest
// address allowed. The words of it that hold addresses are listed in the format that
// linkers call RELR, in a segment of type ELF_MOVED.
#pragma once

#include "lib/base/status.h"

#define ELF_SEGMENTS 8
#define ELF_MOVED 0x6b6f6d76 // of this system

struct elf_segment {
	u64 address; // page-aligned
	u64 memory_bytes, file_bytes; // file_bytes <= memory_bytes
	u64 file_offset;
	u32 flags; // MAP_*
};

struct elf_image {
	const u8 *file;
	u64 move; // by how much; the addresses here are those after that
	u64 moved_offset, moved_bytes; // in the file: the list of words
	u64 entry;
	u32 nsegments;
	struct elf_segment segment[ELF_SEGMENTS]; // in order of address
};

// All segments must lie within lowest..highest. On ERR_FORMAT *why says what is
// wrong; the file must stay as it is while the image is used.
[[nodiscard]] enum status elf_parse(const u8 *file, u64 file_bytes, u64 lowest,
	u64 highest, struct elf_image *image, const char **why);

// Add the move to the words that hold addresses, in a copy of the file's bytes of
// this segment.
void elf_move(const struct elf_image *image, const struct elf_segment *segment,
	u8 *bytes);

// Copy the segments into memory made from the pool and map it in the address
// space. On an error what was mapped stays, until the pool is destroyed.
[[nodiscard]] enum status elf_load(const struct elf_image *image,
	struct handle pool, struct handle aspace);
