// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The fast paths of call, reply_recv, poll and guest_run.
//
// entry.S jumps here with the user's registers as they came, but for rip,
// rflags, rsp and rbp, which it has saved in the thread. preserve_none passes
// twelve arguments in the registers of the convention, and nothing is saved or
// restored: the message stays where it is while the C code works with what is
// left (rbx, r10, r11, rax). fast_exit (entry.S) continues as another thread;
// fast_abandon takes the slow path from the start; fast_return
// goes back to the same thread. Nothing may be changed before
// it is certain that the fast path will be taken to its end.
//
// Conditions. entry.S lets only messages of words through: no capabilities,
// deadline or flags. The peer must be on this CPU, wait, and have no deadline
// armed; whatever else is unusual is left to the slow path, which also finds the
// error to report. No run queue is touched: the caller's peer runs in its place,
// on what remains of its time slice.
#include "abi/guest.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/object/cnode.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/guest.h"
#include "kernel/object/message.h"
#include "kernel/object/notification.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"

#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define PRESERVE_NONE [[clang::preserve_none]]
#define TAIL [[clang::musttail]] return

// Does the word name an object of this type with this right? One compare.
[[gnu::always_inline]] static inline bool names(u64 word, u64 type, u64 right)
{
	u64 wanted = type << 56 | right << 48;

	return (word & (0xffull << 56 | right << 48)) == wanted;
}

// In order: r12-r15, rdi, rsi, rdx, rcx, r8, r9, r11, rax.
#define REGISTERS                                                              \
	u64 word0, u64 word1, u64 word2, u64 word3, u64 cap, u64 word4,        \
		u64 word5, struct thread *self, u64 word6, u64 word7,          \
		[[maybe_unused]] struct thread *previous, u64 info
#define PASS(cap, self, previous, info)                                        \
	word0, word1, word2, word3, cap, word4, word5, self, word6, word7,     \
		previous, info

PRESERVE_NONE void fast_exit(REGISTERS);
PRESERVE_NONE void fast_abandon(REGISTERS);
PRESERVE_NONE void fast_return(REGISTERS);

// The capability that the handle names, if it is one of this type with this right:
// as cap_lookup(), but for nested cnodes, which are looked into here. *word is the
// slot's, as read.
[[gnu::always_inline]] static inline struct slot *
find(const struct cnode *cnode, u64 handle, u64 type, u64 right, u64 *word)
{
	u64 upper = handle >> 16, lower = handle & 0xffff;
	struct slot *slot;

	if (upper) {
		if (UNLIKELY(upper > cnode->mask))
			return nullptr;
		*word = slot_word(&cnode->slots[upper & cnode->mask]);
		if (UNLIKELY(!names(*word, OBJECT_CNODE, RIGHT_READ)))
			return nullptr;
		cnode = object_cnode(word_object(*word));
	}
	if (UNLIKELY(lower > cnode->mask))
		return nullptr;
	slot = &cnode->slots[lower & cnode->mask];
	*word = slot_word(slot);
	if (UNLIKELY(!names(*word, type, right)))
		return nullptr;
	return slot;
}

// The CPU goes from self to next. fast_exit does the GS base.
[[gnu::always_inline]] static inline void
switch_to(struct cpu *cpu, struct thread *self, struct thread *next)
{
	self->regs.fs_base = read_fs_base();
	// From now on another CPU may have it.
	__atomic_store_n(&cpu->current, next, __ATOMIC_RELEASE);
	cpu->fast_calls++;
	next->run_since = self->run_since;
	next->slice_end = self->slice_end;
	write_fs_base(next->regs.fs_base);
	if (self->roots.full != next->roots.full)
		change_root(cpu, &next->aspace, &next->roots.full);
	if (UNLIKELY(cpu->fpu_enabled != (cpu->fpu_owner == next)))
		fpu_switch(cpu, next);
}

PRESERVE_NONE void fast_call(REGISTERS)
{
	u64 word, badge;
	struct slot *slot =
		find(self->cspace, cap, OBJECT_ENDPOINT, RIGHT_CALL, &word);
	struct endpoint *endpoint;
	struct thread *receiver;

	if (UNLIKELY(!slot))
		goto slow;
	endpoint = object_endpoint(word_object(word));
	if (UNLIKELY(self->layer <= endpoint->layer ||
		     self->donation_depth >= DONATION_MAX ||
		     !lock_try(&endpoint->object.lock)))
		goto slow;
	receiver = LIST_ENTRY(endpoint->queue.next, struct thread, queue);
	if (UNLIKELY(slot_word(slot) != word || endpoint->object.dead ||
		     endpoint->state != ENDPOINT_RECEIVERS ||
		     receiver->cpu != self->cpu || receiver->timeout.link ||
		     !receiver->roots.full))
		goto unlock;
	badge = slot->badge;
	list_remove(&receiver->queue);
	if (list_empty(&endpoint->queue))
		endpoint->state = ENDPOINT_IDLE;
	receiver->wait_on = nullptr;
	receiver->state = THREAD_RUNNING;
	if (receiver->effective < self->effective)
		receiver->effective = self->effective;
	receiver->donation_depth = self->donation_depth + 1;
	self->regs.rax = info; // who answers by the slow path looks at it
	self->state = THREAD_REPLY;
	self->reply_sequence++;
	self->reply_server = receiver;
	__atomic_store_n(&receiver->reply_caller, self, __ATOMIC_RELEASE);
	lock_drop(&endpoint->object.lock);
	switch_to(self->cpu, self, receiver);
	TAIL fast_exit(PASS(badge, receiver, self, info & 0xff00));
unlock:
	lock_drop(&endpoint->object.lock);
slow:
	TAIL fast_abandon(PASS(cap, self, previous, info));
}

