// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Numbers and structures that the BIOS first stage's assembly and C share. It
// lives below 640 KiB, where the BIOS can reach it:
//     0x7c00    boot sector, stack below
//     0x8000    stage 2: all the rest of our code, then its variables
//     0x10000   sectors as the BIOS reads them
//     0x20000   page tables
//     0x30000   the handoff
#ifndef BOOT_BIOS_BIOS_H
#define BOOT_BIOS_BIOS_H

#define BUFFER 0x10000
#define BUFFER_BYTES 0x8000
#define TABLES 0x20000
#define HANDOFF 0x30000

// Offsets in struct bios_registers
#define BIOS_EAX 0
#define BIOS_EBX 4
#define BIOS_ECX 8
#define BIOS_EDX 12
#define BIOS_ESI 16
#define BIOS_EDI 20
#define BIOS_FLAGS 24

#define DISK_TABLE_MAGIC "KochabDisk\0\0\0\0\0"

#ifndef __ASSEMBLER__
#include "lib/base/types.h"

struct bios_registers {
	u32 eax, ebx, ecx, edx, esi, edi;
	u32 flags; // when the call came back; bit 0 is the carry
};

// Where the files lie on the disk; tools/kochab_tools/image.py fills it in.
struct disk_file {
	u64 sector, bytes;
};
struct disk_table {
	char magic[16];
	struct disk_file kernel, archive, command_line;
};
extern const struct disk_table disk_table;

// A BIOS call in real mode; segment registers are 0.
void bios_call(struct bios_registers *registers, u32 interrupt);

// Into the kernel's 32-bit entry.
[[noreturn]] void enter_kernel(u64 handoff, u64 entry);
#endif
#endif
