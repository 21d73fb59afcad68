// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Two pieces of code that are copied into the address spaces of the guest tests.
//
// The personality: runs the guest whose handle is in rbp, then calls the endpoint
// whose handle is in rsp with two words, status and reason; after the answer it
// goes on. From personality_fault (the fault vector: rdi address, rsi pc) the words
// are 0xfa and the address; from personality_peek 0xbe and what rdi points to.
#include "abi/constants.h"
#include "gen/abi/syscall_nr.h"

	.section .rodata.guest_code, "a"
	.globl personality_start, personality_fault, personality_peek
	.globl personality_end, guest_start, guest_end
personality_start:
1:	movl $SYS_GUEST_RUN, %eax
	movl %ebp, %edi
	syscall
	movq %rax, %r12
	movq %rdi, %r13
2:	movl $(SYS_CALL | 2 << INFO_WORDS_SHIFT), %eax
	movl %esp, %edi
	syscall
	jmp 1b
personality_fault:
	movl $0xfa, %r12d
	movq %rdi, %r13
	jmp 2b
personality_peek:
	movq (%rdi), %r13
	movl $0xbe, %r12d
	jmp 2b
personality_end:

// Pieces of 16 bytes, by number.
guest_start:
	syscall			// 0
	jmp guest_start
	.balign 16
	movq (%rdi), %rax	// 1
	syscall
	.balign 16
	ud2			// 2
	.balign 16
3:	incq %rax		// 3
	jmp 3b
	.balign 16
	int3			// 4
	syscall
	.balign 16
	movq %rax, (%rdi)	// 5
	syscall
	.balign 16
	xorl %ecx, %ecx		// 6
	divl %ecx
	.balign 16
	hlt			// 7
	.balign 16
	jmp *%rdi		// 8
	.balign 16
	movq %fs:0, %rax	// 9
	syscall
	.balign 16
	movq %xmm1, %rax	// 10
	movq %rbx, %xmm1
	syscall
	.balign 16
	movl $0x3f8, %edx	// 11
	inb %dx, %al
	.balign 16
guest_end:
	.section .note.GNU-stack, "", @progbits