PRESERVE_NONE void fast_reply_recv(REGISTERS)
{
	u64 word;
	struct slot *slot =
		find(self->cspace, cap, OBJECT_ENDPOINT, RIGHT_RECV, &word);
	struct thread *caller = self->reply_caller, *expected = caller;
	struct endpoint *endpoint;

	if (UNLIKELY(!slot || !caller))
		goto slow;
	// Nobody more urgent than the caller may be ready.
	if (UNLIKELY(caller->cpu != self->cpu || caller->timeout.link ||
		     caller->faulted || !caller->roots.full ||
		     self->cpu->ready_mask >> caller->effective > 1))
		goto slow;
	if (UNLIKELY(self->bound &&
		     __atomic_load_n(&self->bound->bits, __ATOMIC_RELAXED)))
		goto slow;
	endpoint = object_endpoint(word_object(word));
	if (UNLIKELY(!lock_try(&endpoint->object.lock)))
		goto slow;
	if (UNLIKELY(slot_word(slot) != word || endpoint->object.dead ||
		     endpoint->state == ENDPOINT_SENDERS))
		goto unlock;
	// From here on the caller is ours, or somebody else's.
	if (UNLIKELY(!__atomic_compare_exchange_n(
		    &self->reply_caller, &expected, nullptr, false,
		    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		goto unlock;
	list_add_last(&endpoint->queue, &self->queue);
	endpoint->state = ENDPOINT_RECEIVERS;
	self->regs.rax = info; // once the lock is dropped, that is a sender's
	self->wait_on = &endpoint->object;
	self->state = THREAD_RECEIVING;
	self->effective = self->priority;
	self->donation_depth = 0;
	lock_drop(&endpoint->object.lock);
	caller->reply_server = nullptr;
	caller->state = THREAD_RUNNING;
	switch_to(self->cpu, self, caller);
	TAIL fast_exit(PASS(0, caller, self, info & 0xff00));
unlock:
	lock_drop(&endpoint->object.lock);
slow:
	TAIL fast_abandon(PASS(cap, self, previous, info));
}

// Nothing to take is the common case of poll, and needs no lock: as if the call
// had come a moment earlier. There is no previous thread: its register is of use.
PRESERVE_NONE void fast_poll(REGISTERS)
{
	u64 word;
	struct slot *slot =
		find(self->cspace, cap, OBJECT_NOTIFICATION, RIGHT_WAIT, &word);

	if (UNLIKELY(!slot))
		goto slow;
	// The first argument, rsi, is word4.
	if (__atomic_load_n(&((struct notification *)word_object(word))->bits,
			    __ATOMIC_ACQUIRE) &
	    word4)
		goto slow;
	TAIL fast_return(PASS(cap, self, self, (u64)ERR_AGAIN));
slow:
	TAIL fast_abandon(PASS(cap, self, self, info));
}

// Claim the guest and become it. See guest_claim() and arch_guest_continue(),
// which do the same with all their errors.
PRESERVE_NONE void fast_guest_run(REGISTERS)
{
	u64 word, rip, rflags, root;
	struct slot *slot =
		find(self->cspace, cap, OBJECT_GUEST, RIGHT_CONTROL, &word);
	volatile struct guest_state *state;
	struct thread *nobody = nullptr;
	struct guest *guest;
	struct cpu *cpu;

	if (UNLIKELY(!slot))
		goto slow;
	guest = (struct guest *)word_object(word);
	state = guest->state;
	rip = state->rip;
	root = __atomic_load_n(&self->roots.guest, __ATOMIC_RELAXED);
	if (UNLIKELY(rip >= GUEST_END || !root ||
		     (self->bound &&
		      __atomic_load_n(&self->bound->bits, __ATOMIC_SEQ_CST))))
		goto slow;
	if (UNLIKELY(!__atomic_compare_exchange_n(&guest->runner, &nobody, self,
						  false, __ATOMIC_SEQ_CST,
						  __ATOMIC_RELAXED)))
		goto slow;
	if (UNLIKELY(guest->lost || slot_word(slot) != word)) {
		__atomic_store_n(&guest->runner, nullptr, __ATOMIC_RELEASE);
		goto slow;
	}
	cpu = self->cpu;
	self->running_guest = guest;
	rflags = state->rflags;
	self->regs.fs_base = read_fs_base();
	write_fs_base(make_canonical(state->fs_base));
	__asm__ volatile("swapgs; rdgsbase %0; wrgsbase %1; swapgs"
			 : "=&r"(self->regs.gs_base)
			 : "r"(make_canonical(state->gs_base)));
	write_cr(3, root); // of the address space that is published
	cpu->guest_save = (u64)state;
	cpu->in_guest = 1;
	guest_enter((struct guest_state *)state, rip,
		    (rflags & USER_FLAGS) | USER_FLAGS_SET);
slow:
	TAIL fast_abandon(PASS(cap, self, previous, info));
}
