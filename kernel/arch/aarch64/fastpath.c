// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The fast paths of call, reply_recv, poll and guest_run: kernel/object/fastpath.h
// with the registers of this architecture.
//
// entry.S jumps here with the user's registers as they came, x8 and x9 saved. Of
// the message, x1 to x7 are arguments of these functions and stay where they are
// while the C code works with the rest. fast_exit (entry.S) continues as another
// thread; fast_abandon takes the slow path from the start; fast_return goes back to
// the same thread.
#include "kernel/arch/aarch64/aarch64.h"
#include "abi/guest.h"
#include "kernel/object/thread.h"

// entry.S has saved it.
static inline void arch_set_info(struct thread *, u64)
{
}

static inline u64 arch_guest_pc(volatile const struct guest_state *state)
{
	return state->pc;
}

[[gnu::always_inline]] static inline void
arch_fast_switch(struct cpu *cpu, struct thread *self, struct thread *next)
{
	cpu->guest_save = (u64)next; // for fast_exit
	self->regs.tpidr = read_system(tpidr_el0);
	write_system(tpidr_el0, next->regs.tpidr);
	if (self->roots.full != next->roots.full)
		change_root(cpu, &next->aspace, &next->roots.full);
}

#include "kernel/object/fastpath.h"

#define TAIL [[clang::musttail]] return
#define WORDS                                                                  \
	u64 word0, u64 word1, u64 word2, u64 word3, u64 word4, u64 word5,      \
		u64 word6
#define PASS word0, word1, word2, word3, word4, word5, word6

void fast_exit(u64 badge, WORDS);
void fast_exit_fpu(u64 badge, WORDS); // calls fpu_exchange() before
void fast_abandon(u64 cap, WORDS);
void fast_return(u64 status, WORDS);
void fast_guest_enter(u64 state, u64 pc, u64 pstate, u64, u64, u64, u64, u64);

[[gnu::used]] void fast_call(u64 cap, WORDS)
{
	struct thread *self = cpu_self()->current, *next;
	u64 badge;

	next = fast_call_to(self, cap, 0, &badge);
	if (UNLIKELY(!next))
		TAIL fast_abandon(cap, PASS);
	if (UNLIKELY(!fpu_fits(self->cpu, next)))
		TAIL fast_exit_fpu(badge, PASS);
	TAIL fast_exit(badge, PASS);
}

[[gnu::used]] void fast_reply_recv(u64 cap, WORDS)
{
	struct thread *self = cpu_self()->current, *next;

	next = fast_reply_to(self, cap, 0);
	if (UNLIKELY(!next))
		TAIL fast_abandon(cap, PASS);
	if (UNLIKELY(!fpu_fits(self->cpu, next)))
		TAIL fast_exit_fpu(0, PASS);
	TAIL fast_exit(0, PASS);
}

[[gnu::used]] void fast_poll(u64 cap, WORDS)
{
	if (UNLIKELY(!fast_nothing_there(cpu_self()->current, cap, word0)))
		TAIL fast_abandon(cap, PASS);
	TAIL fast_return((u64)ERR_AGAIN, PASS);
}

[[gnu::used]] void fast_guest_run(u64 cap, WORDS)
{
	struct cpu *cpu = cpu_self();
	struct thread *self = cpu->current;
	volatile struct guest_state *state;
	struct guest *guest;
	u64 pc, root;

	guest = fast_guest(self, cap, &pc, &root);
	if (UNLIKELY(!guest))
		TAIL fast_abandon(cap, PASS);
	state = guest->state;
	self->regs.tpidr = read_system(tpidr_el0);
	write_system(tpidr_el0, state->tpidr);
	write_system(ttbr0_el1, root | GUEST_ASID); // of what is published
	cpu->in_guest = 1;
	TAIL fast_guest_enter((u64)state, pc, state->pstate & USER_PSTATE, 0, 0,
			      0, 0, 0);
}
