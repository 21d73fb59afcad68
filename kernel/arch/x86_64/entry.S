// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Every way into the kernel from user mode, and every way out.
//
// In the kernel the GS base is this CPU's struct cpu, and the user's GS base is
// the hidden one. Registers are saved to the current thread, or, while it runs a
// guest, to the guest's state page; both have the same layout. The stack is
// empty on entry and abandoned on exit. regs.rip and state.rip are checked
// before they get here, so that neither sysretq nor iretq can fault.
#include "gen/abi/syscall_nr.h"
#include "gen/offsets.h"
#include "kernel/arch/x86_64/offsets.h"

// Move registers to and from a save area.
#define SAVE1(area, r) movq %r, REGS_##r(%area);
#define SAVE2(area, a, b) SAVE1(area, a) SAVE1(area, b)
#define SAVE3(area, a, ...) SAVE1(area, a) SAVE2(area, __VA_ARGS__)
#define SAVE4(area, a, ...) SAVE1(area, a) SAVE3(area, __VA_ARGS__)
#define SAVE5(area, a, ...) SAVE1(area, a) SAVE4(area, __VA_ARGS__)
#define LOAD1(area, r) movq REGS_##r(%area), %r;
#define LOAD2(area, a, b) LOAD1(area, a) LOAD1(area, b)
#define LOAD3(area, a, ...) LOAD1(area, a) LOAD2(area, __VA_ARGS__)
#define LOAD4(area, a, ...) LOAD1(area, a) LOAD3(area, __VA_ARGS__)
#define LOAD5(area, a, ...) LOAD1(area, a) LOAD4(area, __VA_ARGS__)

	.text

// ---- system calls
// rcx = user rip, r11 = user rflags. See lib/sys/arch/x86_64/syscall.h.
	.globl	syscall_entry
	.balign	64
syscall_entry:
	swapgs
	movq	%rsp, %gs:CPU_SCRATCH_SP
	cmpl	$0, %gs:CPU_IN_GUEST
	jne	guest_syscall
	movq	%gs:CPU_CURRENT, %rsp
	btq	$47, %rcx
	jc	syscall_at_end
1:	movq	%rcx, REGS_rip(%rsp)
	movq	%r11, REGS_rflags(%rsp)
	movq	%rbp, REGS_rbp(%rsp)
	movq	%rsp, %rcx
	movq	%gs:CPU_SCRATCH_SP, %r11
	movq	%r11, REGS_rsp(%rcx)
	movq	%gs:CPU_STACK_TOP, %rsp
	// The fast paths (fastpath.c) are for words only: no capabilities, no
	// deadline, no flags. This one compare excludes them all.
	cmpq	$0x8ff, %rax
	ja	syscall_slow
	movzbl	%al, %ebp
	jmp	*fast_table(,%rbp,8)
	.section .rodata
	.balign	8
	// fast_entry NUMBER, HANDLER: slow ones up to it, then this one
	.macro	fast_entry number, handler
	.rept	\number - (. - fast_table) / 8
	.quad	syscall_slow
	.endr
	.quad	\handler
	.endm
fast_table:
	fast_entry SYS_NULL, fast_null
	fast_entry SYS_CALL, fast_call
	fast_entry SYS_REPLY_RECV, fast_reply_recv
	fast_entry SYS_POLL, fast_poll
	fast_entry SYS_GUEST_RUN, fast_guest_run
	fast_entry 255, syscall_slow
	.text

// Return to the same thread with the status in rax; it keeps all registers that
// no kernel value may be in.
fast_null:
	xorl	%eax, %eax
	.globl	fast_return
fast_return:
	xorl	%ebx, %ebx
	xorl	%r10d, %r10d
	LOAD2(rcx, rbp, rsp)
	movq	REGS_rflags(%rcx), %r11
	movq	REGS_rip(%rcx), %rcx
	swapgs
	sysretq

syscall_slow:
	xorl	%ebp, %ebp		// the backtrace ends here
	SAVE5(rcx, rax, rbx, rdx, rsi, rdi)
	SAVE5(rcx, r8, r9, r10, r12, r13)
	SAVE2(rcx, r14, r15)
	movb	$1, THREAD_RESUME_SYSCALL(%rcx)
	movq	%rcx, %rdi
	movq	%rcx, %rbx
	movq	%rax, %rsi
	call	kernel_syscall
	// Straight back, unless there is something to do for kernel_leave():
	// whatever gives it work sets reschedule, posts a request, or condemns.
	cmpb	$0, %gs:CPU_RESCHEDULE
	jne	kernel_leave
	cmpl	$0, %gs:CPU_REQUESTS
	jne	kernel_leave
	cmpq	$0, %gs:CPU_REAPER
	jne	kernel_leave
	movq	%rbx, %rdi
	.globl	leave_sysret		// rdi = regs
