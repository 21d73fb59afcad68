// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See linux.h. Linux and C agree on the registers of the arguments.
	.macro	linux_call name, number
	.globl	\name
\name:
	movl	$\number, %eax
	syscall
	ret
	.endm

	.text
	.globl	_start
_start:
	xorl	%ebp, %ebp
	movq	%rsp, %rdi
	andq	$-16, %rsp
	call	svc_main
	ud2

	linux_call linux_read, 0
	linux_call linux_write, 1
	linux_call linux_open, 2
	linux_call linux_nanosleep, 35
	linux_call linux_exit, 231
	.section .note.GNU-stack, "", @progbits
