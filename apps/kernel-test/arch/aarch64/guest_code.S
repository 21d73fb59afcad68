// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Two pieces of code that are copied into the address spaces of the guest tests.
//
// The personality: runs the guest whose handle is in x29, then calls the endpoint
// whose handle is in sp with two words, status and reason; after the answer it
// goes on. From personality_fault (the fault vector: x0 address, x1 pc) the words
// are 0xfa and the address; from personality_peek 0xbe and what x0 points to.
#include "abi/constants.h"
#include "gen/abi/syscall_nr.h"
	.arch_extension fp

	.section .rodata.guest_code, "a"
	.globl personality_start, personality_fault, personality_peek
	.globl personality_end, guest_start, guest_end
	.balign	4
personality_start:
1:	mov	x8, #SYS_GUEST_RUN
	mov	x0, x29
	svc	#0
	mov	x1, x8
	mov	x2, x0
2:	mov	x8, #(SYS_CALL | 2 << INFO_WORDS_SHIFT)
	mov	x0, sp
	svc	#0
	b	1b
personality_fault:
	mov	x1, #0xfa
	mov	x2, x0
	b	2b
personality_peek:
	ldr	x2, [x0]
	mov	x1, #0xbe
	b	2b
personality_end:

	.balign 16
// Pieces of 16 bytes, by number.
guest_start:
	svc	#0			// 0
	b	guest_start
	.balign 16
	ldr	x9, [x0]		// 1
	svc	#0
	.balign 16
	udf	#0			// 2
	.balign 16
3:	add	x9, x9, #1		// 3
	b	3b
	.balign 16
	brk	#0			// 4
	svc	#0
	.balign 16
	str	x9, [x0]		// 5
	svc	#0
	.balign 16
	mrs	x9, sctlr_el1		// 6
	.balign 16
	hvc	#0			// 7
	.balign 16
	br	x0			// 8
	.balign 16
	mrs	x10, tpidr_el0		// 9
	ldr	x9, [x10]
	svc	#0
	.balign 16
	fmov	x9, d1			// 10
	fmov	d1, x19
	svc	#0
	.balign 16
	mov	x9, #0x20000		// 11
	add	x9, x9, #4
	ldxr	x10, [x9]
	.balign 16
guest_end:
	.section .note.GNU-stack, "", @progbits
