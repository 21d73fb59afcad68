// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Static ELF-64 programs (System V ABI, chapters 4 and 5) in the boot archive.
#include "boot/program/program.h"
#include "abi/constants.h"
#include "lib/base/string.h"
#include "lib/tar/tar.h"

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
	       p->address >= PAGE_BYTES && p->address < USER_END_LEAST &&
	       p->memory_bytes < USER_END_LEAST - p->address &&
	       flags & MAP_READ && !(flags & MAP_WRITE && flags & MAP_EXEC);
}

bool program_check(const u8 *file, u64 bytes, u64 physical, u16 machine,
		   struct boot_program *out)
{
	struct boot_program program = {};
	struct elf_header header;
	struct elf_program p;

	if (bytes < sizeof header)
		return false;
	memcpy(&header, file, sizeof header);
	if (memcmp(header.ident, "\177ELF\2\1\1", 7) != 0 ||
	    header.type != ELF_EXECUTABLE || header.machine != machine ||
	    header.program_bytes != sizeof p ||
	    header.program_offset > bytes ||
	    (u64)header.program_count * sizeof p >
		    bytes - header.program_offset ||
	    header.entry >= USER_END_LEAST)
		return false;
	for (u32 i = 0; i < header.program_count; i++) {
		memcpy(&p, file + header.program_offset + i * sizeof p,
		       sizeof p);
		if (p.type != ELF_LOAD)
			continue;
		if (!segment_ok(&p, bytes) ||
		    program.nsegments == BOOT_SEGMENTS)
			return false;
		program.segment[program.nsegments++] = (struct boot_segment){
			p.address, p.memory_bytes, physical + p.offset,
			p.file_bytes, map_flags(p.flags)
		};
	}
	program.entry = header.entry;
	*out = program;
	return program.nsegments;
}

// The command-line word root=NAME.
static void program_name(const char *line, char *name, usize size)
{
	static const char word[] = "root=";
	usize n = 0;

	strlcpy(name, "root", size);
	for (const char *at = line; *at; at++) {
		if ((at != line && at[-1] != ' ') ||
		    strncmp(at, word, sizeof word - 1) != 0)
			continue;
		at += sizeof word - 1;
		while (n < size - 1 && at[n] && at[n] != ' ') {
			name[n] = at[n];
			n++;
		}
		name[n] = 0;
		return;
	}
}

bool program_find(const struct boot_memory *memory, struct boot_info *info,
		  u16 machine)
{
	static const char folder[] = "kochab/bin/";
	static struct tar_entry entry; // large; start-up has one thread
	const u8 *archive = memory->view(memory->context, info->archive_start,
					 info->archive_size);
	struct tar_reader reader;
	enum status status;
	u64 offset = 0, bytes = 0;
	char name[32];

	if (!info->archive_size || !archive) {
		boot_warn(info, "no boot archive: pass one (QEMU: -initrd)");
		return false;
	}
	program_name(info->command_line, name, sizeof name);
	tar_open(&reader, archive, info->archive_size);
	while ((status = tar_next(&reader, &entry)) != ERR_EMPTY) {
		if (status == ERR_CORRUPT) {
			boot_warn(info, "the boot archive is corrupt");
			break;
		}
		if (status == STATUS_OK &&
		    strncmp(entry.path, folder, sizeof folder - 1) == 0 &&
		    strcmp(entry.path + sizeof folder - 1, name) == 0) {
			offset = entry.data_offset;
			bytes = entry.size_bytes;
		}
	}
	if (bytes && program_check(archive + offset, bytes,
				   info->archive_start + offset, machine,
				   &info->program)) {
		strlcpy(info->program.name, name, sizeof info->program.name);
		boot_check_words(info);
		return true;
	}
	boot_warn(info, bytes ? "the first program is not valid for this machine:" :
				"the boot archive lacks the first program:");
	boot_warn(info, name);
	return false;
}

void boot_finish(const struct boot_memory *memory, struct boot_info *info,
		 u16 machine)
{
	boot_say_way(info);
	boot_facts(info);
	(void)program_find(memory, info, machine);
}
