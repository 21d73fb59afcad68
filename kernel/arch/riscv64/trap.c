// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Interrupts, exceptions and system calls after entry.S has saved the registers.
// Exceptions of user code go to the generic kernel; one of the kernel itself is a
// panic.
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/object/guest.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"
#include "kernel/sched/sched.h"

static_assert(DIRECT_BASE == ARCH_DIRECT_BASE &&
	      (u64)DIRECT_GIB << 30 == ARCH_DIRECT_BYTES);

#define CAUSE_INTERRUPT (1ull << 63)
// Exceptions: privileged specification, table 4.2
enum {
	CAUSE_FETCH_MISALIGNED = 0,
	CAUSE_FETCH_ACCESS = 1,
	CAUSE_ILLEGAL = 2,
	CAUSE_BREAKPOINT = 3,
	CAUSE_LOAD_MISALIGNED = 4,
	CAUSE_LOAD_ACCESS = 5,
	CAUSE_STORE_MISALIGNED = 6,
	CAUSE_STORE_ACCESS = 7,
	CAUSE_FETCH_PAGE = 12,
	CAUSE_LOAD_PAGE = 13,
	CAUSE_STORE_PAGE = 15,
};

static void interrupt(u64 cause)
{
	switch (cause & ~CAUSE_INTERRUPT) {
	case INTERRUPT_TIMER:
		arch_timer_at(~0ull);
		sched_timer();
		break;
	case INTERRUPT_SOFTWARE:
		csr_clear("sip", 1 << INTERRUPT_SOFTWARE);
		cpu_serve();
		break;
	case INTERRUPT_EXTERNAL:
		interrupts_external();
		break;
	}
}

static u32 fault_kind(u64 cause)
{
	switch (cause) {
	case CAUSE_ILLEGAL:
		return FAULT_INSTRUCTION;
	case CAUSE_BREAKPOINT:
		return FAULT_BREAKPOINT;
	case CAUSE_FETCH_MISALIGNED:
	case CAUSE_LOAD_MISALIGNED:
	case CAUSE_STORE_MISALIGNED:
		return FAULT_ALIGNMENT;
	default:
		return FAULT_OTHER;
	}
}

static void exception(struct thread *thread, u64 cause, u64 value)
{
	if (cause == CAUSE_FETCH_PAGE || cause == CAUSE_LOAD_PAGE ||
	    cause == CAUSE_STORE_PAGE) {
		kernel_page_fault(thread, value,
				  cause == CAUSE_STORE_PAGE ? FAULT_CODE_WRITE
					  : cause == CAUSE_FETCH_PAGE
					  ? FAULT_CODE_EXEC
					  : 0);
		return;
	}
	// With floating point off, one of its instructions is an illegal one.
	if (cause == CAUSE_ILLEGAL && !cpu_self()->fpu_enabled &&
	    fpu_take(thread))
		return;
	kernel_exception(thread, fault_kind(cause), cause, value, value);
}

// A system call that is not done by the fast paths; pc is behind it.
[[noreturn, gnu::used]] void trap_syscall(struct thread *thread)
{
	struct cpu *cpu = cpu_self();

	kernel_syscall(thread, thread->regs.a7);
	// Straight back, unless there is something to do for kernel_leave():
	// whatever gives it work sets reschedule, posts a request, or condemns.
	if (cpu->reschedule || atomic_load_relaxed(&cpu->requests) ||
	    cpu->reaper)
		kernel_leave();
	leave_regs(&thread->regs);
}

// An interrupt or exception of user code or of a guest; regs is where entry.S saved
// the registers.
[[noreturn, gnu::used]] void trap_user(u64 cause, struct arch_regs *)
{
	struct cpu *cpu = cpu_self();
	struct thread *thread = cpu->current;

	cpu->in_guest = 0;
	if (cause & CAUSE_INTERRUPT)
		interrupt(cause);
	else
		exception(thread, cause, csr_read("stval"));
	kernel_leave();
}

// An interrupt of the idle loop.
[[noreturn, gnu::used]] void trap_idle(u64 cause)
{
	interrupt(cause);
	kernel_leave();
}

[[noreturn]] void arch_leave(struct thread *thread)
{
	fetch_anew(thread->cpu);
	if (thread->running_guest)
		arch_guest_continue(thread);
	leave_regs(&thread->regs);
}

static const struct arch_regs *fatal;

[[noreturn, gnu::used]] void trap_fatal_c(const struct arch_regs *regs)
{
	if (fatal)
		arch_panic_stop();
	fatal = regs;
	panic("trap %lu in the kernel at %#lx, value %#lx", csr_read("scause"),
	      regs->pc, csr_read("stval"));
}

void arch_panic_report(void)
{
	const u64 *x = (const u64 *)fatal;
	static const char names[32][4] = {
		"pc", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
		"s0", "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
		"a6", "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
		"s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

	if (x) {
		console_print("scause %#lx stval %#lx sstatus %#lx satp %#lx\n",
			      csr_read("scause"), csr_read("stval"),
			      csr_read("sstatus"), csr_read("satp"));
		for (u32 i = 0; i < 32; i++)
			console_print("%.3s %#lx%s", names[i], x[i],
				      i % 4 == 3 ? "\n" : " ");
	}
}
