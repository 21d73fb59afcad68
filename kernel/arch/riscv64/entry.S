// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Every way into the kernel, and every way out.
//
// In user mode sscratch holds this CPU's struct cpu; in the kernel it is 0, and tp
// holds it. Registers are saved to the current thread, or, while it runs a guest,
// to the guest's state page; both have the same layout. The stack is empty on
// entry and abandoned on exit.
#include "gen/abi/syscall_nr.h"
#include "gen/offsets.h"
#include "kernel/arch/riscv64/offsets.h"

// All registers but sp and tp to a save area.
	.macro	save_all area
	sd	ra, 8 * 1(\area)
	sd	gp, 8 * 3(\area)
	.irp	n, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, \
		22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	sd	x\n, 8 * \n(\area)
	.endr
	.endm

// What a system call keeps, to and from a thread's registers; sp, tp and pc apart.
	.macro	save_kept area
	sd	gp, 8 * 3(\area)
	.irp	n, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
	sd	x\n, 8 * \n(\area)
	.endr
	.endm
	.macro	load_kept area
	ld	gp, 8 * 3(\area)
	.irp	n, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
	ld	x\n, 8 * \n(\area)
	.endr
	.endm
	.macro	clear registers:vararg
	.irp	r, \registers
	li	\r, 0
	.endr
	.endm

	.text

// ---- in
	.globl	trap_entry
	.balign	64
trap_entry:
	csrrw	tp, sscratch, tp
	beqz	tp, trap_kernel
	sd	sp, CPU_SCRATCH_SP(tp)
	csrr	sp, scause
	addi	sp, sp, -8
	bnez	sp, trap_other
	ld	sp, CPU_IN_GUEST(tp)
	bnez	sp, guest_syscall

	// A system call. The fast paths (fastpath.c) are for words only: no
	// capabilities, no deadline, no flags. One compare excludes them all.
	ld	sp, CPU_CURRENT(tp)
	sd	t0, 8 * 5(sp)
	sd	t1, 8 * 6(sp)
	csrrw	t1, sscratch, zero
	sd	t1, 8 * 4(sp)		// tp
	sd	a7, 8 * 17(sp)
	li	t0, 0x8ff
	bgtu	a7, t0, syscall_slow
	beqz	a7, fast_null
	andi	t0, a7, 0xff
	li	t1, SYS_CALL
	ld	sp, CPU_STACK_TOP(tp)
	bne	t0, t1, 1f
	j	fast_call
1:	li	t1, SYS_REPLY_RECV
	bne	t0, t1, 1f
	j	fast_reply_recv
1:	li	t1, SYS_GUEST_RUN
	bne	t0, t1, 1f
	j	fast_guest_run
1:	li	t1, SYS_POLL
	bne	t0, t1, fast_abandon
	j	fast_poll

fast_null:
	csrr	t0, sepc
	addi	t0, t0, 4
	csrw	sepc, t0
	csrw	sscratch, tp
	ld	t0, CPU_SCRATCH_SP(tp)
	ld	tp, 8 * 4(sp)
	mv	sp, t0
	clear	t0, t1
	sret

// Return to the same thread with the status a0; C code has kept s0 to s11.
	.globl	fast_return
fast_return:
	csrr	t0, sepc
	addi	t0, t0, 4
	csrw	sepc, t0
	mv	a7, a0
	csrw	sscratch, tp
	ld	t0, CPU_CURRENT(tp)
	ld	sp, CPU_SCRATCH_SP(tp)
	ld	tp, 8 * 4(t0)
	clear	a0, a1, a2, a3, a4, a5, a6, t0, t1, t2, t3, t4, t5, t6, ra
	sret

// A fast path met something it does not do: a0 to a6 are as they came, t0, t1, a7 and
// tp where they were saved, what else may be lost is.
	.globl	fast_abandon
fast_abandon:
	ld	sp, CPU_CURRENT(tp)
	clear	ra, t2, t3, t4, t5, t6
