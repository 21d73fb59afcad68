// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The machine state of threads: address-space root, FS and GS bases, floating
// point, saved registers; and the switch between a personality and its guest. Who
// has access to floating point is CR0.TS.
#include "kernel/arch/x86_64/x86.h"
#include "abi/guest.h"
#include "abi/registers.h"
#include "kernel/object/guest.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"
#include "lib/base/string.h"

// ---- floating point
#define FPU_CONTROL 0 // in the save area: x87 control word
#define FPU_MXCSR 24

// The state that a new thread starts with is Linux's: all exceptions masked.
void arch_fpu_init(struct fpu_area *area)
{
	kassert(((u64)area & 63) == 0);
	*(u16 *)((u8 *)area + FPU_CONTROL) = 0x37f;
	*(u32 *)((u8 *)area + FPU_MXCSR) = 0x1f80;
}

// All that XCR0 enables.
void arch_fpu_write(struct fpu_area *area)
{
	__asm__ volatile("xsave64 (%0)"
			 :
			 : "r"(area), "a"(~0u), "d"(~0u)
			 : "memory");
}

void arch_fpu_read(const struct fpu_area *area)
{
	__asm__ volatile("xrstor64 (%0)"
			 :
			 : "r"(area), "a"(~0u), "d"(~0u)
			 : "memory");
}

void arch_fpu_access(bool allowed)
{
	if (allowed)
		__asm__ volatile("clts");
	else
		write_cr(0, read_cr(0) | CR0_TASK_SWITCHED);
}

// ---- switching
static void load_root(u64 root)
{
	if (root == 0)
		root = kernel_root;
	if (read_cr(3) != root)
		write_cr(3, root);
}

static void save_bases(struct thread *thread)
{
	thread->regs.fs_base = read_fs_base();
	thread->regs.gs_base = read_user_gs_base();
}

static void load_bases(const struct thread *thread)
{
	write_fs_base(thread->regs.fs_base);
	write_user_gs_base(thread->regs.gs_base);
}

static void switch_root(struct cpu *cpu, struct thread *to, const u64 *root_at)
{
	if (read_cr(3) != *root_at || cpu->published != to->aspace)
		change_root(cpu, &to->aspace, root_at);
}

void arch_switch(struct cpu *cpu, struct thread *from, struct thread *to)
{
	// A guest's bases went to its state page when it trapped, and its
	// thread's were saved when it was entered.
	if (from && !from->running_guest)
		save_bases(from);
	if (!to) { // idle: do not sit on an address space that may go away
		load_root(0);
		atomic_store(&cpu->publishing, nullptr);
		atomic_store(&cpu->published, nullptr);
		return;
	}
	if (to->running_guest) { // arch_guest_continue() loads the bases
		switch_root(cpu, to, &to->roots.guest);
	} else {
		switch_root(cpu, to, &to->roots.full);
		load_bases(to);
	}
	if (!fpu_fits(cpu, to))
		fpu_exchange(cpu, to);
}

// ---- guests
void arch_guest_begin(struct thread *thread)
{
	save_bases(thread);
}

void arch_guest_end(struct thread *thread)
{
	struct cpu *cpu = cpu_self();

	if (cpu->current != thread)
		return; // arch_switch() will load its registers
	load_root(thread->roots.full);
	load_bases(thread);
}

[[noreturn]] void arch_guest_continue(struct thread *thread)
{
	struct cpu *cpu = thread->cpu;
	volatile struct guest_state *state = thread->running_guest->state;
	u64 rip = state->rip, rflags = state->rflags;

	if (rip >= GUEST_END || !thread->roots.guest ||
	    thread->running_guest->lost) {
		guest_refuse(thread);
		arch_leave(thread);
	}
	write_fs_base(make_canonical(state->fs_base));
	write_user_gs_base(make_canonical(state->gs_base));
	load_root(thread->roots.guest);
	cpu->guest_save = (u64)state;
	cpu->in_guest = 1;
	guest_enter((struct guest_state *)state, rip,
		    (rflags & USER_FLAGS) | USER_FLAGS_SET);
}

// ---- saved registers
void arch_thread_start(struct thread *thread, u64 pc, u64 sp, u64 argument,
		       u64 thread_pointer)
{
	struct arch_regs *regs = &thread->regs;

	if (pc != 0) {
		*regs = (struct arch_regs){ .rip = pc, .rsp = sp,
					    .rdi = argument,
					    .rflags = USER_FLAGS_SET };
		thread->resume_syscall = false;
	}
	if (thread_pointer != 0)
		regs->fs_base = make_canonical(thread_pointer);
}

void arch_registers_read(const struct thread *t, struct thread_registers *out)
{
	memcpy(out, &t->regs, sizeof(*out));
}

bool arch_registers_write(struct thread *t, const struct thread_registers *in)
{
	if (!arch_address_ok(in->rip) ||
	    in->fs_base != make_canonical(in->fs_base) ||
	    in->gs_base != make_canonical(in->gs_base))
		return false;
	memcpy(&t->regs, in, sizeof(*in));
	t->regs.rflags = (in->rflags & USER_FLAGS) | USER_FLAGS_SET;
	t->resume_syscall = false;
	return true;
}

void arch_fault_words(const struct thread *thread, u64 words[5])
{
	words[2] = thread->regs.rip;
	words[4] = thread->regs.rsp;
}

// The thread continues at vector with the faulting address in rdi and the
// instruction's in rsi; all else is unchanged.
void arch_set_fault_entry(struct thread *thread, u64 vector, u64 address)
{
	struct arch_regs *regs = &thread->regs;

	regs->rdi = address;
	regs->rsi = regs->rip;
	regs->rip = vector;
	regs->rflags &= ~0x400ull; // direction
	thread->resume_syscall = false;
}
