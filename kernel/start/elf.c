// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// ELF-64 (System V ABI, chapter 4 and 5): header and program headers.
#include "kernel/start/elf.h"
#include "abi/constants.h"
#include "lib/base/string.h"

struct elf_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, program_offset, section_offset;
	u32 flags;
	u16 header_bytes, program_bytes, program_count;
	u16 section_bytes, section_count, section_names;
};

struct elf_program {
	u32 type, flags;
	u64 offset, address, physical, file_bytes, memory_bytes, align;
};

#define ELF_EXECUTABLE 2
#define ELF_LOAD 1
#define PROGRAMS_MAX 16

// Executable, writable, readable bits of a program header.
static u32 map_flags(u32 elf_flags)
{
	return (elf_flags & 4 ? MAP_READ : 0) | (elf_flags & 2 ? MAP_WRITE : 0) |
	       (elf_flags & 1 ? MAP_EXEC : 0);
}

static bool segment_ok(const struct elf_program *p, u64 file_bytes)
{
	u32 flags = map_flags(p->flags);

	return p->file_bytes <= p->memory_bytes && p->memory_bytes &&
	       p->offset <= file_bytes &&
	       p->file_bytes <= file_bytes - p->offset &&
	       p->address >= PAGE_BYTES && p->address < USER_END &&
	       p->memory_bytes < USER_END - p->address &&
	       !(flags & MAP_WRITE && flags & MAP_EXEC) && flags & MAP_READ;
}

bool elf_load(const void *file, u64 bytes,
	      void (*place)(void *, const struct elf_segment *), void *context,
	      u64 *entry)
{
	struct elf_header header;
	struct elf_program program[PROGRAMS_MAX];

	if (bytes < sizeof header)
		return false;
	memcpy(&header, file, sizeof header);
	if (memcmp(header.ident, "\177ELF\2\1\1", 7) != 0 ||
	    header.type != ELF_EXECUTABLE || header.machine != ARCH_ELF_MACHINE ||
	    header.program_bytes != sizeof program[0] ||
	    header.program_count > PROGRAMS_MAX ||
	    header.program_offset > bytes ||
	    header.program_count * sizeof program[0] >
		    bytes - header.program_offset ||
	    header.entry >= USER_END)
		return false;
	memcpy(program, (const u8 *)file + header.program_offset,
	       header.program_count * sizeof program[0]);
	for (u32 i = 0; i < header.program_count; i++)
		if (program[i].type == ELF_LOAD &&
		    !segment_ok(&program[i], bytes))
			return false;
	for (u32 i = 0; i < header.program_count; i++)
		if (program[i].type == ELF_LOAD)
			place(context,
			      &(struct elf_segment){
				      .address = program[i].address,
				      .memory_bytes = program[i].memory_bytes,
				      .data = (const u8 *)file +
					      program[i].offset,
				      .data_bytes = program[i].file_bytes,
				      .flags = map_flags(program[i].flags)});
	*entry = header.entry;
	return true;
}
