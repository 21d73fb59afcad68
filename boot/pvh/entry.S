// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Entry by PVH: 32-bit protected mode, paging off, ebx = physical address of
// struct hvm_start_info, or of struct boot_handoff. Builds page tables that show the first 4 GiB of
// physical memory at 0 and in the direct map, and the first GiB at the image's
// base; arch_start() replaces them by the final ones.
#include "gen/offsets.h"
#include "kernel/arch/x86_64/offsets.h"

#define PHYSICAL(symbol) ((symbol) - IMAGE_BASE)

	.section .note.pvh, "a"
	.balign	4
	.long	4, 4, 18		// XEN_ELFNOTE_PHYS32_ENTRY
	.asciz	"Xen"
	.long	PHYSICAL(pvh_entry)

	.section .text.entry, "ax"
	.code32
	.globl	pvh_entry
pvh_entry:
	xorl	%esi, %esi		// no magic number of Multiboot2
	.globl	entry32			// esi: that number
entry32:
	cli
	cld
	movl	%ebx, %ebp
	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	jb	no_long_mode
	movl	$0x80000001, %eax
	cpuid
	btl	$29, %edx
	jnc	no_long_mode

	// 2048 large pages; all tables writable, nothing global yet
	movl	$PHYSICAL(boot_directories), %edi
	movl	$0x83, %eax
	xorl	%edx, %edx
1:	movl	%eax, (%edi)
	movl	%edx, 4(%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	jnc	1b
	movl	$PHYSICAL(boot_directories) + 3, %eax
	movl	$PHYSICAL(boot_low), %edi
	movl	%eax, PHYSICAL(boot_high) + 510 * 8
	movl	$4, %ecx
1:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$4096, %eax
	loop	1b
	movl	$PHYSICAL(boot_low) + 3, PHYSICAL(boot_root)
	movl	$PHYSICAL(boot_low) + 3, PHYSICAL(boot_root) + 256 * 8
	movl	$PHYSICAL(boot_high) + 3, PHYSICAL(boot_root) + 511 * 8

	movl	%cr4, %eax
	orl	$0x20, %eax		// PAE
	movl	%eax, %cr4
	movl	$PHYSICAL(boot_root), %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	// EFER: long mode
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80010001, %eax	// PG, WP, PE
	movl	%eax, %cr0
	lgdt	PHYSICAL(boot_gdt_pointer)
	ljmp	$SELECTOR_KERNEL_CODE, $PHYSICAL(pvh_entry64)

no_long_mode:
	movl	$PHYSICAL(no_long_mode_text), %esi
	movw	$0x2f8, %dx
1:	lodsb
	testb	%al, %al
	jz	2f
	outb	%al, %dx
	jmp	1b
2:	hlt
	jmp	2b

	.code64
pvh_entry64:
	movabsq	$1f, %rax
	jmp	*%rax
1:	movl	$SELECTOR_KERNEL_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movq	$boot_stack_top, %rsp
	movl	%ebp, %edi		// esi as it came
	xorl	%ebp, %ebp
	call	arch_start
	ud2

	.section .rodata
	.balign	8
boot_gdt:
	.quad	0, 0x00af9a000000ffff, 0x00cf92000000ffff
boot_gdt_pointer:
	.word	. - boot_gdt - 1
	.long	PHYSICAL(boot_gdt)
no_long_mode_text:
	.asciz	"PANIC: this CPU has no 64-bit mode\n"

	.section .bss
	.balign	4096
	.globl	boot_stack_guard, boot_stack_top
boot_stack_guard:
	.skip	4096
	.skip	STACK_BYTES
boot_stack_top:
boot_root:
	.skip	4096
boot_low:
	.skip	4096
boot_high:
	.skip	4096
boot_directories:
	.skip	4 * 4096