leave_sysret:
	LOAD5(rdi, rax, rbx, rdx, rsi, rbp)
	LOAD5(rdi, r8, r9, r10, r12, r13)
	LOAD3(rdi, r14, r15, rsp)
	movq	REGS_rflags(%rdi), %r11
	movq	REGS_rip(%rdi), %rcx
	movq	REGS_rdi(%rdi), %rdi
	swapgs
	sysretq

// The instruction was the last of user space: the return address is none. Do not
// let it get as far as sysretq: the call fails as an unknown one, and returns to
// itself.
syscall_at_end:
	subq	$2, %rcx
	movq	$-1, %rax
	jmp	1b

// A fast path met something it does not do. It may have used rbx and r10, which
// by the compare above mean nothing here.
	.globl	fast_abandon
fast_abandon:
	xorl	%ebx, %ebx
	xorl	%r10d, %r10d
	jmp	syscall_slow

// Out of the IPC fast path. rcx = thread to run, rax = info, rdi = badge, message
// words in r12-r15 rsi rdx r8 r9: those beyond the message's length become 0.
	.globl	fast_exit
	.balign	64
fast_exit:
	movzbl	%ah, %ebx
	jmp	*fast_exit_table(,%rbx,8)
	.section .rodata
	.balign	8
fast_exit_table:
	.quad	10f, 11f, 12f, 13f, 14f, 15f, 16f, 17f, 18f
	.text
10:	xorl	%r12d, %r12d
11:	xorl	%r13d, %r13d
12:	xorl	%r14d, %r14d
13:	xorl	%r15d, %r15d
14:	xorl	%esi, %esi
15:	xorl	%edx, %edx
16:	xorl	%r8d, %r8d
17:	xorl	%r9d, %r9d
18:	xorl	%r10d, %r10d
	swapgs				// from here GS is the user's
	movq	REGS_gs_base(%rcx), %rbx
	wrgsbase %rbx
	xorl	%ebx, %ebx
	LOAD2(rcx, rbp, rsp)
	movq	REGS_rflags(%rcx), %r11
	movq	REGS_rip(%rcx), %rcx
	sysretq

// ---- guests
// A guest executed syscall: everything to its state page, then return from
// guest_run to the personality. The registers that a system call clobbers keep
// the guest's values, which the personality knows anyway.
	.balign	64
guest_syscall:
	movq	%gs:CPU_GUEST_SAVE, %rsp
	SAVE5(rsp, rax, rbx, rcx, rdx, rsi)
	SAVE5(rsp, rdi, rbp, r8, r9, r10)
	SAVE5(rsp, r11, r12, r13, r14, r15)
	movq	%rcx, REGS_rip(%rsp)
	movq	%r11, REGS_rflags(%rsp)
	movq	%gs:CPU_SCRATCH_SP, %rax
	movq	%rax, REGS_rsp(%rsp)
	rdfsbase %rax
	movq	%rax, REGS_fs_base(%rsp)
	movl	$1, %edi		// GUEST_SYSCALL
	movq	%rdi, GUEST_REASON(%rsp)
	xorl	%eax, %eax		// STATUS_OK
	movq	%rax, %gs:CPU_IN_GUEST
	movq	%gs:CPU_CURRENT, %rcx
	movq	THREAD_RUNNING_GUEST(%rcx), %rbx
	movq	%rax, GUEST_RUNNER(%rbx)
	movq	%rax, THREAD_RUNNING_GUEST(%rcx)
	movq	THREAD_ROOT_FULL(%rcx), %rbx
	testq	%rbx, %rbx
	jz	guest_no_root
	movq	%rbx, %cr3
	movq	REGS_fs_base(%rcx), %rbx
	wrfsbase %rbx
	movq	REGS_gs_base(%rcx), %rbx
	swapgs				// from here GS is the user's
	rdgsbase %rbp
	movq	%rbp, REGS_gs_base(%rsp)
	wrgsbase %rbx
	LOAD2(rcx, rbp, rsp)
	movq	REGS_rflags(%rcx), %r11
	movq	REGS_rip(%rcx), %rcx
	sysretq

// Its address space was destroyed meanwhile.
guest_no_root:
	movq	%rcx, %rdi
	movq	%gs:CPU_STACK_TOP, %rsp
	call	guest_orphaned

