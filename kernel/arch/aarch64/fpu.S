// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// All floating-point and vector registers to an area in memory, and back. The
// kernel itself may always touch them; its C code is compiled not to.
	.arch_extension fp
	.arch_extension simd

	.altmacro
	.macro	pair operation, n, m
	\operation q\n, q\m, [x0, #16 * \n]
	.endm
	.macro	all operation
	.irp	n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
	pair	\operation, \n, %(\n + 1)
	.endr
	.endm

	.text
	.globl	arch_fpu_write
arch_fpu_write:				// x0 = area
	bti	c
	all	stp
	mrs	x1, fpcr
	mrs	x2, fpsr
	str	x1, [x0, #512]
	str	x2, [x0, #520]
	ret

	.globl	arch_fpu_read
arch_fpu_read:
	bti	c
	all	ldp
	ldr	x1, [x0, #512]
	ldr	x2, [x0, #520]
	msr	fpcr, x1
	msr	fpsr, x2
	ret
	.section .note.GNU-stack, "", @progbits
