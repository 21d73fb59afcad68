// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The fast paths of call, reply_recv, poll and guest_run: kernel/object/fastpath.h
// with the registers of this architecture.
//
// entry.S jumps here with the user's registers as they came, but for rip,
// rflags, rsp and rbp, which it has saved in the thread. preserve_none passes
// twelve arguments in the registers of the convention, and nothing is saved or
// restored: the message stays where it is while the C code works with what is
// left (rbx, r10, r11, rax). fast_exit (entry.S) continues as another thread;
// fast_abandon takes the slow path from the start; fast_return goes back to the
// same thread.
#include "kernel/arch/x86_64/x86.h"
#include "abi/guest.h"
#include "kernel/object/thread.h"

static inline void arch_set_info(struct thread *thread, u64 info)
{
	thread->regs.rax = info;
}

static inline u64 arch_guest_pc(volatile const struct guest_state *state)
{
	return state->rip;
}

[[gnu::always_inline]] static inline void
arch_fast_switch(struct cpu *cpu, struct thread *self, struct thread *next)
{
	self->regs.fs_base = read_fs_base();
	self->regs.gs_base = read_user_gs_base();
	write_fs_base(next->regs.fs_base);
	if (self->roots.full != next->roots.full)
		change_root(cpu, &next->aspace, &next->roots.full);
	if (__builtin_expect(!fpu_fits(cpu, next), 0))
		fpu_exchange(cpu, next);
	atomic_store(&cpu->current, next);
}

#include "kernel/object/fastpath.h"

#define PRESERVE_NONE [[clang::preserve_none]]
#define TAIL [[clang::musttail]] return

// In order: r12-r15, rdi, rsi, rdx, rcx, r8, r9, r11, rax.
#define REGISTERS                                                              \
	u64 word0, u64 word1, u64 word2, u64 word3, u64 cap, u64 word4,        \
		u64 word5, struct thread *self, u64 word6, u64 word7,          \
		[[maybe_unused]] u64 unused, u64 info
// What is not used has any value.
#define PASS(cap, self, info)                                                  \
	word0, word1, word2, word3, cap, word4, word5, self, word6, word7,     \
		(u64)self, info

PRESERVE_NONE void fast_exit(REGISTERS);
PRESERVE_NONE void fast_abandon(REGISTERS);
PRESERVE_NONE void fast_return(REGISTERS);

PRESERVE_NONE void fast_call(REGISTERS)
{
	u64 badge;
	struct thread *next = fast_call_to(self, cap, info, &badge);

	if (UNLIKELY(!next))
		TAIL fast_abandon(PASS(cap, self, info));
	TAIL fast_exit(PASS(badge, next, info & 0xff00));
}

PRESERVE_NONE void fast_reply_recv(REGISTERS)
{
	struct thread *next = fast_reply_to(self, cap, info);

	if (UNLIKELY(!next))
		TAIL fast_abandon(PASS(cap, self, info));
	TAIL fast_exit(PASS((u64)0, next, info & 0xff00));
}

PRESERVE_NONE void fast_poll(REGISTERS)
{
	// The first argument, rsi, is word4.
	if (UNLIKELY(!fast_nothing_there(self, cap, word4)))
		TAIL fast_abandon(PASS(cap, self, info));
	TAIL fast_return(PASS(cap, self, (u64)ERR_AGAIN));
}

PRESERVE_NONE void fast_guest_run(REGISTERS)
{
	volatile struct guest_state *state;
	struct cpu *cpu = self->cpu;
	u64 rip, root;
	struct guest *guest = fast_guest(self, cap, &rip, &root);

	if (UNLIKELY(!guest))
		TAIL fast_abandon(PASS(cap, self, info));
	state = guest->state;
	self->regs.fs_base = read_fs_base();
	write_fs_base(make_canonical(state->fs_base));
	__asm__ volatile("swapgs; rdgsbase %0; wrgsbase %1; swapgs"
			 : "=&r"(self->regs.gs_base)
			 : "r"(make_canonical(state->gs_base)));
	write_cr(3, root); // of the address space that is published
	cpu->guest_save = (u64)state;
	cpu->in_guest = 1;
	guest_enter((struct guest_state *)state, rip,
		    (state->rflags & USER_FLAGS) | USER_FLAGS_SET);
}
