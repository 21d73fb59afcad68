// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What an ELF file asks for, checked: pure, for the host tests and the fuzzer too.
#ifndef PERSONALITIES_LINUX_ELF_H
#define PERSONALITIES_LINUX_ELF_H
#include "personalities/linux/linux_abi.h"

#define ELF_SEGMENTS 16u
#define ELF_HEADERS 64u // program headers at most
#define ELF_HEADER_BYTES 64u
#define ELF_PROGRAM_BYTES 56u

struct elf_segment {
	u64 address, file_offset, file_bytes, memory_bytes;
	u32 protection; // PROT_*
};

struct elf_image {
	bool relocatable; // addresses are relative
	bool dynamic; // wants an interpreter
	u64 entry;
	u64 table_address; // of the program headers in memory; 0: not mapped
	u32 table_count;
	u64 low, high; // page-aligned extent
	u32 nsegments;
	struct elf_segment segment[ELF_SEGMENTS];
};

// The file's first 64 bytes: where the program headers are. -ENOEXEC.
i64 elf_check_header(const void *header, usize bytes, u64 file_bytes,
		     struct elf_image *image, u64 *table_offset);
// The program headers. limit: addresses must lie below it. -ENOEXEC.
i64 elf_check_segments(const void *table, usize bytes, u64 table_offset,
		       u64 file_bytes, u64 limit, struct elf_image *image);
#endif
