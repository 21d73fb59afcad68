// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Every way into the kernel from user mode, and every way out.
//
// While a user runs, the kernel's stack pointer is where its registers go: the
// current thread, or, while it runs a guest, the guest's state page; both have the
// same layout. So entry saves them before it needs any register, and only then
// takes the CPU's stack, which is empty on entry and abandoned on exit.
#include "gen/abi/syscall_nr.h"
#include "kernel/arch/aarch64/offsets.h"

	.macro	save_registers
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x21, sp_el0
	mrs	x22, elr_el1
	mrs	x23, spsr_el1
	stp	x30, x21, [sp, #240]
	stp	x22, x23, [sp, #256]
	mov	x19, sp
	mrs	x20, tpidr_el1
	ldr	x0, [x20, #CPU_STACK_TOP]
	mov	sp, x0
	mov	x29, xzr		// the backtrace ends here
	.endm

	.text
// ---- vectors: Arm ARM (DDI 0487), D1.4.1.4
	.macro	vector target
	.balign	128
	b	\target
	.endm

	.balign	2048
	.globl	trap_vectors
trap_vectors:
	.rept	4			// on the user's stack: never
	vector	fatal
	.endr
	vector	fatal			// of the kernel itself
	vector	idle_interrupt
	vector	fatal
	vector	fatal
	vector	user_sync
	vector	user_interrupt
	vector	fatal
	vector	user_error
	.rept	4			// of 32-bit programs: there are none
	vector	fatal
	.endr

	.balign	64
user_sync:
	save_registers
	mrs	x1, esr_el1
	ldr	w2, [x20, #CPU_IN_GUEST]
	lsr	w3, w1, #26
	cmp	w3, #0x15		// svc
	b.ne	user_exception
	cbnz	w2, guest_syscall
	mov	x0, x19
	mov	x1, x8
	bl	kernel_syscall
	// Straight back, unless there is something to do for kernel_leave():
	// whatever gives it work sets reschedule, posts a request, or condemns.
	ldrb	w0, [x20, #CPU_RESCHEDULE]
	ldr	w1, [x20, #CPU_REQUESTS]
	ldr	x2, [x20, #CPU_REAPER]
	orr	w0, w0, w1
	orr	x0, x0, x2
	cbnz	x0, kernel_leave
	mov	x0, x19

// Load a thread's registers and run it. x0 = registers.
	.globl	leave_user
leave_user:
	bti	c
	ldp	x1, x2, [x0, #REGS_pc]
	.globl	leave_checked		// x1 = pc, x2 = pstate, both checked
leave_checked:
	bti	c
	ldr	x3, [x0, #REGS_sp]
	msr	elr_el1, x1
	msr	spsr_el1, x2
	msr	sp_el0, x3
	mov	sp, x0
	ldp	x0, x1, [sp, #0]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldr	x30, [sp, #240]
	eret

user_exception:
	mov	x0, x19
	bl	trap_user
	brk	#0

guest_syscall:
	mov	x0, x19
	bl	trap_guest_syscall
	brk	#0

	.balign	64
user_interrupt:
	save_registers
	mov	x0, x19
	bl	trap_interrupt
	brk	#0

user_error:
	save_registers
	mrs	x0, esr_el1
	bl	trap_error
	brk	#0

// The idle loop's frame is dropped.
idle_interrupt:
	mrs	x0, tpidr_el1
	ldr	x1, [x0, #CPU_CURRENT]
	cbnz	x1, fatal
	ldr	x1, [x0, #CPU_STACK_TOP]
	mov	sp, x1
	mov	x29, xzr
	mov	x0, xzr
	bl	trap_interrupt
	brk	#0

// A bug, or a broken machine: the stack may be what is broken.
fatal:
	msr	tpidrro_el0, x0
	mrs	x0, tpidr_el1
	ldr	x0, [x0, #CPU_FATAL_STACK]
	sub	x0, x0, #REGS_tpidr
	stp	x2, x3, [x0, #16]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	mrs	x2, tpidrro_el0
	stp	x2, x1, [x0]
	mov	x2, sp
	stp	x30, x2, [x0, #240]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x2, x3, [x0, #256]
	mov	sp, x0
	mrs	x1, esr_el1
	bl	trap_fatal
	brk	#0

	.globl	idle_loop		// x0 = stack top
idle_loop:
	bti	c
	mov	sp, x0
	mov	x29, xzr
	msr	daifclr, #2
1:	wfi
	b	1b
	.section .note.GNU-stack, "", @progbits
