// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Where the machine's CPUs come in: MMU off, at EL1 or EL2.
//
// The boot CPU enters at image_header, the Image header of Linux (its
// Documentation/arm64/booting.rst), with the physical address of the device tree
// in x0. The image lies at some multiple of 2 MiB. The first page tables map: the
// image where it is linked; and by whole GiB the image and the device tree in the
// direct map, and the image at its own address, for the moment in which the MMU
// is switched on. arch_start() replaces them by the final ones.
//
// Other CPUs enter at cpu_entry with the physical address of struct cpu_entry in
// x0 (smp.c), and go through the same identity mapping.
//
// At EL2 the kernel stays: with VHE, which ARMv8.1 has, the registers of EL1 are
// names for those of EL2, and no other code knows the difference but the choice of
// the timer and of PSCI's instruction.
#include "gen/offsets.h"
#include "kernel/arch/aarch64/offsets.h"

#define HCR_HOST 0x488000000	// E2H, TGE, RW
#define ICC_SRE_EL2 S3_4_C12_C9_5
#define BLOCK 0x701		// normal, shareable, accessed
#define TABLE 3

	.section .text.entry, "ax"
	.globl	image_header
image_header:
	b	boot_entry
	.long	0
	.quad	0			// at a multiple of 2 MiB
	.quad	image_bytes
	.quad	0xa			// little-endian, 4 KiB pages, anywhere
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

// lit REGISTER, NUMBER: 64 bits, not from memory
	.macro	lit reg, value
	movz	\reg, #((\value) & 0xffff)
	movk	\reg, #((\value) >> 16 & 0xffff), lsl #16
	movk	\reg, #((\value) >> 32 & 0xffff), lsl #32
	movk	\reg, #((\value) >> 48 & 0xffff), lsl #48
	.endm

// address REGISTER, SYMBOL: where it is now
	.macro	address reg, symbol
	adrp	\reg, \symbol
	add	\reg, \reg, :lo12:\symbol
	.endm

boot_entry:
	mov	x20, x0
	bl	enter_level
	address	x0, image_bss
	address	x1, image_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b

	address	x21, image_header
	// The image where it is linked: 16 MiB by blocks of 2 MiB.
	address	x0, boot_image_blocks
	lit	x1, BLOCK
	orr	x1, x1, x21
	mov	x2, #8
1:	str	x1, [x0], #8
	add	x1, x1, #0x200000
	subs	x2, x2, #1
	b.ne	1b
	address	x0, boot_image_blocks
	address	x1, boot_image_table
	orr	x0, x0, #TABLE
	str	x0, [x1, #510 * 8]
	address	x2, boot_high
	orr	x1, x1, #TABLE
	str	x1, [x2, #511 * 8]
	address	x22, boot_tables
	// Direct map, in the upper half of its table, and identity
	add	x23, x2, #(DIRECT_BASE >> 39 & 511) * 8
	mov	x0, x23
	mov	x1, x21
	bl	boot_map
	mov	x0, x23
	mov	x1, x20
	bl	boot_map
	mov	x0, x23
	add	x1, x20, #0x200000
	bl	boot_map
	address	x0, boot_low
	mov	x1, x21
	bl	boot_map

	address	x0, boot_low
	address	x1, boot_high
	ldr	x2, =boot_virtual
	bl	mmu_on
boot_virtual:
	bti	j
	ldr	x0, =boot_stack_top
	mov	sp, x0
	mov	x0, x20
	mov	x1, x21
	mov	x29, xzr
	mov	x30, xzr
	b	arch_start

// The GiB around physical address x1, in the table of the highest level at x0: a
// table of the next level is taken from x22 where there is none. Clobbers x1-x4.
boot_map:
	ubfx	x2, x1, #39, #9
	ldr	x3, [x0, x2, lsl #3]
	cbnz	x3, 1f
	orr	x3, x22, #TABLE
	str	x3, [x0, x2, lsl #3]
	add	x22, x22, #4096
1:	and	x3, x3, #~0xfff
	ubfx	x2, x1, #30, #9
	and	x4, x1, #~0x3fffffff
	orr	x4, x4, #1
	orr	x4, x4, #0x700
	str	x4, [x3, x2, lsl #3]
	ret

// Make the level ours. Clobbers x9 and x10; the stack pointer in use is the level's
// own.
enter_level:
	msr	daifset, #15
	msr	spsel, #1
	mrs	x9, CurrentEL
	cmp	x9, #8
	b.ne	2f
	mrs	x10, id_aa64mmfr1_el1
	ubfx	x10, x10, #8, #4
1:	cbz	x10, 1b			// no VHE: no CPU for this kernel
	lit	x9, HCR_HOST
	msr	hcr_el2, x9
	isb
	msr	mdcr_el2, xzr
	msr	cntvoff_el2, xzr
	mov	x9, #15
	msr	ICC_SRE_EL2, x9
2:	lit	x9, SCTLR_OFF
	msr	sctlr_el1, x9
	isb
	ret

// Tables x0 for the lower half, x1 for the upper; go on at x2.
mmu_on:
	lit	x9, MAIR_BITS
	msr	mair_el1, x9
	lit	x9, TCR_BITS
	mrs	x10, id_aa64mmfr0_el1
	and	x10, x10, #15		// size of physical addresses
	cmp	x10, #5
	mov	x11, #5			// 48 bits are the most with such tables
	csel	x10, x10, x11, lo
	orr	x9, x9, x10, lsl #32
	msr	tcr_el1, x9
	msr	ttbr0_el1, x0
	msr	ttbr1_el1, x1
	isb
	tlbi	vmalle1
	dsb	nsh
	ic	iallu
	dsb	nsh
	isb
	lit	x9, SCTLR_BITS
	msr	sctlr_el1, x9
	isb
	br	x2

	.globl	cpu_entry
cpu_entry:
	mov	x20, x0
	bl	enter_level
	address	x0, boot_low
	ldr	x1, [x20]		// struct cpu_entry
	ldr	x2, =cpu_virtual
	bl	mmu_on
cpu_virtual:
	bti	j
	lit	x0, DIRECT_BASE
	add	x20, x20, x0
	ldr	x0, [x20, #8]		// struct cpu_area
	ldr	x1, [x0, #CPU_STACK_TOP]
	mov	sp, x1
	mov	x29, xzr
	mov	x30, xzr
	b	smp_entry

	.ltorg

	.section .bss
	.balign	4096
	.globl	boot_stack_guard, boot_stack_top
boot_stack_guard:
	.skip	4096
	.skip	STACK_BYTES
boot_stack_top:
boot_low:
	.skip	4096
boot_high:
	.skip	4096
boot_image_table:
	.skip	4096
boot_image_blocks:
	.skip	4096
boot_tables:
	.skip	4 * 4096
	.section .note.GNU-stack, "", @progbits
