// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Where a component begins: x0 holds the address of the startup page, sp a stack
// top. And where further threads begin: x0 holds the argument for thread_begin().
	.section .text.start, "ax"
	.globl _start
	.type _start, @function
_start:
	mov x9, sp
	and sp, x9, #~15
	mov x29, xzr
	mov x30, xzr
	bl component_start
	brk #0
	.size _start, . - _start

	.globl thread_start_here
	.type thread_start_here, @function
thread_start_here:
	mov x9, sp
	and sp, x9, #~15
	mov x29, xzr
	mov x30, xzr
	bl thread_begin
	brk #0
	.size thread_start_here, . - thread_start_here
	.section .note.GNU-stack, "", @progbits
