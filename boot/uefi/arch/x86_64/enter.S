// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Into our C code from the firmware, and out of it into the kernel: 32-bit
// protected mode without paging, as by PVH, with ebx = the handoff.
//
// The kernel's place may hold what the firmware used, its page tables included; so
// the last steps are taken in a page of our own, and the copy is made when paging
// is off.
	.text
	.globl	efi_entry
efi_entry:
	subq	$8, %rsp
	pushq	%rdi
	pushq	%rsi			// the firmware wants to see them again
	movq	%rcx, %rdi
	movq	%rdx, %rsi
	call	efi_main
	popq	%rsi
	popq	%rdi
	addq	$8, %rsp
	ret

// enter_kernel(handoff, from, to, bytes, page, entry): all below 4 GiB
	.globl	enter_kernel
enter_kernel:
	cli
	cld
	movl	%edi, %ebx		// handoff
	movl	%r9d, %ebp		// entry
	movl	%ecx, %r11d		// bytes
	movl	%edx, %r10d		// to
	movl	%esi, %r9d		// from
	leaq	page_start(%rip), %rsi
	movq	%r8, %rdi
	movl	$(page_end - page_start), %ecx
	rep movsb
	leaq	(gdt - page_start)(%r8), %rax
	movq	%rax, (gdt_address - page_start)(%r8)
	lgdt	(gdt_pointer - page_start)(%r8)
	movl	%r9d, %esi
	movl	%r10d, %edi
	leaq	(flat - page_start)(%r8), %rax
	pushq	$8
	pushq	%rax
	movl	%r11d, %edx		// no stack from here on
	lretq

page_start:
	.code32
flat:	movl	%edx, %esp
	movl	$16, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%cr0, %eax
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0		// paging off: no long mode
	movl	$0xc0000080, %ecx
	rdmsr
	andl	$~0x100, %eax
	wrmsr
	xorl	%eax, %eax
	movl	%eax, %cr4
	movl	%esp, %ecx
	rep movsb
	jmp	*%ebp
	.code64
	.balign	8
gdt:	.quad	0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
	.short	. - gdt - 1
gdt_address:
	.quad	0
page_end:
	.section .note.GNU-stack, "", @progbits
