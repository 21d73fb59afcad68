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
#include "kernel/arch/x86_64/offsets.h"

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
1:	movq	%rcx, REGS_RIP(%rsp)
	movq	%r11, REGS_RFLAGS(%rsp)
	movq	%rbp, REGS_RBP(%rsp)
	movq	%rsp, %rcx
	movq	%gs:CPU_SCRATCH_SP, %r11
	movq	%r11, REGS_RSP(%rcx)
	movq	%gs:CPU_STACK_TOP, %rsp
	// The fast paths (fastpath.c) are for words only: no capabilities, no
	// deadline, no flags. This one compare excludes them all.
	cmpq	$0x8ff, %rax
	ja	syscall_slow
	movzbl	%al, %ebp
	jmp	*fast_table(,%rbp,8)
	.section .rodata
	.balign	8
fast_table:
	.set	number, 0
	.rept	256
	.if	number == SYS_NULL
	.quad	fast_null
	.elseif	number == SYS_CALL
	.quad	fast_call
	.elseif	number == SYS_REPLY_RECV
	.quad	fast_reply_recv
	.elseif	number == SYS_POLL
	.quad	fast_poll
	.elseif	number == SYS_GUEST_RUN
	.quad	fast_guest_run
	.else
	.quad	syscall_slow
	.endif
	.set	number, number + 1
	.endr
	.text

// Return to the same thread with the status in rax; it keeps all registers that
// no kernel value may be in.
fast_null:
	xorl	%eax, %eax
	.globl	fast_return
fast_return:
	xorl	%ebx, %ebx
	xorl	%r10d, %r10d
	movq	REGS_RBP(%rcx), %rbp
	movq	REGS_RSP(%rcx), %rsp
	movq	REGS_RFLAGS(%rcx), %r11
	movq	REGS_RIP(%rcx), %rcx
	swapgs
	sysretq

syscall_slow:
	xorl	%ebp, %ebp		// the backtrace ends here
	movq	%rax, REGS_RAX(%rcx)
	movq	%rbx, REGS_RBX(%rcx)
	movq	%rdx, REGS_RDX(%rcx)
	movq	%rsi, REGS_RSI(%rcx)
	movq	%rdi, REGS_RDI(%rcx)
	movq	%r8, REGS_R8(%rcx)
	movq	%r9, REGS_R9(%rcx)
	movq	%r10, REGS_R10(%rcx)
	movq	%r12, REGS_R12(%rcx)
	movq	%r13, REGS_R13(%rcx)
	movq	%r14, REGS_R14(%rcx)
	movq	%r15, REGS_R15(%rcx)
	movb	$1, THREAD_RESUME_SYSCALL(%rcx)
	movq	%rcx, %rdi
	movq	%rcx, %rbx
	movq	%rax, %rsi
	call	kernel_syscall
	// Straight back, unless there is something to do for kernel_leave():
	// whatever gives it work sets reschedule or posts a request.
	cmpb	$0, %gs:CPU_RESCHEDULE
	jne	kernel_leave
	cmpl	$0, %gs:CPU_REQUESTS
	jne	kernel_leave
syscall_return:
	movq	REGS_RAX(%rbx), %rax
	movq	REGS_RDX(%rbx), %rdx
	movq	REGS_RSI(%rbx), %rsi
	movq	REGS_RDI(%rbx), %rdi
	movq	REGS_RBP(%rbx), %rbp
	movq	REGS_R8(%rbx), %r8
	movq	REGS_R9(%rbx), %r9
	movq	REGS_R10(%rbx), %r10
	movq	REGS_R12(%rbx), %r12
	movq	REGS_R13(%rbx), %r13
	movq	REGS_R14(%rbx), %r14
	movq	REGS_R15(%rbx), %r15
	movq	REGS_RSP(%rbx), %rsp
	movq	REGS_RFLAGS(%rbx), %r11
	movq	REGS_RIP(%rbx), %rcx
	movq	REGS_RBX(%rbx), %rbx
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

	.globl	leave_sysret		// rdi = regs
leave_sysret:
	movq	%rdi, %rbx
	jmp	syscall_return

// Out of the IPC fast path. rcx = thread to run, r11 = thread that ran, rax =
// info, rdi = badge, message words in r12-r15 rsi rdx r8 r9: those beyond the
// message's length become 0.
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
	rdgsbase %rbx
	movq	%rbx, REGS_GS_BASE(%r11)
	movq	REGS_GS_BASE(%rcx), %rbx
	wrgsbase %rbx
	xorl	%ebx, %ebx
	movq	REGS_RBP(%rcx), %rbp
	movq	REGS_RSP(%rcx), %rsp
	movq	REGS_RFLAGS(%rcx), %r11
	movq	REGS_RIP(%rcx), %rcx
	sysretq

// ---- guests
// A guest executed syscall: everything to its state page, then return from
// guest_run to the personality. The registers that a system call clobbers keep
// the guest's values, which the personality knows anyway.
	.balign	64
