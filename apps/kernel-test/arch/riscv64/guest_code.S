// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Two pieces of code that are copied into the address spaces of the guest tests.
//
// The personality: runs the guest whose handle is in s0, then calls the endpoint
// whose handle is in sp with two words, status and reason; after the answer it goes
// on. From personality_fault (the fault vector: a0 address, a1 pc) the words are
// 0xfa and the address; from personality_peek 0xbe and what a0 points to.
#include "abi/constants.h"
#include "gen/abi/syscall_nr.h"

	.section .rodata.guest_code, "a"
	.option	norvc
	.globl personality_start, personality_fault, personality_peek
	.globl personality_end, guest_start, guest_end
	.balign	16
personality_start:
1:	li	a7, SYS_GUEST_RUN
	mv	a0, s0
	ecall
	mv	a1, a7
	mv	a2, a0
2:	li	a7, (SYS_CALL | 2 << INFO_WORDS_SHIFT)
	mv	a0, sp
	ecall
	j	1b
personality_fault:
	li	a1, 0xfa
	mv	a2, a0
	j	2b
personality_peek:
	ld	a2, 0(a0)
	li	a1, 0xbe
	j	2b
personality_end:

// Pieces of 16 bytes, by number.
	.balign	16
guest_start:
	ecall			// 0
	j	guest_start
	.balign 16
	ld	t4, 0(a0)	// 1
	ecall
	.balign 16
	.4byte	0xc0001073	// 2
	.balign 16
3:	addi	t4, t4, 1	// 3
	j	3b
	.balign 16
	ebreak			// 4
	ecall
	.balign 16
	sd	t4, 0(a0)	// 5
	ecall
	.balign 16
	.4byte	0		// 6: divisions do not fault
	.balign 16
	wfi			// 7
	.balign 16
	jr	a0		// 8
	.balign 16
	ld	t4, 0(tp)	// 9
	ecall
	.balign 16
	.option	push
	.option	arch, +d
	fmv.x.d	t4, f1		// 10
	fmv.d.x	f1, s1
	.option	pop
	ecall
	.balign 16
	csrr	a0, sstatus	// 11
	.balign 16
guest_end:
	.section .note.GNU-stack, "", @progbits