syscall_slow:
	sd	ra, 8 * 1(sp)
	save_kept sp
	.irp	n, 7, 10, 11, 12, 13, 14, 15, 16, 28, 29, 30, 31
	sd	x\n, 8 * \n(sp)
	.endr
	mv	a0, sp
	ld	t0, CPU_SCRATCH_SP(tp)
	csrr	t1, sepc
	addi	t1, t1, 4
	sd	t0, 8 * 2(sp)
	sd	t1, REGS_PC(sp)
	ld	sp, CPU_STACK_TOP(tp)
	li	s0, 0			// the backtrace ends here
	li	ra, 0
	call	trap_syscall
	unimp

// Out of the IPC fast path, as the thread in CPU_IN_GUEST. a0 = badge, a1 to a6
// message words, a7 = info; two more words where the thread that ran, which is in
// CPU_GUEST_SAVE, has saved its t0 and t1. Words beyond the message's length
// become 0.
	.globl	fast_exit, fast_exit_fpu
fast_exit_fpu:
	addi	sp, sp, -64
	.irp	n, 10, 11, 12, 13, 14, 15, 16, 17
	sd	x\n, 8 * (\n - 10)(sp)
	.endr
	mv	a0, tp
	ld	a1, CPU_IN_GUEST(tp)
	call	fpu_exchange
	.irp	n, 10, 11, 12, 13, 14, 15, 16, 17
	ld	x\n, 8 * (\n - 10)(sp)
	.endr
	.balign	64
fast_exit:
	ld	t0, CPU_GUEST_SAVE(tp)
	ld	t1, CPU_IN_GUEST(tp)
	ld	t2, CPU_SCRATCH_SP(tp)
	csrr	t3, sepc
	save_kept t0
	addi	t3, t3, 4
	sd	t2, 8 * 2(t0)
	sd	t3, REGS_PC(t0)
	ld	t5, 8 * 5(t0)
	ld	t6, 8 * 6(t0)
	sd	zero, CPU_IN_GUEST(tp)
	fence	rw, w
	sd	t1, CPU_CURRENT(tp)	// now another CPU may have who ran
	ld	t3, REGS_PC(t1)
	csrw	sepc, t3
	csrw	sscratch, tp
	srli	t4, a7, 8 - 2
	lla	t3, 1f
	add	t4, t4, t3
	jr	t4
	.option	push
	.option	norvc
1:	clear	a1, a2, a3, a4, a5, a6, t5, t6
	.option	pop
	ld	sp, 8 * 2(t1)
	ld	tp, 8 * 4(t1)
	load_kept t1
	mv	t0, t5
	mv	t1, t6
	clear	ra, t2, t3, t4, t5, t6
	sret

// A guest executed ecall: everything to its state page, then return from guest_run
// to the personality.
	.balign	64
guest_syscall:
	ld	sp, CPU_GUEST_SAVE(tp)
	save_all sp
	ld	t0, CPU_SCRATCH_SP(tp)
	csrr	t2, sepc
	csrrw	t1, sscratch, tp
	addi	t2, t2, 4
	sd	t0, 8 * 2(sp)
	sd	t1, 8 * 4(sp)
	sd	t2, REGS_PC(sp)
	ld	a1, CPU_CURRENT(tp)
	li	a0, 1			// GUEST_SYSCALL
	sd	a0, GUEST_REASON(sp)
	sd	zero, CPU_IN_GUEST(tp)
	ld	t0, THREAD_RUNNING_GUEST(a1)
	ld	t1, THREAD_ROOT_FULL(a1)
	sd	zero, THREAD_RUNNING_GUEST(a1)
	fence	rw, w
	sd	zero, GUEST_RUNNER(t0)
	beqz	t1, guest_no_root
	lla	t2, satp_mode
	ld	t2, 0(t2)
	sd	t1, CPU_ROOT(tp)
	srli	t1, t1, 12
	or	t1, t1, t2
	csrw	satp, t1
	li	t2, 0
	sfence.vma zero, t2
	ld	t2, REGS_PC(a1)
	csrw	sepc, t2
	li	a7, 0			// STATUS_OK
	ld	sp, 8 * 2(a1)
	ld	tp, 8 * 4(a1)
	load_kept a1
	clear	a1, a2, a3, a4, a5, a6, t0, t1, t2, t3, t4, t5, t6, ra
	sret

