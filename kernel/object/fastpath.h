// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the fast paths of call, reply_recv, poll and guest_run do, but for the
// registers: entry code hands these functions what the user left in them, with the
// message words still where they were, and continues as another thread or takes
// the slow path from the start. Nothing is changed before it is certain that the
// fast path will be taken to its end.
//
// Conditions. Entry code lets only messages of words through: no capabilities,
// deadline or flags. The peer must be on this CPU, wait, and have no deadline
// armed; whatever else is unusual is left to the slow path, which also finds the
// error to report. No run queue is touched: the caller's peer runs in its place,
// on what remains of its time slice.
//
// Of the architecture: arch_set_info(thread, info), arch_guest_pc(state), and
// arch_fast_switch(cpu, self, next), which exchanges what is live in the CPU besides
// the general registers. When all of self is saved, and not before, the architecture
// stores next in cpu->current, with release: then another CPU may have self.
#ifndef KERNEL_OBJECT_FASTPATH_H
#define KERNEL_OBJECT_FASTPATH_H
#include "kernel/object/cnode.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/guest.h"
#include "kernel/object/message.h"
#include "kernel/object/notification.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"

#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define FAST [[gnu::always_inline]] static inline

// Does the word name an object of this type with this right? One compare.
FAST bool fast_names(u64 word, u64 type, u64 right)
{
	u64 wanted = type << 56 | right << 48;

	return (word & (0xffull << 56 | right << 48)) == wanted;
}

// The capability that the handle names, if it is one of this type with this right:
// as cap_lookup(), but for nested cnodes, which are looked into here. *word is the
// slot's, as read.
FAST struct slot *fast_find(const struct cnode *cnode, u64 handle, u64 type,
			    u64 right, u64 *word)
{
	u64 upper = handle >> 16, lower = handle & 0xffff;
	struct slot *slot;

	if (upper) {
		if (UNLIKELY(upper > cnode->mask))
			return nullptr;
		*word = slot_word(&cnode->slots[upper & cnode->mask]);
		if (UNLIKELY(!fast_names(*word, OBJECT_CNODE, RIGHT_READ)))
			return nullptr;
		cnode = object_cnode(word_object(*word));
	}
	if (UNLIKELY(lower > cnode->mask))
		return nullptr;
	slot = &cnode->slots[lower & cnode->mask];
	*word = slot_word(slot);
	if (UNLIKELY(!fast_names(*word, type, right)))
		return nullptr;
	return slot;
}

FAST void fast_switch(struct cpu *cpu, struct thread *self, struct thread *next)
{
	cpu->fast_calls++;
	next->run_since = self->run_since;
	next->slice_end = self->slice_end;
	arch_fast_switch(cpu, self, next);
}

// The thread that runs now, with its badge; NULL: not this way.
FAST struct thread *fast_call_to(struct thread *self, u64 cap, u64 info,
				 u64 *badge)
{
	u64 word;
	struct slot *slot = fast_find(self->cspace, cap, OBJECT_ENDPOINT,
				      RIGHT_CALL, &word);
	struct endpoint *endpoint;
	struct thread *receiver;

	if (UNLIKELY(!slot))
		return nullptr;
	endpoint = object_endpoint(word_object(word));
	if (UNLIKELY(self->layer <= endpoint->layer ||
		     self->donation_depth >= DONATION_MAX ||
		     !lock_try(&endpoint->object.lock)))
		return nullptr;
	receiver = LIST_ENTRY(endpoint->receivers.next, struct thread, queue);
	if (UNLIKELY(slot_word(slot) != word || endpoint->object.dead ||
		     list_empty(&endpoint->receivers) ||
		     receiver->cpu != self->cpu || receiver->timeout.armed ||
		     !receiver->roots.full)) {
		lock_drop(&endpoint->object.lock);
		return nullptr;
	}
	*badge = slot->badge;
	list_remove(&receiver->queue);
	receiver->wait_on = nullptr;
	receiver->state = THREAD_RUNNING;
	if (receiver->effective < self->effective)
		receiver->effective = self->effective;
	receiver->donation_depth = self->donation_depth + 1;
	arch_set_info(self, info); // who answers by the slow path looks at it
	self->state = THREAD_REPLY;
	self->reply_sequence++;
	self->reply_server = receiver;
	atomic_store(&receiver->reply_caller, self);
	lock_drop(&endpoint->object.lock);
	fast_switch(self->cpu, self, receiver);
	return receiver;
}

