// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Where a component begins: a0 holds the address of the startup page, sp a 16-byte
// aligned stack top. And where further threads begin: a0 holds the argument for
// thread_begin().
	.section .text.start, "ax"
	.globl _start
	.type _start, @function
_start:
	li	s0, 0
	li	ra, 0
	andi	sp, sp, -16
	call	component_start
	unimp
	.size _start, . - _start

	.globl thread_start_here
	.type thread_start_here, @function
thread_start_here:
	li	s0, 0
	li	ra, 0
	andi	sp, sp, -16
	call	thread_begin
	unimp
	.size thread_start_here, . - thread_start_here
	.section .note.GNU-stack, "", @progbits
