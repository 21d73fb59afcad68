// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See linux.h. Linux and C agree on the registers of the arguments.
	.macro	linux_call name, number
	.globl	\name
\name:
	mov	x8, #\number
	svc	#0
	ret
	.endm

	.text
	.globl	_start
_start:
	mov	x0, sp
	and	sp, x0, #~15
	mov	x29, xzr
	mov	x30, xzr
	bl	svc_main
	brk	#0

	linux_call linux_read, 63
	linux_call linux_write, 64
	linux_call linux_nanosleep, 101
	linux_call linux_exit, 94

	.globl	linux_open
linux_open:
	mov	w2, w1
	mov	x1, x0
	mov	x0, #-100		// the current folder
	mov	x3, xzr
	mov	x8, #56
	svc	#0
	ret
	.section .note.GNU-stack, "", @progbits
