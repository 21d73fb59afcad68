// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See linux.h. Linux and C agree on the registers of the arguments.
	.macro	linux_call name, number
	.globl	\name
\name:
	li	a7, \number
	ecall
	ret
	.endm

	.text
	.globl	_start
_start:
	mv	a0, sp
	andi	sp, sp, -16
	li	s0, 0
	call	svc_main
	ebreak

	linux_call linux_read, 63
	linux_call linux_write, 64
	linux_call linux_nanosleep, 101
	linux_call linux_exit, 94

	.globl	linux_open
linux_open:
	mv	a2, a1
	mv	a1, a0
	li	a0, -100		// the current folder
	li	a3, 0
	li	a7, 56
	ecall
	ret
	.section .note.GNU-stack, "", @progbits
