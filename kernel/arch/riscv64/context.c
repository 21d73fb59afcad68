// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The machine state of threads: address-space root, floating point, saved
// registers; and the switch between a personality and its guest. Who has access to
// floating point is in sstatus.FS.
#include "abi/guest.h"
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/object/guest.h"
#include "kernel/object/thread.h"
#include "lib/base/string.h"

// ---- floating point; the rest is in entry.S
// A new thread starts with all registers zero.
void arch_fpu_init(struct fpu_area *)
{
}

void arch_fpu_access(bool allowed)
{
	if (allowed)
		csr_set("sstatus", 1ull << SSTATUS_FS_SHIFT);
	else
		csr_clear("sstatus", SSTATUS_FS);
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
	if (!fpu_fits(cpu, to))
		fpu_exchange(cpu, to);
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

	if (pc != 0)
		*regs = (struct arch_regs){.pc = pc, .sp = sp, .a0 = argument};
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
	return true;
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
}
