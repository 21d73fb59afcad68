// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Every way into the kernel, and every way out.
//
// In user mode sscratch holds this CPU's struct cpu; in the kernel it is 0, and tp
// holds it. Registers are saved to the current thread, or, while it runs a guest,
// to the guest's state page; both have the same layout. The stack is empty on
// entry and abandoned on exit.
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

	.text

// ---- in
	.globl	trap_entry
	.balign	64
trap_entry:
	csrrw	tp, sscratch, tp
	beqz	tp, trap_kernel
	sd	sp, CPU_SCRATCH_SP(tp)
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
	ld	t0, REGS_PC(a0)
	csrw	sepc, t0
	csrw	sscratch, tp
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, \
		20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld	x\n, 8 * \n(a0)
	.endr
	ld	a0, 8 * 10(a0)
	sret

	.globl	idle_loop		// a0 = stack top
idle_loop:
	mv	sp, a0
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
	.globl	fpu_write
fpu_write:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, \
		18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	fsd	f\n, 8 * \n(a0)
	.endr
	frcsr	t0
	sd	t0, 256(a0)
	ret

	.globl	fpu_read
fpu_read:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, \
		18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	fld	f\n, 8 * \n(a0)
	.endr
	ld	t0, 256(a0)
	fscsr	t0
	ret
	.option	pop