// The caller, which runs now; NULL: not this way.
FAST struct thread *fast_reply_to(struct thread *self, u64 cap, u64 info)
{
	u64 word;
	struct slot *slot = fast_find(self->cspace, cap, OBJECT_ENDPOINT,
				      RIGHT_RECV, &word);
	struct thread *caller = self->reply_caller;
	struct endpoint *endpoint;

	if (UNLIKELY(!slot || !caller))
		return nullptr;
	// Nobody more urgent than the caller may be ready.
	if (UNLIKELY(caller->cpu != self->cpu || caller->timeout.armed ||
		     caller->faulted | caller->broke || !caller->roots.full ||
		     self->cpu->ready_mask >> caller->effective > 1))
		return nullptr;
	if (UNLIKELY(self->bound && atomic_load_relaxed(&self->bound->bits)))
		return nullptr;
	endpoint = object_endpoint(word_object(word));
	if (UNLIKELY(!lock_try(&endpoint->object.lock)))
		return nullptr;
	// In the end: from here on the caller is ours, or somebody else's.
	if (UNLIKELY(slot_word(slot) != word || endpoint->object.dead ||
		     endpoint->senders.root ||
		     !atomic_replace(&self->reply_caller, caller, nullptr))) {
		lock_drop(&endpoint->object.lock);
		return nullptr;
	}
	list_add_last(&endpoint->receivers, &self->queue);
	arch_set_info(self, info); // once the lock is dropped, that is a sender's
	self->wait_on = &endpoint->object;
	self->state = THREAD_RECEIVING;
	self->effective = self->priority;
	self->donation_depth = 0;
	lock_drop(&endpoint->object.lock);
	caller->reply_server = nullptr;
	caller->state = THREAD_RUNNING;
	fast_switch(self->cpu, self, caller);
	return caller;
}

// Nothing to take is the common case of poll, and needs no lock: as if the call
// had come a moment earlier.
FAST bool fast_nothing_there(struct thread *self, u64 cap, u64 mask)
{
	u64 word;

	if (UNLIKELY(!fast_find(self->cspace, cap, OBJECT_NOTIFICATION,
				RIGHT_WAIT, &word)))
		return false;
	return !(
		atomic_load(&((struct notification *)word_object(word))->bits) &
		mask);
}

// Claim the guest for guest_run; NULL: not this way. See sysk_guest_run()
// and arch_guest_continue(), which do the same with all their errors. pc is the state's.
FAST struct guest *fast_guest(struct thread *self, u64 cap, u64 *pc, u64 *root)
{
	u64 word;
	struct slot *slot = fast_find(self->cspace, cap, OBJECT_GUEST,
				      RIGHT_CONTROL, &word);
	struct guest *guest;

	if (UNLIKELY(!slot))
		return nullptr;
	guest = (struct guest *)word_object(word);
	*pc = arch_guest_pc(guest->state);
	*root = atomic_load_relaxed(&self->roots.guest);
	if (UNLIKELY(*pc >= GUEST_END || !*root ||
		     (self->bound && atomic_load_ordered(&self->bound->bits))))
		return nullptr;
	if (UNLIKELY(!atomic_replace_ordered(&guest->runner, nullptr, self)))
		return nullptr;
	if (UNLIKELY(guest->lost || slot_word(slot) != word)) {
		atomic_store(&guest->runner, nullptr);
		return nullptr;
	}
	self->running_guest = guest;
	return guest;
}
#endif
