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
#include "gen/offsets.h"
#include "kernel/arch/aarch64/offsets.h"

	.altmacro
// pairs stp|ldp, AREA, NUMBERS: each register with its successor
	.macro	pair operation, area, n, m
	\operation x\n, x\m, [\area, #8 * \n]
	.endm
	.macro	pairs operation, area, numbers:vararg
	.irp	n, \numbers
	pair	\operation, \area, \n, %(\n + 1)
	.endr
	.endm

// What C functions keep, and the system registers, to the area at \area.
	.macro	save_kept area
	pairs	stp, \area, 19, 21, 23, 25, 27, 29
	mrs	x19, sp_el0
	mrs	x20, elr_el1
	mrs	x21, spsr_el1
	str	x19, [\area, #REGS_sp]
	stp	x20, x21, [\area, #REGS_pc]
	.endm

// All others but x16 and x17.
	.macro	save_rest area
	pairs	stp, \area, 0, 2, 4, 6, 8, 10, 12, 14
	str	x18, [\area, #144]
	save_kept \area
	.endm

// From a user: everything to the area, which becomes x19; x20 is the CPU.
	.macro	enter saved_some=0
	.if	!\saved_some
	stp	x16, x17, [sp, #128]
	.endif
	save_rest sp
	mov	x19, sp
	mrs	x20, tpidr_el1
	ldr	x0, [x20, #CPU_STACK_TOP]
	mov	sp, x0
	mov	x29, xzr		// the backtrace ends here
	.endm

// The way back of save_kept, and eret as the owner of the area. Clobbers x10-x12.
	.macro	leave_kept area
	ldp	x10, x11, [\area, #REGS_pc]
	ldr	x12, [\area, #REGS_sp]
	msr	elr_el1, x10
	msr	spsr_el1, x11
	msr	sp_el0, x12
	pairs	ldp, \area, 19, 21, 23, 25, 27, 29
	mov	sp, \area
	.endm

	.macro	clear from, to
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18
	.if	\n >= \from && \n <= \to
	mov	x\n, xzr
	.endif
	.endr
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
	vector	fatal			// SError: the machine is broken
	.rept	4			// of 32-bit programs: there are none
	vector	fatal
	.endr

// ---- system calls
// lib/sys/arch/aarch64/syscall.h: x9 to x18 need not be kept.
	.balign	64
user_sync:
	stp	x16, x17, [sp, #128]
	mrs	x16, esr_el1
	mrs	x17, tpidr_el1
	lsr	w16, w16, #26
	cmp	w16, #0x15		// svc
	b.ne	user_exception
	ldr	w16, [x17, #CPU_IN_GUEST]
	cbnz	w16, guest_syscall
	// The fast paths (fastpath.c) are for words only: no capabilities, no
	// deadline, no flags. This one compare excludes them all.
	cmp	x8, #0x8ff
	b.hi	syscall_slow
	stp	x8, x9, [sp, #64]
	ldr	x16, [x17, #CPU_STACK_TOP]
	mov	sp, x16
	and	w17, w8, #0xff
	cmp	w17, #SYS_CALL
	b.eq	fast_call
	cmp	w17, #SYS_REPLY_RECV
	b.eq	fast_reply_recv
	adrp	x16, fast_table
	add	x16, x16, :lo12:fast_table
	ldr	x16, [x16, x17, lsl #3]
	br	x16
	.section .rodata
	.balign	8
	// fast_entry NUMBER, HANDLER: slow ones up to it, then this one
	.macro	fast_entry number, handler
	.rept	\number - (. - fast_table) / 8
	.quad	fast_abandon
	.endr
	.quad	\handler
	.endm
fast_table:
	fast_entry SYS_NULL, fast_null
	fast_entry SYS_POLL, fast_poll
	fast_entry SYS_GUEST_RUN, fast_guest_run
	fast_entry 255, fast_abandon
	.text

fast_null:
	bti	c
	mov	x0, xzr

// Return to the same thread with the status x0; C code has kept x19 to x30.
	.globl	fast_return
fast_return:
	bti	c
	mrs	x17, tpidr_el1
	mov	x8, x0
	mov	x0, xzr
	ldr	x16, [x17, #CPU_CURRENT]
	mov	sp, x16
	clear	1, 18
	eret

// A fast path met something it does not do: x0 to x7 are as they came, x8 and x9
// where they were saved.
	.globl	fast_abandon
fast_abandon:
	bti	c
	mrs	x17, tpidr_el1
	ldr	x16, [x17, #CPU_CURRENT]
	save_kept x16
	pairs	stp, x16, 0, 2, 4, 6
	mov	x19, x16
	mov	x20, x17
	mov	x29, xzr
	ldr	x1, [x16, #64]
	b	1f
syscall_slow:
	enter	1
	mov	x1, x8
1:	mov	x0, x19
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
	b	leave_user

// Out of the IPC fast path, as the current thread. x0 = badge, message words in x1
// to x7 and, with the info word, in the saved registers of the thread that ran:
// those beyond the message's length become 0. What that thread keeps is still in the
// registers.
	.globl	fast_exit, fast_exit_fpu
fast_exit_fpu:
	bti	c
	stp	x0, x1, [sp, #-80]!
	pairs	stp, sp, 2, 4, 6
	stp	x29, x30, [sp, #64]
	mov	x29, xzr
	mrs	x0, tpidr_el1
	ldr	x1, [x0, #CPU_GUEST_SAVE]
	bl	fpu_exchange
	pairs	ldp, sp, 2, 4, 6
	ldp	x29, x30, [sp, #64]
	ldp	x0, x1, [sp], #80
	.balign	64
fast_exit:
	bti	c
	mrs	x17, tpidr_el1
	ldr	x16, [x17, #CPU_CURRENT] // who ran
	save_kept x16
	ldp	x8, x9, [x16, #64]
	and	x8, x8, #0xff00
	add	x10, x17, #CPU_CURRENT
	ldr	x17, [x17, #CPU_GUEST_SAVE] // who is to run
	stlr	x17, [x10]		// now another CPU may have who ran
	lsr	x10, x8, #8
	adr	x11, 1f
	add	x11, x11, x10, lsl #2
	ret	x11
1:	clear	1, 9
	leave_kept x17
	clear	10, 18
	eret

// ---- guests
// A guest executed svc: everything to its state page, then return from guest_run to
// the personality.
	.balign	64
guest_syscall:
	save_rest sp
	mov	x19, sp
	ldr	x16, [x17, #CPU_CURRENT]
	mrs	x20, tpidr_el0
	mov	x0, #1			// GUEST_SYSCALL
	stp	x20, x0, [x19, #REGS_tpidr] // and the reason
	ldr	x21, [x16, #THREAD_ROOT_FULL]
	ldr	x22, [x16, #REGS_tpidr]
	ldr	x23, [x16, #THREAD_RUNNING_GUEST]
	str	xzr, [x17, #CPU_IN_GUEST]
	str	xzr, [x16, #THREAD_RUNNING_GUEST]
	add	x23, x23, #GUEST_RUNNER
	stlr	xzr, [x23]
	cbz	x21, guest_no_root
	msr	ttbr0_el1, x21
	msr	tpidr_el0, x22
	mov	x8, xzr			// STATUS_OK
	leave_kept x16
	clear	16, 17			// others have the guest's values
	eret

// Its address space was destroyed meanwhile.
guest_no_root:
	ldr	x0, [x17, #CPU_STACK_TOP]
	mov	sp, x0
	mov	x29, xzr
	mov	x0, x16
	bl	guest_orphaned
	brk	#0

// Into the guest whose state is x0, at x1 with pstate x2, both checked; its root and
// thread pointer are loaded.
	.globl	fast_guest_enter
fast_guest_enter:
	bti	c
	mrs	x17, tpidr_el1
	ldr	x16, [x17, #CPU_CURRENT]
	save_kept x16
	b	leave_checked

// ---- to a user
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
	pairs	ldp, sp, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28
	ldr	x30, [sp, #240]
	eret

// ---- interrupts and exceptions
user_exception:
	enter	1
	mov	x0, x19
	mrs	x1, esr_el1
	bl	trap_user
	brk	#0

	.balign	64
user_interrupt:
	enter
	mov	x0, x19
	bl	trap_interrupt
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
	pairs	stp, x0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28
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

	.globl	arch_idle
arch_idle:
	bti	c
	mrs	x0, tpidr_el1
	ldr	x0, [x0, #CPU_STACK_TOP]
	mov	sp, x0
	mov	x29, xzr
	msr	daifclr, #2
1:	wfi
	b	1b
	.section .note.GNU-stack, "", @progbits
