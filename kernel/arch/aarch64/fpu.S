// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// All floating-point and vector registers to an area in memory, and back. The
// kernel itself may always touch them; its C code is compiled not to.
	.arch_extension fp
	.arch_extension simd

	.macro	all operation
	.set	at, 0
	.irp	pair, "q0, q1", "q2, q3", "q4, q5", "q6, q7", "q8, q9", \
		"q10, q11", "q12, q13", "q14, q15", "q16, q17", "q18, q19", \
		"q20, q21", "q22, q23", "q24, q25", "q26, q27", "q28, q29", \
		"q30, q31"
	\operation \pair, [x0, #at]
	.set	at, at + 32
	.endr
	.endm

	.text
	.globl	fpu_write
fpu_write:				// x0 = area
	bti	c
	all	stp
	mrs	x1, fpcr
	mrs	x2, fpsr
	str	x1, [x0, #512]
	str	x2, [x0, #520]
	ret

	.globl	fpu_read
fpu_read:
	bti	c
	all	ldp
	ldr	x1, [x0, #512]
	ldr	x2, [x0, #520]
	msr	fpcr, x1
	msr	fpsr, x2
	ret
	.section .note.GNU-stack, "", @progbits
