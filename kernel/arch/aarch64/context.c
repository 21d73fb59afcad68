// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The machine state of threads: address-space root, thread pointer, floating
// point, saved registers; and the switch between a personality and its guest.
//
// Floating point is off per thread until first use. The state of fpu_owner stays
// in the registers of the CPU with access off (CPACR_EL1) while others run; it is
// saved when another thread uses floating point there, or when the owner moves.
// From one thread that has used it straight to another the states are exchanged
// at once: the second would trap for it anyway.
// fpu_busy tells a remote arch_fpu_drop() that a save is under way.
#include "kernel/arch/aarch64/aarch64.h"
#include "abi/guest.h"
#include "abi/registers.h"
#include "kernel/object/guest.h"
#include "kernel/object/pool.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"
#include "lib/base/string.h"

// ---- floating point
struct fpu_area {
	u8 vector[32][16];
	u64 control, status;
};

void fpu_write(struct fpu_area *area); // fpu.S
void fpu_read(const struct fpu_area *area);

static void fpu_access(struct cpu *cpu, bool enabled)
{
	if (cpu->fpu_enabled == enabled)
		return;
	cpu->fpu_enabled = enabled;
	write_system(cpacr_el1, enabled ? 3ull << 20 : 1ull << 20);
}

// Save the state that is in the registers; they then belong to nobody.
static void fpu_release(struct cpu *cpu)
{
	struct thread *owner;

	atomic_store_ordered(&cpu->arch.fpu_busy, 1);
	owner = atomic_load_ordered(&cpu->fpu_owner);
	if (owner) {
		fpu_write(owner->fpu);
		atomic_store_relaxed(&cpu->fpu_owner, nullptr);
	}
	atomic_store(&cpu->arch.fpu_busy, 0);
}

// A new thread starts with all registers zero.
bool fpu_take(struct thread *thread)
{
	struct cpu *cpu = cpu_self();
	void *area;

	if (!thread->fpu) {
		if (pool_alloc(thread->object.pool, sizeof(struct fpu_area),
			       &area) != STATUS_OK)
			return false;
		kassert(((u64)area & 15) == 0);
		thread->fpu = area;
		thread->fpu_used = true;
	}
	if (cpu->fpu_owner != thread) {
		fpu_release(cpu);
		fpu_read(thread->fpu);
		atomic_store_relaxed(&cpu->fpu_owner, thread);
	}
	fpu_access(cpu, true);
	return true;
}

void fpu_switch(struct cpu *cpu, struct thread *next)
{
	if (cpu->fpu_enabled && next->fpu_used && cpu->fpu_owner != next)
		(void)fpu_take(next); // has an area: cannot fail
	else
		fpu_access(cpu, cpu->fpu_owner == next);
}

void arch_fpu_save(struct thread *thread)
{
	struct cpu *cpu = cpu_self();

	if (cpu->fpu_owner != thread)
		return;
	fpu_release(cpu);
	fpu_access(cpu, false);
}

void arch_fpu_drop(struct thread *thread)
{
	struct cpu *home = thread->cpu;
	struct thread *owner = thread;

	if (!thread->fpu)
		return;
	if (home) {
		__atomic_compare_exchange_n(&home->fpu_owner, &owner, nullptr,
					    false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST);
		while (home != cpu_self() &&
		       atomic_load_ordered(&home->arch.fpu_busy))
			arch_relax();
	}
	pool_free(thread->object.pool, thread->fpu, sizeof(struct fpu_area));
	thread->fpu = nullptr;
	thread->fpu_used = false;
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
	fpu_switch(cpu, to);
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

	if (pc != 0) {
		*regs = (struct arch_regs){ .x[0] = argument, .pc = pc,
					    .sp = sp };
		thread->resume_syscall = false;
	}
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
	t->resume_syscall = false;
	return true;
}

bool arch_address_ok(u64 pc)
{
	return pc < USER_END;
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
	thread->resume_syscall = false;
}
