// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Into our C code from the firmware, whose calling convention is the same; and out
// of it into the kernel, as its Image header wants it: MMU and data cache off,
// x0 = the handoff.
	.text
	.globl	efi_entry
efi_entry:
	b	efi_main

// enter_kernel(handoff, entry, address, end): the memory from address to end, and
// this code, must be in memory itself, not only in a cache, when the MMU is off.
	.globl	enter_kernel
enter_kernel:
	msr	daifset, #15
	mov	x20, x0
	mov	x21, x1
	bl	clean
	adr	x2, enter_kernel
	adr	x3, enter_end
	bl	clean
	ic	iallu
	dsb	ish
	isb
	mrs	x9, CurrentEL
	mov	x11, #0x1005		// MMU, data cache, instruction cache
	cmp	x9, #8
	b.eq	1f
	mrs	x10, sctlr_el1
	bic	x10, x10, x11
	msr	sctlr_el1, x10
	b	2f
1:	mrs	x10, sctlr_el2
	bic	x10, x10, x11
	msr	sctlr_el2, x10
2:	isb
	mov	x0, x20
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	br	x21

// Lines of the data cache from x2 to x3
clean:	mrs	x9, ctr_el0
	ubfx	x9, x9, #16, #4
	mov	x10, #4
	lsl	x10, x10, x9		// bytes of a line
	sub	x9, x10, #1
	bic	x2, x2, x9
1:	dc	civac, x2
	add	x2, x2, x10
	cmp	x2, x3
	b.lo	1b
	dsb	sy
	ret
enter_end:
	.section .note.GNU-stack, "", @progbits
