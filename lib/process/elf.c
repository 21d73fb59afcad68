// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Reads static ELF64 executables (System V ABI, generic part, chapters 4 and 5).
// elf_parse() touches nothing but the file; elf_load() makes and maps memory.
#include "lib/process/elf.h"

#include "abi/constants.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/arch/counter.h"

#define ELF_EXEC 2 // e_type: static executable
#define ELF_MOVABLE 3 // position-independent
#define ELF_LOAD 1 // p_type
#define ELF_DYNAMIC 2
#define ELF_INTERPRETER 3
#define HEADERS_MAX 32
#define IMAGE_MAX (256ull << 20)

struct elf_header {
	u8 magic[4];
	u8 class, data, version, abi;
	u8 padding[8];
	u16 type, machine;
	u32 version2;
	u64 entry, program_offset, section_offset;
	u32 flags;
	u16 header_bytes, program_bytes, nprograms;
	u16 section_bytes, nsections, names;
};
static_assert(sizeof(struct elf_header) == 64);

struct elf_program {
	u32 type, flags;
	u64 offset, address, physical, file_bytes, memory_bytes, alignment;
};
static_assert(sizeof(struct elf_program) == 56);

static const char *check_header(const struct elf_header *h, u64 file_bytes)
{
	if (memcmp(h->magic, "\177ELF", 4) != 0)
		return "not an ELF file";
	if (h->class != 2 || h->data != 1 || h->version != 1)
		return "not a 64-bit little-endian ELF file";
	if (h->type != ELF_EXEC && h->type != ELF_MOVABLE)
		return "not a static executable";
	if (h->machine != ARCH_ELF_MACHINE)
		return "for another machine";
	if (h->program_bytes != sizeof(struct elf_program) ||
		h->nprograms == 0 || h->nprograms > HEADERS_MAX)
		return "bad program headers";
	if (!range_within(h->program_offset,
		    (u64)h->nprograms * sizeof(struct elf_program), file_bytes))
		return "program headers outside the file";
	return nullptr;
}

static const char *check_segment(const struct elf_program *p, u64 file_bytes,
	u64 lowest, u64 highest)
{
	if (!range_within(p->offset, p->file_bytes, file_bytes))
		return "segment outside the file";
	if (p->file_bytes > p->memory_bytes || p->memory_bytes > IMAGE_MAX)
		return "bad segment size";
	if (p->address < lowest || p->address > highest ||
		p->memory_bytes > highest - p->address)
		return "segment outside the allowed addresses";
	if (!is_aligned(p->address, PAGE_BYTES))
		return "segment not page-aligned";
	if ((p->flags & 3) == 3)
		return "segment both writable and executable";
	if (!(p->flags & 4))
		return "segment not readable";
	return nullptr;
}

// Segments come in order of address: then only neighbours can overlap.
static const char *add_segment(struct elf_image *image,
	const struct elf_program *p)
{
	u32 flags = MAP_READ | (p->flags & 1 ? MAP_EXEC : 0) |
		(p->flags & 2 ? MAP_WRITE : 0);

	if (image->nsegments == ELF_SEGMENTS)
		return "too many segments";
	if (image->nsegments) {
		const struct elf_segment *last =
			&image->segment[image->nsegments - 1];
		if (p->address < align_up(last->address + last->memory_bytes,
					 PAGE_BYTES))
			return "segments overlap or are out of order";
	}
	image->segment[image->nsegments++] = (struct elf_segment){
		p->address, p->memory_bytes, p->file_bytes, p->offset, flags,
	};
	return nullptr;
}

static const char *add_moved(struct elf_image *image,
	const struct elf_program *p, u64 file_bytes)
{
	if (image->moved_bytes ||
		!range_within(p->offset, p->file_bytes, file_bytes) ||
		!is_aligned(p->file_bytes, 8))
		return "bad list of words to move";
	image->moved_offset = p->offset;
	image->moved_bytes = p->file_bytes;
	return nullptr;
}

static const char *check_entry(const struct elf_image *image)
{
	for (u32 i = 0; i < image->nsegments; i++) {
		const struct elf_segment *s = &image->segment[i];
		if ((s->flags & MAP_EXEC) && image->entry >= s->address &&
			image->entry - s->address < s->file_bytes)
			return nullptr;
	}
	return "entry point not in an executable segment";
}

static const char *parse(const u8 *file, u64 file_bytes, u64 lowest,
	u64 highest, struct elf_image *image)
{
	struct elf_header header;
	struct elf_program program;
	const char *why;

	if (file_bytes < sizeof(header))
		return "too short for an ELF file";
	memcpy(&header, file, sizeof(header));
	why = check_header(&header, file_bytes);
	if (why)
		return why;
	*image = (struct elf_image){.file = file};
	for (u32 i = 0; i < header.nprograms && !why; i++) {
		memcpy(&program, file + header.program_offset +
			(u64)i * sizeof(program), sizeof(program));
		if (program.type == ELF_DYNAMIC ||
			program.type == ELF_INTERPRETER)
			return "dynamically linked";
		if (program.type == ELF_MOVED)
			why = add_moved(image, &program, file_bytes);
		if (program.type != ELF_LOAD || program.memory_bytes == 0)
			continue;
		if (header.type == ELF_MOVABLE && !image->nsegments)
			image->move = lowest -
				align_down(program.address, PAGE_BYTES);
		program.address += image->move;
		why = check_segment(&program, file_bytes, lowest, highest);
		if (!why)
			why = add_segment(image, &program);
	}
	image->entry = header.entry + image->move;
	return why ? why : check_entry(image);
}

enum status elf_parse(const u8 *file, u64 file_bytes, u64 lowest, u64 highest,
	struct elf_image *image, const char **why)
{
	*why = parse(file, file_bytes, lowest, highest, image);
	return *why ? ERR_FORMAT : STATUS_OK;
}

// A word with bit 0 clear is the address of the next word to move; one with it set
// stands for the 63 words that follow the last, by its other bits.
void elf_move(const struct elf_image *image, const struct elf_segment *segment,
	u8 *bytes)
{
	const u8 *list = image->file + image->moved_offset;
	u64 start = segment->address - image->move; // as it was linked
	u64 next = 0, word, value;

	for (u64 i = 0; image->move && i < image->moved_bytes; i += 8) {
		memcpy(&word, list + i, 8);
		u64 bits = word & 1 ? word >> 1 : 1;
		u64 first = word & 1 ? next : word;
		for (u64 at = first - start; bits; bits >>= 1, at += 8) {
			if (!(bits & 1) ||
				!range_within(at, 8, segment->file_bytes))
				continue;
			memcpy(&value, bytes + at, 8);
			value += image->move;
			memcpy(bytes + at, &value, 8);
		}
		next = first + (word & 1 ? 63 * 8 : 8);
	}
}