// Its address space was destroyed meanwhile.
guest_no_root:
	csrw	sscratch, zero
	ld	sp, CPU_STACK_TOP(tp)
	mv	a0, a1
	li	s0, 0
	li	ra, 0
	call	guest_orphaned
	unimp

// Into the guest whose state is a0; its root is loaded.
	.globl	fast_guest_enter
fast_guest_enter:
	ld	t0, CPU_CURRENT(tp)
	ld	t1, CPU_SCRATCH_SP(tp)
	csrr	t2, sepc
	save_kept t0
	addi	t2, t2, 4
	sd	t1, 8 * 2(t0)
	sd	t2, REGS_PC(t0)
	j	leave_state

// Interrupts and exceptions: everything to where it belongs.
	.balign	64
trap_other:
	ld	sp, CPU_IN_GUEST(tp)
	bnez	sp, 1f
	ld	sp, CPU_CURRENT(tp)
2:	save_all sp
	mv	a1, sp
	ld	t0, CPU_SCRATCH_SP(tp)
	csrrw	t1, sscratch, zero
	csrr	t2, sepc
	sd	t0, 8 * 2(a1)
	sd	t1, 8 * 4(a1)
	sd	t2, REGS_PC(a1)
	csrr	a0, scause
	ld	sp, CPU_STACK_TOP(tp)
	li	s0, 0			// the backtrace ends here
	li	ra, 0
	call	trap_user
	unimp
1:	ld	sp, CPU_GUEST_SAVE(tp)
	j	2b

// From the kernel: an interrupt of the idle loop, whose registers are dropped, or
// a bug.
trap_kernel:
	csrrw	tp, sscratch, tp	// tp is the CPU, sscratch 0 again
	sd	sp, CPU_SCRATCH_SP(tp)
	ld	sp, CPU_CURRENT(tp)
	bnez	sp, trap_fatal
	csrr	sp, scause
	bgez	sp, trap_fatal
	ld	sp, CPU_STACK_TOP(tp)
	csrr	a0, scause
	li	s0, 0
	li	ra, 0
	call	trap_idle
	unimp

// On a stack of its own: the usual one may be what is wrong.
trap_fatal:
	li	sp, CPU_AREA_BYTES - 256
	add	sp, sp, tp
	save_all sp
	ld	t0, CPU_SCRATCH_SP(tp)
	csrr	t1, sepc
	sd	t0, 8 * 2(sp)
	sd	tp, 8 * 4(sp)
	sd	t1, REGS_PC(sp)
	mv	a0, sp
	call	trap_fatal_c
	unimp

// ---- out
// a0 = regs: everything from there, to user mode.
	.globl	leave_regs
leave_regs:
	li	t0, SSTATUS_SPP		// it may be the idle loop's
	li	t1, SSTATUS_SPIE
	csrc	sstatus, t0
	csrs	sstatus, t1
leave_state:
	ld	t0, REGS_PC(a0)
	csrw	sepc, t0
	csrw	sscratch, tp
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, \
		20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld	x\n, 8 * \n(a0)
	.endr
	ld	a0, 8 * 10(a0)
	sret

	.globl	arch_idle
arch_idle:
	ld	sp, CPU_STACK_TOP(tp)
	li	s0, 0
	csrsi	sstatus, SSTATUS_SIE
1:	wfi
	j	1b

// ---- semihosting: a0 = operation, a1 = parameter; the three instructions are a
// call of the debugger (RISC-V Semihosting, version 0.4), on one page.
	.globl	semihost
	.balign	64
	.option	norvc
semihost:
	slli	x0, x0, 0x1f
	ebreak
	srai	x0, x0, 7
	ret
	.option	rvc

// ---- floating point: a0 = struct fpu_area
	.option	push
	.option	arch, +d
	.globl	arch_fpu_write
arch_fpu_write:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, \
		18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	fsd	f\n, 8 * \n(a0)
	.endr
	frcsr	t0
	sd	t0, 256(a0)
	ret

	.globl	arch_fpu_read
arch_fpu_read:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, \
		18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	fld	f\n, 8 * \n(a0)
	.endr
	ld	t0, 256(a0)
	fscsr	t0
	ret
	.option	pop
