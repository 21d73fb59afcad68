// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// memcpy, memmove and memset for AArch64, by 16 bytes a load; larger zeroes by
// cache lines (DC ZVA). No vector registers: kernel and services are built without.
// Not for device memory.

	.text

// x0 to, x1 from, x2 bytes. Up to 64 bytes all loads come before all stores, so
// that memmove can use it for any overlap.
	.globl	memcpy
	.type	memcpy, @function
	.balign	16
memcpy:
	hint	#34			// bti c
	add	x4, x1, x2		// ends
	add	x5, x0, x2
	cmp	x2, #16
	b.hi	1f
	tbnz	x2, #4, 2f
	tbnz	x2, #3, 3f
	tbnz	x2, #2, 4f
	cbz	x2, 5f
	lsr	x3, x2, #1
	ldrb	w6, [x1]
	ldrb	w7, [x1, x3]
	ldrb	w8, [x4, #-1]
	strb	w6, [x0]
	strb	w7, [x0, x3]
	strb	w8, [x5, #-1]
5:	ret
4:	ldr	w6, [x1]
	ldr	w7, [x4, #-4]
	str	w6, [x0]
	str	w7, [x5, #-4]
	ret
3:	ldr	x6, [x1]
	ldr	x7, [x4, #-8]
	str	x6, [x0]
	str	x7, [x5, #-8]
	ret
2:	ldp	x6, x7, [x1]
	stp	x6, x7, [x0]
	ret
	// 17 to 32, to 64
1:	cmp	x2, #32
	ldp	x6, x7, [x1]
	ldp	x8, x9, [x4, #-16]
	b.hi	1f
	stp	x6, x7, [x0]
	stp	x8, x9, [x5, #-16]
	ret
1:	cmp	x2, #64
	b.hi	1f
	ldp	x10, x11, [x1, #16]
	ldp	x12, x13, [x4, #-32]
	stp	x6, x7, [x0]
	stp	x10, x11, [x0, #16]
	stp	x12, x13, [x5, #-32]
	stp	x8, x9, [x5, #-16]
	ret
	// More: 64 bytes a step, the last step ends at the end.
1:	mov	x3, x0
	sub	x2, x2, #64
	ldp	x14, x15, [x4, #-64]
	ldp	x16, x17, [x4, #-48]
	ldp	x12, x13, [x4, #-32]
1:	ldp	x6, x7, [x1]
	ldp	x10, x11, [x1, #16]
	stp	x6, x7, [x3]
	stp	x10, x11, [x3, #16]
	ldp	x6, x7, [x1, #32]
	ldp	x10, x11, [x1, #48]
	stp	x6, x7, [x3, #32]
	stp	x10, x11, [x3, #48]
	add	x1, x1, #64
	add	x3, x3, #64
	subs	x2, x2, #64
	b.hi	1b
	stp	x14, x15, [x5, #-64]
	stp	x16, x17, [x5, #-48]
	stp	x12, x13, [x5, #-32]
	stp	x8, x9, [x5, #-16]
	ret
	.size	memcpy, . - memcpy

	.globl	memmove
	.type	memmove, @function
	.balign	16
memmove:
	hint	#34
	cmp	x2, #64
	b.ls	memcpy
	subs	x3, x0, x1
	b.eq	5b
	cmp	x3, x2
	b.lo	2f
	// The target does not start within the source: forwards is right. Not
	// memcpy: it reads the end first, which may have been overwritten then.
	mov	x3, x0
	subs	x2, x2, #16
1:	ldp	x6, x7, [x1], #16
	stp	x6, x7, [x3], #16
	subs	x2, x2, #16
	b.hs	1b
	add	x2, x2, #16		// 0 to 15 are left
	cbz	x2, 4f
3:	ldrb	w6, [x1], #1
	strb	w6, [x3], #1
	subs	x2, x2, #1
	b.ne	3b
4:	ret
	// Backwards.
2:	add	x4, x1, x2
	add	x5, x0, x2
	subs	x2, x2, #16
1:	ldp	x6, x7, [x4, #-16]!
	stp	x6, x7, [x5, #-16]!
	subs	x2, x2, #16
	b.hs	1b
	add	x2, x2, #16
	cbz	x2, 4f
3:	ldrb	w6, [x4, #-1]!
	strb	w6, [x5, #-1]!
	subs	x2, x2, #1
	b.ne	3b
4:	ret
	.size	memmove, . - memmove

	.globl	memset
	.type	memset, @function
	.balign	16
memset:
	hint	#34
	and	x1, x1, #0xff
	mov	x3, #0x0101010101010101
	mul	x1, x1, x3
	add	x5, x0, x2
	cmp	x2, #16
	b.hs	1f
	tbnz	x2, #3, 3f
	tbnz	x2, #2, 4f
	cbz	x2, 5f
	lsr	x3, x2, #1
	strb	w1, [x0]
	strb	w1, [x0, x3]
	strb	w1, [x5, #-1]
5:	ret
4:	str	w1, [x0]
	str	w1, [x5, #-4]
	ret
3:	str	x1, [x0]
	str	x1, [x5, #-8]
	ret
1:	mov	x3, x0
	cbnz	x1, 2f
	cmp	x2, #256
	b.lo	2f
	mrs	x6, dczid_el0
	tbnz	x6, #4, 2f		// not allowed
	mov	x7, #4
	lsl	x7, x7, x6		// bytes of a line; the rest of x6 is 0
	cmp	x7, #128
	b.hi	2f
	// Up to the first line, lines, and from the last line on.
	sub	x8, x7, #1
	stp	xzr, xzr, [x3]
	stp	xzr, xzr, [x3, #16]
	stp	xzr, xzr, [x3, #32]
	stp	xzr, xzr, [x3, #48]
	stp	xzr, xzr, [x3, #64]
	stp	xzr, xzr, [x3, #80]
	stp	xzr, xzr, [x3, #96]
	stp	xzr, xzr, [x3, #112]
	add	x3, x3, x8
	bic	x3, x3, x8
	bic	x9, x5, x8
1:	dc	zva, x3
	add	x3, x3, x7
	cmp	x3, x9
	b.lo	1b
	sub	x2, x5, x3
	cbz	x2, 5b
	cmp	x2, #16
	b.lo	3f
2:	sub	x2, x2, #16
	stp	x1, x1, [x5, #-16]	// the end, whatever it is
1:	stp	x1, x1, [x3], #16
	subs	x2, x2, #16
	b.hi	1b
	ret
3:	stp	x1, x1, [x5, #-16]	// overlaps what was cleared
	ret
	.size	memset, . - memset

	.section .note.GNU-stack, "", @progbits
