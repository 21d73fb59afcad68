// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The machine state of threads: address-space root, floating point, saved
// registers; and the switch between a personality and its guest.
//
// Floating point is off per thread until first use. The state of fpu_owner stays
// in the registers of the CPU with access off (sstatus.FS) while others run; it is
// saved when another thread uses floating point there, or when the owner moves.
// fpu_busy tells a remote arch_fpu_drop() that a save is under way.
#include "abi/guest.h"
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/object/guest.h"
#include "kernel/object/pool.h"
#include "kernel/object/thread.h"
#include "lib/base/string.h"

// ---- floating point
static void fpu_access(struct cpu *cpu, bool enabled)
{
	if (cpu->fpu_enabled == enabled)
		return;
	cpu->fpu_enabled = enabled;
	if (enabled)
		csr_set("sstatus", 1ull << SSTATUS_FS_SHIFT);
	else
		csr_clear("sstatus", SSTATUS_FS);
}

// Save the state that is in the registers; they then belong to nobody.
static void fpu_release(struct cpu *cpu)
{
	struct thread *owner;

	atomic_store_ordered(&cpu->arch.fpu_busy, 1);
	owner = atomic_load_ordered(&cpu->fpu_owner);
	if (owner) {
		fpu_access(cpu, true);
		fpu_write(owner->fpu);
		atomic_store_relaxed(&cpu->fpu_owner, nullptr);
	}
	atomic_store(&cpu->arch.fpu_busy, 0);
}

bool fpu_take(struct thread *thread)
{
	struct cpu *cpu = cpu_self();
	void *area;

	if (!thread->fpu) {
		if (pool_alloc(thread->object.pool, FPU_BYTES, &area) !=
		    STATUS_OK)
			return false;
		memset(area, 0, FPU_BYTES);
		thread->fpu = area;
		thread->fpu_used = true;
	}
	if (cpu->fpu_owner != thread) {
		fpu_release(cpu);
		fpu_access(cpu, true);
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
	pool_free(thread->object.pool, thread->fpu, FPU_BYTES);
	thread->fpu = nullptr;
	thread->fpu_used = false;
}

// ---- switching
void arch_switch(struct cpu *cpu, struct thread *, struct thread *to)
{
	const u64 *root_at;

	if (!to) { // idle: do not sit on an address space that may go away
		load_root(cpu, 0);
		atomic_store(&cpu->publishing, nullptr);
		atomic_store(&cpu->published, nullptr);
		return;
	}
	root_at = to->running_guest ? &to->roots.guest : &to->roots.full;
	if (cpu->arch.root != *root_at || cpu->published != to->aspace)
		change_root(cpu, &to->aspace, root_at);
	fpu_switch(cpu, to);
}

// ---- guests
void arch_guest_begin(struct thread *)
{
}

void arch_guest_end(struct thread *thread)
{
	struct cpu *cpu = cpu_self();

	if (cpu->current == thread && cpu->arch.root != thread->roots.full)
		load_root(cpu, thread->roots.full);
}

[[noreturn]] void arch_guest_continue(struct thread *thread)
{
	struct cpu *cpu = thread->cpu;
	volatile struct guest_state *state = thread->running_guest->state;

	if (state->pc >= GUEST_END || !thread->roots.guest ||
	    thread->running_guest->lost) {
		guest_refuse(thread);
		arch_leave(thread);
	}
	if (cpu->arch.root != thread->roots.guest)
		load_root(cpu, thread->roots.guest);
	cpu->guest_save = (u64)state;
	cpu->in_guest = 1;
	// Its pc is read again there: whatever it is then, user mode cannot do
	// more with it than fault.
	leave_regs((struct arch_regs *)state);
}

// ---- saved registers
void arch_thread_start(struct thread *thread, u64 pc, u64 sp, u64 argument,
		       u64 thread_pointer)
{
	struct arch_regs *regs = &thread->regs;

	if (pc != 0) {
		*regs = (struct arch_regs){.pc = pc, .sp = sp, .a0 = argument};
		thread->resume_syscall = false;
	}
	if (thread_pointer != 0)
		regs->tp = thread_pointer;
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

// The thread continues at vector with the faulting address in a0 and the
// instruction's in a1; all else is unchanged.
void arch_set_fault_entry(struct thread *thread, u64 vector, u64 address)
{
	struct arch_regs *regs = &thread->regs;

	regs->a0 = address;
	regs->a1 = regs->pc;
	regs->pc = vector;
	thread->resume_syscall = false;
}
