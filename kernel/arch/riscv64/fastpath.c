// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The fast paths of call, reply_recv, poll and guest_run: kernel/object/fastpath.h
// with the registers of this architecture.
//
// entry.S jumps here with the user's registers as they came, t0, t1, a7 and tp
// saved. Of the message, a1 to a6 are arguments of these functions and stay where
// they are while the C code works with the rest. fast_exit (entry.S) continues as
// another thread; fast_abandon takes the slow path from the start; fast_return goes
// back to the same thread.
#include "abi/guest.h"
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/object/thread.h"

static inline void arch_set_info(struct thread *thread, u64)
{
	(void)thread; // entry.S has saved it
}

static inline u64 arch_guest_pc(volatile const struct guest_state *state)
{
	return state->pc;
}

[[gnu::always_inline]] static inline void
arch_fast_switch(struct cpu *cpu, struct thread *self, struct thread *next)
{
	cpu->guest_save = (u64)self; // both for fast_exit
	cpu->in_guest = (u64)next;
	if (self->roots.full != next->roots.full) {
		fetch_anew(cpu);
		change_root(cpu, &next->aspace, &next->roots.full);
	}
}

#include "kernel/object/fastpath.h"

#define TAIL [[clang::musttail]] return
#define WORDS u64 word0, u64 word1, u64 word2, u64 word3, u64 word4, u64 word5
#define PASS word0, word1, word2, word3, word4, word5

void fast_exit(u64 badge, WORDS, u64 info);
void fast_exit_fpu(u64 badge, WORDS, u64 info); // calls fpu_exchange() before
void fast_abandon(u64 cap, WORDS, u64 info);
void fast_return(u64 status, WORDS, u64 info);
void fast_guest_enter(u64 state, WORDS, u64 info);

[[gnu::used]] void fast_call(u64 cap, WORDS, u64 info)
{
	struct thread *next;
	u64 badge;

	next = fast_call_to(cpu_self()->current, cap, 0, &badge);
	if (UNLIKELY(!next))
		TAIL fast_abandon(cap, PASS, info);
	if (UNLIKELY(!fpu_fits(cpu_self(), next)))
		TAIL fast_exit_fpu(badge, PASS, info & 0xff00);
	TAIL fast_exit(badge, PASS, info & 0xff00);
}

[[gnu::used]] void fast_reply_recv(u64 cap, WORDS, u64 info)
{
	struct thread *next;

	next = fast_reply_to(cpu_self()->current, cap, 0);
	if (UNLIKELY(!next))
		TAIL fast_abandon(cap, PASS, info);
	if (UNLIKELY(!fpu_fits(cpu_self(), next)))
		TAIL fast_exit_fpu(0, PASS, info & 0xff00);
	TAIL fast_exit(0, PASS, info & 0xff00);
}

[[gnu::used]] void fast_poll(u64 cap, WORDS, u64 info)
{
	if (UNLIKELY(!fast_nothing_there(cpu_self()->current, cap, word0)))
		TAIL fast_abandon(cap, PASS, info);
	TAIL fast_return((u64)ERR_AGAIN, PASS, info);
}

[[gnu::used]] void fast_guest_run(u64 cap, WORDS, u64 info)
{
	struct cpu *cpu = cpu_self();
	struct guest *guest;
	u64 pc, root;

	guest = fast_guest(cpu->current, cap, &pc, &root);
	if (UNLIKELY(!guest))
		TAIL fast_abandon(cap, PASS, info);
	load_root(cpu, root); // of the address space that is published
	cpu->guest_save = (u64)guest->state;
	cpu->in_guest = 1;
	TAIL fast_guest_enter((u64)guest->state, PASS, info);
}
