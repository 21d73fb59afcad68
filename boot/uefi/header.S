// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The header of a PE32+ file (Microsoft's PE Format, "Optional Header" and
// "Section Table"), with numbers from uefi.ld; and the kernel.
	.section .header, "a"
header:	.ascii	"MZ"
	.org	0x3c
	.long	1f - header
1:	.ascii	"PE\0\0"
	.short	EFI_MACHINE
	.short	3			// sections
	.long	0, 0, 0
	.short	3f - 2f
	.short	0x206			// executable, stripped
2:	.short	0x20b			// PE32+
	.byte	0, 0
	.long	text_bytes, data_bytes, 0, entry_at, text_at
	.quad	0			// wherever
	.long	4096, 512
	.short	0, 0, 0, 0, 0, 0
	.long	0, image_bytes, header_bytes, 0
	.short	10			// EFI application
	.short	0x100			// data need not be executable
	.quad	0, 0, 0, 0
	.long	0, 6
	.quad	0, 0, 0, 0, 0, 0
3:
	.macro	section name, memory, at, bytes, file, flags
4:	.ascii	"\name"
	.org	4b + 8
	.long	\memory, \at, \bytes, \file, 0, 0, 0, \flags
	.endm
	section	.text, text_bytes, text_at, text_bytes, text_file, 0x60000020
	section	.data, data_memory, data_at, data_bytes, data_file, 0xc0000040
	section	.kernel, kernel_bytes, kernel_at, kernel_bytes, kernel_file, 0x40000040

	.section .kernel, "a"
	.balign	16
	.incbin	KERNEL_FILE
	.section .note.GNU-stack, "", %progbits
