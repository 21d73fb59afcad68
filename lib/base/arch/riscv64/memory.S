// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// memcpy, memmove and memset for RISC-V. Words of eight bytes where both sides are
// aligned alike, 128 bytes a round; single bytes else, as an access that is not
// aligned may trap to the firmware.

	.text

	.globl	memcpy
	.type	memcpy, @function
memcpy:
	mv	a5, a0
copy_up:
	li	t0, 8
	bltu	a2, t0, 5f
	xor	t1, a5, a1
	andi	t1, t1, 7
	bnez	t1, 5f
	// Single bytes up to a word's beginning.
1:	andi	t1, a5, 7
	beqz	t1, 2f
	lbu	t2, 0(a1)
	sb	t2, 0(a5)
	addi	a1, a1, 1
	addi	a5, a5, 1
	addi	a2, a2, -1
	j	1b
2:	li	t0, 128
	bltu	a2, t0, 4f
3:	.irp	at, 0, 32, 64, 96
	ld	a3, \at(a1)
	ld	a4, \at+8(a1)
	ld	a6, \at+16(a1)
	ld	a7, \at+24(a1)
	sd	a3, \at(a5)
	sd	a4, \at+8(a5)
	sd	a6, \at+16(a5)
	sd	a7, \at+24(a5)
	.endr
	addi	a1, a1, 128
	addi	a5, a5, 128
	addi	a2, a2, -128
	bgeu	a2, t0, 3b
4:	li	t0, 8
	bltu	a2, t0, 5f
	ld	a3, 0(a1)
	sd	a3, 0(a5)
	addi	a1, a1, 8
	addi	a5, a5, 8
	addi	a2, a2, -8
	j	4b
5:	beqz	a2, 6f
	add	a2, a2, a1
7:	lbu	a3, 0(a1)
	sb	a3, 0(a5)
	addi	a1, a1, 1
	addi	a5, a5, 1
	bltu	a1, a2, 7b
6:	ret
	.size	memcpy, . - memcpy

	.globl	memmove
	.type	memmove, @function
memmove:
	mv	a5, a0
	sub	t0, a0, a1
	bgeu	t0, a2, copy_up		// it does not begin within the source
	add	a5, a5, a2
	add	a1, a1, a2
	xor	t1, a5, a1
	andi	t1, t1, 7
	bnez	t1, 3f
	// Backwards: the odd bytes at the end, words, the rest.
1:	andi	t1, a5, 7
	beqz	t1, 2f
	beqz	a2, 4f
	lbu	t2, -1(a1)
	sb	t2, -1(a5)
	addi	a1, a1, -1
	addi	a5, a5, -1
	addi	a2, a2, -1
	j	1b
2:	li	t0, 8
	bltu	a2, t0, 3f
	ld	a3, -8(a1)
	sd	a3, -8(a5)
	addi	a1, a1, -8
	addi	a5, a5, -8
	addi	a2, a2, -8
	j	2b
3:	beqz	a2, 4f
	lbu	a3, -1(a1)
	sb	a3, -1(a5)
	addi	a1, a1, -1
	addi	a5, a5, -1
	addi	a2, a2, -1
	j	3b
4:	ret
	.size	memmove, . - memmove

	.globl	memset
	.type	memset, @function
memset:
	mv	a5, a0
	andi	a1, a1, 255
	li	t0, 8
	bltu	a2, t0, 5f
	beqz	a1, 1f
	slli	t1, a1, 8
	or	a1, a1, t1
	slli	t1, a1, 16
	or	a1, a1, t1
	slli	t1, a1, 32
	or	a1, a1, t1
1:	andi	t1, a5, 7
	beqz	t1, 2f
	sb	a1, 0(a5)
	addi	a5, a5, 1
	addi	a2, a2, -1
	j	1b
2:	li	t0, 256
	bltu	a2, t0, 4f
3:	.irp	at, 0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, \
		120, 128, 136, 144, 152, 160, 168, 176, 184, 192, 200, 208, \
		216, 224, 232, 240, 248
	sd	a1, \at(a5)
	.endr
	addi	a5, a5, 256
	addi	a2, a2, -256
	bgeu	a2, t0, 3b
4:	li	t0, 8
	bltu	a2, t0, 5f
	sd	a1, 0(a5)
	addi	a5, a5, 8
	addi	a2, a2, -8
	j	4b
5:	beqz	a2, 6f
	add	a2, a2, a5
7:	sb	a1, 0(a5)
	addi	a5, a5, 1
	bltu	a5, a2, 7b
6:	ret
	.size	memset, . - memset
	.section .note.GNU-stack, "", @progbits