// Load the guest's registers from its state and run it. rdi = state, rsi = rip,
// rdx = rflags, both checked; the bases and CR3 are loaded already.
	.globl	guest_enter
guest_enter:
	cmpq	%rsi, REGS_rcx(%rdi)
	jne	1f
	cmpq	%rdx, REGS_r11(%rdi)
	jne	1f
	movq	%rsi, %rcx		// it left by syscall
	movq	%rdx, %r11
	LOAD5(rdi, rax, rbx, rdx, rsi, rbp)
	LOAD5(rdi, r8, r9, r10, r12, r13)
	LOAD3(rdi, r14, r15, rsp)
	movq	REGS_rdi(%rdi), %rdi
	swapgs
	sysretq
1:	pushq	$SELECTOR_USER_DATA
	pushq	REGS_rsp(%rdi)
	pushq	%rdx
	pushq	$SELECTOR_USER_CODE
	pushq	%rsi
	jmp	leave_load

// ---- interrupts and exceptions
	.globl	trap_stubs
	.balign	16
trap_stubs:
	.set	vector, 0
	.rept	256
	.balign	16
	.if	vector == 2 || vector == 18
	pushq	$0
	pushq	$vector
	jmp	trap_fatal_ist
	.elseif	vector == 8
	pushq	$vector
	jmp	trap_fatal_ist
	.else
	.if	!((vector >= 10 && vector <= 14) || vector == 17 || \
		vector == 21 || vector == 29 || vector == 30)
	pushq	$0			// no error code
	.endif
	pushq	$vector
	jmp	trap_common
	.endif
	.set	vector, vector + 1
	.endr

	.balign	64
trap_common:
	testb	$3, 24(%rsp)		// privilege level in cs
	jz	trap_kernel
	swapgs
	lfence				// no speculation with the user's GS
	cld
	clac
	pushq	%rax
	movq	%gs:CPU_CURRENT, %rax
	cmpl	$0, %gs:CPU_IN_GUEST
	cmovneq	%gs:CPU_GUEST_SAVE, %rax
	SAVE5(rax, rbx, rcx, rdx, rsi, rdi)
	SAVE5(rax, rbp, r8, r9, r10, r11)
	SAVE4(rax, r12, r13, r14, r15)
	popq	REGS_rax(%rax)
	popq	%rdi			// vector
	popq	%rsi			// error code
	popq	REGS_rip(%rax)
	popq	%rcx			// cs
	popq	REGS_rflags(%rax)
	popq	REGS_rsp(%rax)
	movq	%rax, %rdx
	movq	%gs:CPU_STACK_TOP, %rsp
	xorl	%ebp, %ebp
	call	trap_user
	ud2

// From the kernel: an interrupt of the idle loop, whose frame is dropped, or a
// bug.
trap_kernel:
	cmpq	$32, (%rsp)
	jb	trap_fatal
	cmpq	$0, %gs:CPU_CURRENT
	jne	trap_fatal
	movq	(%rsp), %rdi
	movq	%gs:CPU_STACK_TOP, %rsp
	xorl	%ebp, %ebp
	call	trap_idle
	ud2

	.macro	push_all
	.irp	reg, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, \
		r13, r14, r15
	pushq	%\reg
	.endr
	.endm

// May have come at any instruction: the GS base is not known. The last word of
// this stack's page holds it.
trap_fatal_ist:
	push_all
	movq	%rsp, %rax
	orq	$IST_STACK_BYTES - 8, %rax
	movq	(%rax), %rax
	wrgsbase %rax
	jmp	1f
trap_fatal:
	push_all
1:	cld
	movq	%rsp, %rdi
	andq	$-16, %rsp
	call	trap_fatal_c
	ud2

	.globl	leave_iret		// rdi = regs
leave_iret:
	pushq	$SELECTOR_USER_DATA
	pushq	REGS_rsp(%rdi)
	pushq	REGS_rflags(%rdi)
	pushq	$SELECTOR_USER_CODE
	pushq	REGS_rip(%rdi)
leave_load:
	LOAD5(rdi, rax, rbx, rcx, rdx, rsi)
	LOAD5(rdi, rbp, r8, r9, r10, r11)
	LOAD4(rdi, r12, r13, r14, r15)
	movq	REGS_rdi(%rdi), %rdi
	swapgs
	iretq

	.globl	arch_idle
arch_idle:
	movq	%gs:CPU_STACK_TOP, %rsp
	xorl	%ebp, %ebp
1:	sti
	hlt
	jmp	1b