guest_syscall:
	movq	%gs:CPU_GUEST_SAVE, %rsp
	movq	%rax, REGS_RAX(%rsp)
	movq	%rbx, REGS_RBX(%rsp)
	movq	%rcx, REGS_RCX(%rsp)
	movq	%rdx, REGS_RDX(%rsp)
	movq	%rsi, REGS_RSI(%rsp)
	movq	%rdi, REGS_RDI(%rsp)
	movq	%rbp, REGS_RBP(%rsp)
	movq	%r8, REGS_R8(%rsp)
	movq	%r9, REGS_R9(%rsp)
	movq	%r10, REGS_R10(%rsp)
	movq	%r11, REGS_R11(%rsp)
	movq	%r12, REGS_R12(%rsp)
	movq	%r13, REGS_R13(%rsp)
	movq	%r14, REGS_R14(%rsp)
	movq	%r15, REGS_R15(%rsp)
	movq	%rcx, REGS_RIP(%rsp)
	movq	%r11, REGS_RFLAGS(%rsp)
	movq	%gs:CPU_SCRATCH_SP, %rax
	movq	%rax, REGS_RSP(%rsp)
	rdfsbase %rax
	movq	%rax, REGS_FS_BASE(%rsp)
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
	movq	REGS_FS_BASE(%rcx), %rbx
	wrfsbase %rbx
	movq	REGS_GS_BASE(%rcx), %rbx
	swapgs				// from here GS is the user's
	rdgsbase %rbp
	movq	%rbp, REGS_GS_BASE(%rsp)
	wrgsbase %rbx
	movq	REGS_RBP(%rcx), %rbp
	movq	REGS_RSP(%rcx), %rsp
	movq	REGS_RFLAGS(%rcx), %r11
	movq	REGS_RIP(%rcx), %rcx
	sysretq

// Its address space was destroyed meanwhile.
guest_no_root:
	movq	%rcx, %rdi
	movq	%gs:CPU_STACK_TOP, %rsp
	call	trap_guest_orphaned

// Load the guest's registers from its state and run it. rdi = state, rsi = rip,
// rdx = rflags, both checked; the bases and CR3 are loaded already.
	.globl	guest_enter
guest_enter:
	cmpq	%rsi, REGS_RCX(%rdi)
	jne	1f
	cmpq	%rdx, REGS_R11(%rdi)
	jne	1f
	movq	%rsi, %rcx		// it left by syscall
	movq	%rdx, %r11
	movq	REGS_RAX(%rdi), %rax
	movq	REGS_RBX(%rdi), %rbx
	movq	REGS_RDX(%rdi), %rdx
	movq	REGS_RSI(%rdi), %rsi
	movq	REGS_RBP(%rdi), %rbp
	movq	REGS_R8(%rdi), %r8
	movq	REGS_R9(%rdi), %r9
	movq	REGS_R10(%rdi), %r10
	movq	REGS_R12(%rdi), %r12
	movq	REGS_R13(%rdi), %r13
	movq	REGS_R14(%rdi), %r14
	movq	REGS_R15(%rdi), %r15
	movq	REGS_RSP(%rdi), %rsp
	movq	REGS_RDI(%rdi), %rdi
	swapgs
	sysretq
1:	pushq	$SELECTOR_USER_DATA
	pushq	REGS_RSP(%rdi)
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
	movq	%rbx, REGS_RBX(%rax)
	movq	%rcx, REGS_RCX(%rax)
	movq	%rdx, REGS_RDX(%rax)
	movq	%rsi, REGS_RSI(%rax)
	movq	%rdi, REGS_RDI(%rax)
	movq	%rbp, REGS_RBP(%rax)
	movq	%r8, REGS_R8(%rax)
	movq	%r9, REGS_R9(%rax)
	movq	%r10, REGS_R10(%rax)
	movq	%r11, REGS_R11(%rax)
	movq	%r12, REGS_R12(%rax)
	movq	%r13, REGS_R13(%rax)
	movq	%r14, REGS_R14(%rax)
	movq	%r15, REGS_R15(%rax)
	popq	REGS_RAX(%rax)
	popq	%rdi			// vector
	popq	%rsi			// error code
	popq	REGS_RIP(%rax)
	popq	%rcx			// cs
	popq	REGS_RFLAGS(%rax)
	popq	REGS_RSP(%rax)
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
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rbx
	pushq	%rbp
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
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
	pushq	REGS_RSP(%rdi)
	pushq	REGS_RFLAGS(%rdi)
	pushq	$SELECTOR_USER_CODE
	pushq	REGS_RIP(%rdi)
leave_load:
	movq	REGS_RAX(%rdi), %rax
	movq	REGS_RBX(%rdi), %rbx
	movq	REGS_RCX(%rdi), %rcx
	movq	REGS_RDX(%rdi), %rdx
	movq	REGS_RSI(%rdi), %rsi
	movq	REGS_RBP(%rdi), %rbp
	movq	REGS_R8(%rdi), %r8
	movq	REGS_R9(%rdi), %r9
	movq	REGS_R10(%rdi), %r10
	movq	REGS_R11(%rdi), %r11
	movq	REGS_R12(%rdi), %r12
	movq	REGS_R13(%rdi), %r13
	movq	REGS_R14(%rdi), %r14
	movq	REGS_R15(%rdi), %r15
	movq	REGS_RDI(%rdi), %rdi
	swapgs
	iretq

	.globl	idle_loop		// rdi = stack top
idle_loop:
	movq	%rdi, %rsp
	xorl	%ebp, %ebp
1:	sti
	hlt
	jmp	1b
