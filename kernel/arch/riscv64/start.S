// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The first instructions, at physical addresses: of the image, with the header
// that boot loaders look for (Linux, Documentation/riscv/boot-image-header.rst),
// and of the other CPUs. Both turn paging on by a trap: the next instruction
// faults, and stvec holds where to go on.
#include "gen/offsets.h"
#include "kernel/arch/riscv64/offsets.h"

	.section .text.entry, "ax"
	.option	norvc
	.globl	image_header
image_header:
	j	boot_entry
	.word	0
	.quad	0x200000		// from the start of memory
	.quad	image_bytes
	.quad	0			// little endian
	.word	2			// version 0.2
	.word	0
	.quad	0
	.ascii	"RISCV\0\0\0"
	.ascii	"RSC\x05"
	.word	0
	.option	rvc

// a0 = hart, a1 = device tree. The boot tables are Sv39's, with which every CPU
// can do, whatever it offers besides: memory at DIRECT_BASE, the image.
//
// OpenSBI 1.1 marks a hart as to be started before it writes down where
// (lib/sbi/sbi_hsm.c, sbi_hsm_hart_start): one that looks in between begins here,
// as the boot CPU did. Only the first may.
boot_entry:
	csrw	sie, zero
	csrw	sscratch, zero
	lla	t0, boot_taken
	li	t1, 1
	amoswap.w.aq t1, t1, (t0)
	bnez	t1, boot_again
	mv	s0, a0
	mv	s1, a1
	lla	t0, image_bss
	lla	t1, image_end
1:	sd	zero, 0(t0)
	addi	t0, t0, 8
	bltu	t0, t1, 1b
	lla	s2, image_start
	lla	s3, boot_root
	// 1 GiB each: valid, readable, writable, global, accessed, dirty
	li	t0, 0xe7
	li	t1, 2048
	add	t1, t1, s3		// entry 256
	li	t2, DIRECT_GIB
	li	t3, 1 << 28
1:	sd	t0, 0(t1)
	addi	t1, t1, 8
	add	t0, t0, t3
	addi	t2, t2, -1
	bnez	t2, 1b
	// the GiB from 0xffffffff80000000 on: pages of 2 MiB, executable too
	lla	t0, boot_table
	srli	t1, t0, 2
	ori	t1, t1, 1
	li	t2, 510 * 8
	add	t2, t2, s3
	sd	t1, 0(t2)
	li	t1, 0x200000
	sub	t1, s2, t1
	srli	t1, t1, 2
	ori	t1, t1, 0xef
	li	t2, 512
	li	t3, 0x200000 >> 2
1:	sd	t1, 0(t0)
	addi	t0, t0, 8
	add	t1, t1, t3
	addi	t2, t2, -1
	bnez	t2, 1b
	li	t0, IMAGE_VIRTUAL
	sub	t0, t0, s2
	lla	t1, boot_virtual
	add	t1, t1, t0
	csrw	stvec, t1
	srli	t0, s3, 12
	li	t1, 8
	slli	t1, t1, 60
	or	t0, t0, t1
	sfence.vma
	csrw	satp, t0
	nop
	.balign	4
boot_virtual:
	lla	sp, boot_stack_top
	mv	s4, zero
	mv	a0, s0
	mv	a1, s1
	mv	a2, s2
	li	s0, 0			// backtraces end here
	li	ra, 0
	call	arch_start
	unimp

// a0 = hart, which start() is waiting for, or has given up.
boot_again:
	lla	t0, smp_block
	ld	a1, 0(t0)
	beqz	a1, 1f
	ld	t0, 32(a1)
	beq	t0, a0, smp_start
1:	wfi
	j	1b

// a1 = physical address of {satp, smp_virtual, stack top, struct cpu_area, hart}
	.globl	smp_start
smp_start:
	csrw	sie, zero
	csrw	sscratch, zero
	ld	t0, 0(a1)
	ld	t1, 8(a1)
	ld	s1, 16(a1)
	ld	s2, 24(a1)
	csrw	stvec, t1
	sfence.vma
	csrw	satp, t0
	nop
	.balign	4
	.globl	smp_virtual
smp_virtual:
	mv	sp, s1
	mv	a0, s2
	li	s0, 0
	li	ra, 0
	call	smp_entry
	unimp

	.data
	.balign	8
	.globl	smp_block
smp_block:
	.quad	0
boot_taken:
	.word	0

	.bss
	.balign	4096
	.globl	boot_root, boot_stack_guard, boot_stack_top
boot_root:
	.skip	4096
boot_table:
	.skip	4096
boot_stack_guard:
	.skip	4096
	.skip	STACK_BYTES
boot_stack_top:
