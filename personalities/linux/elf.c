// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// ELF64, as far as loading needs it: System V ABI, ELF chapter 5. Nothing of the
// file is believed.
#include "personalities/linux/elf.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"

#define TYPE_EXECUTABLE 2
#define TYPE_SHARED 3
#define SEGMENT_LOAD 1
#define SEGMENT_INTERPRETER 3
#define SEGMENT_TABLE 6

struct header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, table_offset, section_offset;
	u32 flags;
	u16 header_bytes, program_bytes, program_count, section_bytes,
		section_count, name_section;
};
static_assert(sizeof(struct header) == ELF_HEADER_BYTES);

struct program {
	u32 type, flags;
	u64 offset, address, physical, file_bytes, memory_bytes, alignment;
};
static_assert(sizeof(struct program) == ELF_PROGRAM_BYTES);

i64 elf_check_header(const void *bytes, usize length, u64 file_bytes,
		     struct elf_image *image, u64 *table_offset)
{
	static const u8 magic[7] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
	struct header header;

	if (length < sizeof(header) || file_bytes < sizeof(header))
		return -ENOEXEC;
	memcpy(&header, bytes, sizeof(header));
	if (memcmp(header.ident, magic, sizeof(magic)) != 0 ||
	    header.machine != ELF_MACHINE || header.version != 1 ||
	    (header.type != TYPE_EXECUTABLE && header.type != TYPE_SHARED))
		return -ENOEXEC;
	if (header.program_bytes != ELF_PROGRAM_BYTES ||
	    !header.program_count || header.program_count > ELF_HEADERS ||
	    !range_within(header.table_offset,
			  header.program_count * sizeof(struct program),
			  file_bytes))
		return -ENOEXEC;
	*image = (struct elf_image){.relocatable = header.type == TYPE_SHARED,
				    .entry = header.entry,
				    .table_count = header.program_count};
	*table_offset = header.table_offset;
	return 0;
}

static i64 add_segment(const struct program *p, u64 file_bytes, u64 limit,
		       struct elf_image *image)
{
	struct elf_segment *segment = &image->segment[image->nsegments];
	u64 start = align_down(p->address, PAGE);

	if (p->memory_bytes == 0)
		return 0;
	if (image->nsegments == ELF_SEGMENTS ||
	    p->file_bytes > p->memory_bytes ||
	    !range_within(p->offset, p->file_bytes, file_bytes) ||
	    !range_within(p->address, p->memory_bytes, limit) ||
	    p->address % PAGE != p->offset % PAGE)
		return -ENOEXEC;
	// In ascending order and on pages of their own.
	if (image->nsegments && start < image->high)
		return -ENOEXEC;
	*segment = (struct elf_segment){
		p->address, p->offset, p->file_bytes, p->memory_bytes,
		(p->flags & 4 ? PROT_READ : 0u) |
			(p->flags & 2 ? PROT_WRITE : 0u) |
			(p->flags & 1 ? PROT_EXEC : 0u)};
	if (!image->nsegments++)
		image->low = start;
	image->high = align_up(p->address + p->memory_bytes, PAGE);
	return 0;
}

// Some segment contains it.
static bool contains(const struct elf_image *image, u64 address, u64 bytes)
{
	for (u32 i = 0; i < image->nsegments; i++) {
		const struct elf_segment *s = &image->segment[i];

		if (address >= s->address &&
		    range_within(address - s->address, bytes, s->memory_bytes))
			return true;
	}
	return false;
}

i64 elf_check_segments(const void *table, usize bytes, u64 table_offset,
		       u64 file_bytes, u64 limit, struct elf_image *image)
{
	u64 table_address = 0;
	struct program program;
	i64 error;

	if (bytes < image->table_count * sizeof(program))
		return -ENOEXEC;
	for (u32 i = 0; i < image->table_count; i++) {
		memcpy(&program, (const u8 *)table + i * sizeof(program),
		       sizeof(program));
		if (program.type == SEGMENT_INTERPRETER)
			image->dynamic = true;
		if (program.type == SEGMENT_TABLE)
			table_address = program.address;
		if (program.type != SEGMENT_LOAD)
			continue;
		error = add_segment(&program, file_bytes, limit, image);
		if (error)
			return error;
		if (!table_address && table_offset >= program.offset &&
		    table_offset - program.offset < program.file_bytes)
			table_address = program.address +
				(table_offset - program.offset);
	}
	if (!image->nsegments || !contains(image, image->entry, 1))
		return -ENOEXEC;
	if (contains(image, table_address,
		     image->table_count * sizeof(program)))
		image->table_address = table_address;
	return 0;
}
