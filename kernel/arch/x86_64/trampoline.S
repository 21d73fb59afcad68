// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Where another CPU starts after INIT and start-up messages: real mode, at
// TRAMPOLINE below 1 MiB, where smp.c copies this. From there to the kernel's
// text with trampoline_root loaded, which also shows this page at its own
// address.
#include "gen/offsets.h"
#include "kernel/arch/x86_64/offsets.h"

#define COPIED(symbol) (TRAMPOLINE + (symbol) - trampoline_start)

	.section .rodata
	.balign	16
	.globl	trampoline_start, trampoline_end, trampoline_area
	.globl	trampoline_cr3
	.code16
trampoline_start:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	COPIED(trampoline_gdt_pointer)
	movl	$0x20, %eax		// CR4: PAE
	movl	%eax, %cr4
	movl	COPIED(trampoline_cr3), %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	// EFER: long mode, no-execute pages
	rdmsr
	orl	$0x900, %eax
	wrmsr
	movl	$0x80010001, %eax	// CR0: PG, WP, PE
	movl	%eax, %cr0
	ljmpl	$SELECTOR_KERNEL_CODE, $COPIED(trampoline64)

	.code64
trampoline64:
	movl	$SELECTOR_KERNEL_DATA, %eax
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	// Take the area: whoever comes late finds none. The page is writable
	// only in the direct map.
	movabsq	$DIRECT_BASE + COPIED(trampoline_area), %rbx
	xorl	%edi, %edi
	xchgq	%rdi, (%rbx)
	testq	%rdi, %rdi
	jz	1f
	movq	CPU_STACK_TOP(%rdi), %rsp
	xorl	%ebp, %ebp
	movabsq	$smp_entry, %rax
	call	*%rax
1:	cli
	hlt
	jmp	1b

	.balign	8
trampoline_gdt:
	.quad	0, 0x00af9b000000ffff, 0x00cf93000000ffff
trampoline_gdt_pointer:
	.word	. - trampoline_gdt - 1
	.long	COPIED(trampoline_gdt)
	.balign	8
trampoline_cr3:
	.long	0
	.balign	8
trampoline_area:
	.quad	0
trampoline_end:
