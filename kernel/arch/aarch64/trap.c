// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Interrupts and exceptions after entry.S has saved the registers. Exceptions of
// user code go to the generic kernel; one of the kernel itself is a panic.
#include "kernel/arch/aarch64/aarch64.h"
#include "kernel/object/guest.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"
#include "kernel/sched/sched.h"

static_assert(IMAGE_BASE == ARCH_IMAGE_BASE && DIRECT_BASE == ARCH_DIRECT_BASE);

// Classes of exceptions, Arm ARM (DDI 0487) D17.2.37, ESR_EL1.EC
enum {
	CLASS_FPU = 0x07,
	CLASS_CODE_ABORT = 0x20,
	CLASS_PC_ALIGNMENT = 0x22,
	CLASS_DATA_ABORT = 0x24,
	CLASS_SP_ALIGNMENT = 0x26,
	CLASS_FPU_EXCEPTION = 0x2c,
	CLASS_BRK = 0x3c,
	CLASSES = 64,
};

// Why a memory access failed: ESR_EL1.ISS of an abort
#define ABORT_WRITE 0x40u
#define ABORT_CACHE 0x100u // by cache maintenance: not a write
#define ABORT_STATUS 0x3fu
// In its bits 5-2: 1 no translation, 2 access flag; in bits 1-0 the level
#define STATUS_PERMISSION 3u
#define STATUS_ALIGNMENT 0x21u

static u32 fault_kind(u32 class)
{
	static const u8 kind[CLASSES] = {
		// Unknown, trapped, without landing pad, illegal state
		[0x00 ... 0x1d] = FAULT_INSTRUCTION,
		[CLASS_PC_ALIGNMENT] = FAULT_ALIGNMENT,
		[CLASS_DATA_ABORT] = FAULT_ALIGNMENT, // what is left of them
		[CLASS_SP_ALIGNMENT] = FAULT_ALIGNMENT,
		[CLASS_FPU_EXCEPTION] = FAULT_ARITHMETIC,
		[0x30 ... 0x35] = FAULT_DEBUG, // breakpoint, step, watchpoint
		[CLASS_BRK] = FAULT_BREAKPOINT,
	};

	return kind[class] ? kind[class] : FAULT_OTHER;
}

// An abort that page tables can explain.
static bool is_page_fault(u32 class, u32 status)
{
	return (class == CLASS_CODE_ABORT || class == CLASS_DATA_ABORT) &&
		status >> 2 <= STATUS_PERMISSION; // 0: size of the address
}

static void exception(struct thread *thread, u32 class, u64 esr, u64 pc)
{
	u32 status = esr & ABORT_STATUS;
	u32 code = status >> 2 == STATUS_PERMISSION ? FAULT_CODE_PRESENT : 0;
	u32 kind = fault_kind(class);

	if (class == CLASS_FPU && fpu_take(thread))
		return;
	if (is_page_fault(class, status)) {
		if (class == CLASS_CODE_ABORT)
			code |= FAULT_CODE_EXEC;
		else if ((esr & (ABORT_WRITE | ABORT_CACHE)) == ABORT_WRITE)
			code |= FAULT_CODE_WRITE;
		kernel_page_fault(thread, read_system(far_el1), code);
		return;
	}
	if (class == CLASS_DATA_ABORT && status != STATUS_ALIGNMENT)
		kind = FAULT_OTHER; // the memory itself failed
	kernel_exception(thread, kind, class, esr, pc);
}

static void leave_guest(struct cpu *cpu, struct arch_regs *regs)
{
	cpu->in_guest = 0;
	regs->tpidr = read_system(tpidr_el0);
}

// An exception of user code or of a guest; regs is where entry.S saved the
// registers.
[[noreturn, gnu::used]] void trap_user(struct arch_regs *regs, u64 esr)
{
	struct cpu *cpu = cpu_self();

	if (cpu->in_guest)
		leave_guest(cpu, regs);
	exception(cpu->current, (u32)(esr >> 26 & 63), esr, regs->pc);
	kernel_leave();
}

// regs NULL: of the idle loop.
[[noreturn, gnu::used]] void trap_interrupt(struct arch_regs *regs)
{
	struct cpu *cpu = cpu_self();
	u32 interrupt = gic_accept();

	if (regs && cpu->in_guest)
		leave_guest(cpu, regs);
	if (interrupt == INTERRUPT_IPI) {
		cpu_serve();
	} else if (interrupt == TIMER_INTERRUPT) {
		arch_timer_at(~0ull); // it would go on
		sched_timer();
	} else if (interrupt >= INTERRUPT_LINE_FIRST &&
		   interrupt < INTERRUPT_LINE_END) {
		kernel_interrupt_device(interrupt);
	} else if (interrupt >= INTERRUPT_MESSAGE_FIRST &&
		   interrupt < INTERRUPT_MESSAGE_FIRST + MESSAGES) {
		kernel_interrupt_device(interrupt - INTERRUPT_MESSAGE_FIRST +
					VECTOR_MESSAGE_FIRST);
	}
	// others are spurious: nothing else is enabled
	kernel_leave();
}

[[noreturn]] void arch_leave(struct thread *thread)
{
	if (thread->running_guest)
		arch_guest_continue(thread);
	leave_user(&thread->regs);
}

static const struct arch_regs *fatal; // sp, pc, pstate are the kernel's
static u64 fatal_esr;

[[noreturn, gnu::used]] void trap_fatal(const struct arch_regs *regs, u64 esr)
{
	if (!fatal) {
		fatal_esr = esr;
		fatal = regs;
	}
	panic("exception of class %#lx, not a user's, at %#lx, address %#lx",
	      esr >> 26 & 63, regs->pc, read_system(far_el1));
}

void arch_panic_report(void)
{
	const struct arch_regs *f = fatal;

	if (f) {
		console_print("esr %#lx pc %#lx sp %#lx pstate %#lx\n"
			      "far %#lx ttbr0 %#lx lr %#lx fp %#lx\n",
			      fatal_esr, f->pc, f->sp, f->pstate,
			      read_system(far_el1), read_system(ttbr0_el1),
			      f->x[30], f->x[29]);
		for (u32 i = 0; i < 28; i += 4)
			console_print("x%u %#lx %#lx %#lx %#lx\n", i, f->x[i],
				      f->x[i + 1], f->x[i + 2], f->x[i + 3]);
	}
}
