// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The boot sector and the way between real and long mode. Real mode: IBM's BIOS
// interface; disks by the INT 13h extensions (Enhanced Disk Drive, T13 1572D).
#include "boot/bios/bios.h"

#define CODE32 0x08
#define DATA 0x10
#define CODE64 0x18
#define CODE16 0x20

// ---- the sector that the BIOS loads; dl is the disk. The partition table behind
// byte 440 is the image tool's.
	.section .sector, "ax"
	.code16
	.globl	boot_sector
boot_sector:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$0x7c00, %sp
	sti
	ljmp	$0, $1f
1:	movb	%dl, drive
	movb	$0x41, %ah		// are there extensions?
	movw	$0x55aa, %bx
	int	$0x13
	jc	no_disk
	cmpw	$0xaa55, %bx
	jne	no_disk
	movb	$0x42, %ah		// read
	movb	drive, %dl
	movw	$packet, %si
	int	$0x13
	jc	no_disk
	jmp	stage2

no_disk:
	movw	$no_disk_text, %si
say:	lodsb
	testb	%al, %al
	jz	halt
	movb	$0x0e, %ah
	movw	$7, %bx
	int	$0x10
	jmp	say
halt:	hlt
	jmp	halt

	.balign	4
packet:	.byte	16, 0
	.short	stage2_sectors
	.short	stage2, 0
	.quad	1
drive:	.byte	0
no_disk_text:
	.asciz	"kochab: this disk cannot be read\r\n"
no_long_mode_text:
	.asciz	"kochab: this CPU has no 64-bit mode\r\n"

// ---- stage 2
	.section .stage2, "ax"
	.globl	stage2, disk_table
stage2:
	jmp	1f
	.balign	16
disk_table:
	.ascii	DISK_TABLE_MAGIC
	.byte	0
	.quad	0, 0, 0, 0, 0, 0
1:	movl	$0x80000000, %eax
	cpuid
	movw	$no_long_mode_text, %si
	cmpl	$0x80000001, %eax
	jb	say
	movl	$0x80000001, %eax
	cpuid
	btl	$29, %edx
	jnc	say
	cli
	lgdt	gdt_pointer
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmp	$CODE32, $1f

	.code32
1:	movl	$DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	// One page of the highest level, one of the next, four of large pages:
	// the first 4 GiB where they are
	movl	$TABLES, %edi
	xorl	%eax, %eax
	movl	$(6 * 1024), %ecx
	rep stosl
	movl	$(TABLES + 0x1003), TABLES
	movl	$(TABLES + 0x2003), %eax
	movl	$(TABLES + 0x1000), %edi
	movl	$4, %ecx
1:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x1000, %eax
	loop	1b
	movl	$0x83, %eax
	movl	$(TABLES + 0x2000), %edi
1:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	jnc	1b
	movl	%cr4, %eax
	orl	$0x20, %eax
	movl	%eax, %cr4
	movl	$TABLES, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	$main64, %edx
// To 64-bit code at edx
to_long:
	movl	%cr0, %eax
	orl	$0x80000000, %eax
	movl	%eax, %cr0
	ljmp	$CODE64, $1f
	.code64
1:	jmp	*%rdx

main64:	movl	$0x7c00, %esp
	movzbl	drive, %edi
	call	bios_main
1:	hlt
	jmp	1b

// void bios_call(struct bios_registers *, u32 interrupt)
	.globl	bios_call
bios_call:
	pushq	%rbx
	pushq	%rbp
	movb	%sil, interrupt + 1
	movl	%edi, registers
	movq	%rsp, stack
	pushq	$CODE32
	pushq	$1f
	lretq
	.code32
1:	movl	%cr0, %eax
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0
	ljmp	$CODE16, $1f
	.code16
1:	andb	$0xfe, %al
	movl	%eax, %cr0
	ljmp	$0, $1f
1:	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	lidt	real_idt
	movw	registers, %bp
	movl	BIOS_EAX(%bp), %eax
	movl	BIOS_EBX(%bp), %ebx
	movl	BIOS_ECX(%bp), %ecx
	movl	BIOS_EDX(%bp), %edx
	movl	BIOS_ESI(%bp), %esi
	movl	BIOS_EDI(%bp), %edi
	pushw	%bp
	sti
interrupt:
	int	$0
	cli
	cld
	popw	%bp
	pushfl
	pushl	%eax
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	popl	BIOS_EAX(%bp)
	popl	BIOS_FLAGS(%bp)
	movl	%ebx, BIOS_EBX(%bp)
	movl	%ecx, BIOS_ECX(%bp)
	movl	%edx, BIOS_EDX(%bp)
	movl	%esi, BIOS_ESI(%bp)
	movl	%edi, BIOS_EDI(%bp)
	lgdt	gdt_pointer
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmp	$CODE32, $1f
	.code32
1:	movl	$DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$back64, %edx
	jmp	to_long
	.code64
back64:	movq	stack, %rsp
	popq	%rbp
	popq	%rbx
	ret

// void enter_kernel(handoff, entry)
	.globl	enter_kernel
enter_kernel:
	movl	%edi, %ebx
	movl	%esi, %ebp
	pushq	$CODE32
	pushq	$1f
	lretq
	.code32
1:	movl	%cr0, %eax
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0
	movl	$0xc0000080, %ecx
	rdmsr
	andl	$~0x100, %eax
	wrmsr
	xorl	%eax, %eax
	movl	%eax, %cr4
	jmp	*%ebp

	.balign	8
gdt:	.quad	0
	.quad	0x00cf9a000000ffff	// 32-bit code
	.quad	0x00cf92000000ffff	// data
	.quad	0x00af9a000000ffff	// 64-bit code
	.quad	0x00009a000000ffff	// 16-bit code
gdt_pointer:
	.short	. - gdt - 1
	.long	gdt
real_idt:
	.short	0x3ff
	.long	0
	.balign	8
stack:	.quad	0
registers:
	.long	0
	.section .note.GNU-stack, "", @progbits
