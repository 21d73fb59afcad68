// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What C is not compiled to: vector registers, and all registers at once.
	.arch_extension fp
	.arch_extension simd

	.text
	.globl	machine_vector_set
machine_vector_set:
	fmov	d1, x0
	fmov	d15, x0
	ret

	.globl	machine_vector
machine_vector:
	cbnz	w0, 1f
	fmov	x0, d1
	ret
1:	fmov	x0, d15
	ret

	.globl	machine_pattern
machine_pattern:
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	.irp	n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, \
		19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	mov	x\n, #0x1000 + 2 * \n
	.endr
	mov	x1, #1
	str	x1, [x0]
1:	cbnz	x1, 1b
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	ret
	.section .note.GNU-stack, "", @progbits
