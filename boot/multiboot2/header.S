// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The header that a Multiboot2 loader looks for in the first 32 KiB of the file
// (Multiboot2 Specification 2.0, 3.1), and its entry: 32-bit protected mode, eax =
// magic number, ebx = address of the boot information.
#include "kernel/arch/x86_64/offsets.h"

#define MAGIC 0xe85250d6
#define PHYSICAL(symbol) ((symbol) - IMAGE_BASE)

	.section .multiboot2, "a"
	.balign	8
header:	.long	MAGIC, 0, header_end - header, -(MAGIC + (header_end - header))
	.short	3, 0			// where to enter
	.long	12, PHYSICAL(multiboot2_entry), 0
	.short	6, 0			// modules at pages
	.long	8
	.short	0, 0
	.long	8
header_end:

	.section .text.entry, "ax"
	.code32
multiboot2_entry:
	movl	%eax, %esi
	jmp	entry32
	.section .note.GNU-stack, "", @progbits
