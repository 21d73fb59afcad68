// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The machine state of threads: address-space root, thread pointer, floating
// point, saved registers; and the switch between a personality and its guest. Who
// has access to floating point is in CPACR_EL1; the kernel always has (fpu.S).
#include "kernel/arch/aarch64/aarch64.h"
#include "abi/guest.h"
#include "abi/registers.h"
#include "kernel/object/guest.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"
#include "lib/base/string.h"

// ---- floating point
struct fpu_area {
	u8 vector[32][16];
	u64 control, status;
};
static_assert(sizeof(struct fpu_area) == ARCH_FPU_BYTES);

// A new thread starts with all registers zero.
void arch_fpu_init(struct fpu_area *area)
{
	kassert(((u64)area & 15) == 0);
}

void arch_fpu_access(bool allowed)
{
	write_system(cpacr_el1, allowed ? 3ull << 20 : 1ull << 20);
}

// ---- switching
// The root of what is published already: nothing to flush.
static void load_own_root(const struct thread *thread)
{
	u64 root = atomic_load_relaxed(&thread->roots.full);

	write_system(ttbr0_el1, root ? root : empty_root);
}

void arch_switch(struct cpu *cpu, struct thread *from, struct thread *to)
{
	// A guest's thread pointer went to its state page when it trapped, and
	// its thread's was saved when it was entered.
	if (from && !from->running_guest)
		from->regs.tpidr = read_system(tpidr_el0);
	if (!to) { // idle: do not sit on an address space that may go away
		load_root(empty_root);
		atomic_store(&cpu->publishing, nullptr);
		atomic_store(&cpu->published, nullptr);
		return;
	}
	if (cpu->published != to->aspace)
		change_root(cpu, &to->aspace, &to->roots.full);
	else
		load_own_root(to);
	// A guest's are loaded by arch_guest_continue().
	write_system(tpidr_el0, to->regs.tpidr);
	if (!fpu_fits(cpu, to))
		fpu_exchange(cpu, to);
}

// ---- guests
void arch_guest_begin(struct thread *thread)
{
	thread->regs.tpidr = read_system(tpidr_el0);
}


void arch_guest_end(struct thread *thread)
{
	struct cpu *cpu = cpu_self();

	if (cpu->current != thread)
		return; // arch_switch() will load its registers
	load_own_root(thread);
	write_system(tpidr_el0, thread->regs.tpidr);
}

[[noreturn]] void arch_guest_continue(struct thread *thread)
{
	struct cpu *cpu = thread->cpu;
	volatile struct guest_state *state = thread->running_guest->state;
	u64 pc = state->pc, pstate = state->pstate;

	if (pc >= GUEST_END || !thread->roots.guest ||
	    thread->running_guest->lost) {
		guest_refuse(thread);
		arch_leave(thread);
	}
	write_system(tpidr_el0, state->tpidr);
	write_system(ttbr0_el1, thread->roots.guest | GUEST_ASID);
	cpu->in_guest = 1;
	leave_checked((struct arch_regs *)state, pc, pstate & USER_PSTATE);
}

// ---- saved registers
void arch_thread_start(struct thread *thread, u64 pc, u64 sp, u64 argument,
		       u64 thread_pointer)
{
	struct arch_regs *regs = &thread->regs;

	if (pc != 0)
		*regs = (struct arch_regs){.x[0] = argument, .pc = pc, .sp = sp};
	if (thread_pointer != 0)
		regs->tpidr = thread_pointer;
}

void arch_registers_read(const struct thread *t, struct thread_registers *out)
{
	memcpy(out, &t->regs, sizeof(*out));
}

bool arch_registers_write(struct thread *t, const struct thread_registers *in)
{
	if (!arch_address_ok(in->pc))
		return false;
	memcpy(&t->regs, in, sizeof(*in));
	t->regs.pstate = in->pstate & USER_PSTATE;
	return true;
}

void arch_fault_words(const struct thread *thread, u64 words[5])
{
	words[2] = thread->regs.pc;
	words[4] = thread->regs.sp;
}

// The thread continues at vector with the faulting address in x0 and the
// instruction's in x1; all else is unchanged.
void arch_set_fault_entry(struct thread *thread, u64 vector, u64 address)
{
	struct arch_regs *regs = &thread->regs;

	regs->x[0] = address;
	regs->x[1] = regs->pc;
	regs->pc = vector;
	regs->pstate &= ~0xc00ull; // BTYPE: no landing pad is wanted
}
