// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Where a component begins: rdi holds the address of the startup page, rsp a
// 16-byte aligned stack top. And where further threads begin: rdi holds the
// argument for thread_begin().
	.section .text.start, "ax"
	.globl _start
	.type _start, @function
_start:
	xorl %ebp, %ebp
	andq $-16, %rsp
	call component_start
	ud2
	.size _start, . - _start

	.globl thread_start_here
	.type thread_start_here, @function
thread_start_here:
	xorl %ebp, %ebp
	andq $-16, %rsp
	call thread_begin
	ud2
	.size thread_start_here, . - thread_start_here
	.section .note.GNU-stack, "", @progbits
