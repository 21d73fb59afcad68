// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The slow path of messages.
//
// A rendezvous happens under the endpoint's lock: one side is dequeued (and thus
// owned), the words are copied, and for a call the reply relation is set up
// before the lock is dropped, so that a timeout or a kill finds the caller either
// in the queue or in the relation. Capabilities move after that, because cnode
// locks rank before the endpoint's.
//
// A blocked sender holds no authority: when a receiver comes, the sender's
// capability to the endpoint is looked up again, and a sender whose capability
// was revoked gets an error instead of being received.
#include "kernel/object/message.h"
#include "abi/constants.h"
#include "gen/abi/syscall_nr.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/object/cnode.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/notification.h"
#include "kernel/object/sched.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"
#include "kernel/sched/sched.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define CAP_SLOT(caps, i) ((u32)((caps) >> 16 * (i)) & 0xffff)

static u32 info_words(u64 info)
{
	return info >> INFO_WORDS_SHIFT & 0xff;
}

static u32 info_caps(u64 info)
{
	return info & INFO_CAPS ? info >> INFO_CAPS_SHIFT & 0xf : 0;
}

static u64 info_deadline(const struct thread *thread, u64 info)
{
	return info & INFO_DEADLINE ? arch_ipc_deadline(thread) : 0;
}

// Words that fit into registers and message page.
static u32 words_room(const struct thread *thread)
{
	return atomic_load(&thread->message) ? MESSAGE_PAGE_WORDS
					     : MESSAGE_WORDS;
}

// Words of the message a thread sends: its fault, or its registers and what follows
// in its message page, if it has not been lost.
static inline u32 message_words(const struct thread *from)
{
	u32 nwords = info_words(arch_ipc_info(from));

	if (__builtin_expect(nwords > MESSAGE_WORDS, false))
		nwords = MIN(nwords, words_room(from));
	return from->faulted ? 5 : nwords;
}

// A page that is lost meanwhile stays where it is until its thread is claimed.
[[gnu::noinline]] static void copy_page(const struct thread *from,
					struct thread *to, u32 nwords)
{
	const u64 *source = atomic_load(&from->message);
	u64 *target = atomic_load(&to->message);

	if (source && target)
		memcpy(target + MESSAGE_WORDS, source + MESSAGE_WORDS,
		       (nwords - MESSAGE_WORDS) * sizeof(u64));
}

[[gnu::noinline]] static void copy_words(const struct thread *from,
					 struct thread *to, u32 nwords)
{
	if (__builtin_expect(nwords > MESSAGE_WORDS, false))
		copy_page(from, to, nwords);
	for (u32 i = 0; i < MESSAGE_WORDS; i++)
		*arch_ipc_word(to, i) = i >= nwords ? 0
			: from->faulted		    ? from->fault[i]
						    : *arch_ipc_word(from, i);
}

// Move the sender's capabilities to the receiver's slots. Returns how many: those
// that the sender may not give, or for which the receiver has no empty slot, are
// left out, from the first such on.
static u32 copy_caps(struct thread *from, u64 from_info, u64 from_caps,
		     struct thread *to)
{
	u64 to_info = arch_ipc_info(to), to_caps = arch_ipc_caps(to);
	u32 count = info_caps(from_info), first = info_caps(to_info), i;

	if (!(to_info & INFO_CAPS))
		return 0;
	for (i = 0; i < count && first + i < MESSAGE_CAPS; i++)
		if (!CAP_SLOT(to_caps, first + i) ||
		    cap_transfer(from, CAP_SLOT(from_caps, i), to,
				 CAP_SLOT(to_caps, first + i)) != STATUS_OK)
			break;
	return i;
}

static i64 result_info(u32 nwords, u32 ncaps)
{
	return (i64)nwords << INFO_WORDS_SHIFT | (i64)ncaps << INFO_CAPS_SHIFT;
}

// The thread whose message it is waits, or is current: it all goes at once.
[[gnu::always_inline]] static inline void
copy_message(struct thread *from, struct thread *to, bool grants, u64 badge)
{
	u32 nwords = message_words(from), ncaps = 0;

	if (grants && !from->faulted)
		ncaps = copy_caps(from, arch_ipc_info(from),
				  arch_ipc_caps(from), to);
	copy_words(from, to, nwords);
	arch_ipc_result(to, result_info(nwords, ncaps), badge);
}

static void message_result(struct thread *thread, enum status status)
{
	arch_ipc_result(thread, status, 0);
}

// ---- queue of an endpoint

#define ARRIVAL_BITS 56

static void enqueue_sender_locked(struct endpoint *endpoint,
				  struct thread *thread)
{
	u64 behind = PRIORITIES - 1 - thread->effective;

	thread->sender.key = behind << ARRIVAL_BITS | endpoint->arrivals++;
	thread->senders = &endpoint->senders;
	tree_insert(thread->senders, &thread->sender);
	atomic_store(&thread->wait_on, &endpoint->object);
}

// ---- reply relation and donation

static void reply_link(struct thread *caller, struct thread *server)
{
	caller->reply_sequence++;
	atomic_store(&caller->reply_server, server);
	atomic_store(&server->reply_caller, caller);
	if (caller->effective > server->effective)
		server->effective = caller->effective;
	server->donation_depth = caller->donation_depth + 1;
}

static void donation_end(struct thread *server)
{
	server->donation_depth = 0;
	if (server->effective != server->priority) {
		server->effective = server->priority;
		cpu_self()->reschedule = true;
	}
}

// ---- sending

// The receiver (owned) gets the message of self, which goes on to wait for the
// reply if it called.
static void deliver(struct thread *self, struct thread *receiver, u64 badge,
		    bool calls, bool may_grant, u64 deadline)
{
	copy_message(self, receiver, may_grant, badge);
	if (calls) {
		reply_link(self, receiver);
		thread_block(self, THREAD_REPLY, deadline);
	} else {
		message_result(self, STATUS_OK);
	}
	if (!thread_pull(receiver))
		thread_wake(receiver);
}

// Send to the endpoint found by look-up. Results in self's registers, or blocked.
static enum status send_to(struct thread *self, struct cap_ref *cap, bool calls)
{
	struct endpoint *endpoint = object_endpoint(cap_object(cap));
	u64 info = arch_ipc_info(self);
	u64 deadline = self->faulted ? 0 : info_deadline(self, info);
	struct thread *receiver;

	if (self->layer <= endpoint->layer && !self->faulted)
		return ERR_LAYER;
	if (calls && self->donation_depth >= DONATION_MAX)
		return ERR_DEPTH;
	if (cap_lock(cap) != STATUS_OK)
		return ERR_DEAD;
	receiver = first_waiter(&endpoint->receivers);
	if (receiver) {
		leave_queue_locked(receiver);
		lock_drop(&endpoint->object.lock);
		deliver(self, receiver, cap->badge, calls,
			word_rights(cap->word) & RIGHT_GRANT, deadline);
		return STATUS_DEFERRED;
	}
	if (info & INFO_NONBLOCK && !self->faulted) {
		lock_drop(&endpoint->object.lock);
		return ERR_AGAIN;
	}
	self->sends_call = calls;
	enqueue_sender_locked(endpoint, self);
	thread_block(self, THREAD_SENDING, deadline);
	lock_drop(&endpoint->object.lock);
	return STATUS_DEFERRED;
}

// ---- answering

// The caller is owned: give it self's message.
static void answer(struct thread *self, struct thread *caller)
{
	if (!caller->faulted) {
		copy_message(self, caller, true, 0);
	} else {
		caller->faulted = false;
		if (message_words(self) &&
		    *arch_ipc_word(self, 0) == FAULT_REPLY_STOP)
			thread_request(caller, REQUEST_STOP);
	}
	thread_wake(caller);
}

static enum status reply_embedded(struct thread *self)
{
	struct thread *caller = atomic_swap(&self->reply_caller, nullptr);

	donation_end(self);
	if (!caller)
		return ERR_NOREPLY;
	caller->reply_server = nullptr;
	answer(self, caller);
	return STATUS_OK;
}

void message_forget_reply_locked(struct thread *thread)
{
	struct slot *slot = thread->reply_slot;

	thread->reply_slot = nullptr;
	// Never the last reference: the thread is alive.
	if (slot && slot_clear_locked(slot))
		panic("a saved reply was the last reference to a thread");
}

static enum status reply_saved(struct thread *self, struct cap_ref *cap)
{
	struct thread *caller = object_thread(cap_object(cap));

	if (cap_lock(cap) != STATUS_OK)
		return ERR_NOREPLY;
	if (caller->reply_slot != cap->slot) {
		lock_drop(&caller->object.lock);
		return ERR_NOREPLY;
	}
	message_forget_reply_locked(caller);
	lock_drop(&caller->object.lock);
	answer(self, caller);
	return STATUS_OK;
}

enum status sysk_reply_save(struct thread *self, struct cap_ref *cap, u32 index)
{
	struct cnode *cnode = object_cnode(cap_object(cap));
	struct thread *caller = atomic_load(&self->reply_caller);
	struct slot *slot;
	enum status status;

	if (!caller)
		return ERR_NOREPLY;
	if (sched_limits)
		sched_pay(self);
	status = cnode_fill_begin(cnode, index, &slot);
	if (status != STATUS_OK)
		return status;
	lock_take(&caller->object.lock);
	if (caller->object.dead) {
		status = ERR_DEAD;
	} else if (!atomic_replace(&self->reply_caller, caller, nullptr)) {
		status = ERR_NOREPLY;
	} else {
		caller->reply_server = nullptr;
		caller->reply_slot = slot;
		slot_fill_locked(slot, &caller->object, RIGHT_CALL, 0, nullptr);
		slot->word = (slot->word & ~(0xffull << 56)) |
			     (u64)OBJECT_REPLY << 56;
	}
	lock_drop(&caller->object.lock);
	lock_drop(&cnode->fill_lock);
	if (status == STATUS_OK)
		donation_end(self);
	return status;
}

void message_peer_died(struct thread *caller)
{
	if (caller->faulted) {
		// Tell the next instance of the handler.
		caller->faulted = false;
		caller->fault_pending = true;
	} else {
		message_result(caller, ERR_PEER_RESTARTED);
	}
	thread_wake(caller);
}

// ---- receiving

// May this queued sender still send? Its capability, as it is now.
static bool sender_valid(struct thread *sender, struct endpoint *endpoint,
			 struct cap_ref *out)
{
	if (sender->faulted) {
		out->word = atomic_load(&sender->fault_slot.word);
		out->badge = sender->fault_slot.badge;
		return word_object(out->word) == &endpoint->object;
	}
	return cap_lookup(sender, arch_ipc_cap(sender), OBJECT_ENDPOINT,
			  RIGHT_CALL, out) == STATUS_OK &&
	       cap_object(out) == &endpoint->object;
}

// Take the first valid sender's message. Lock held, dropped on true.
static bool receive_queued(struct thread *self, struct endpoint *endpoint)
{
	struct thread *sender;
	struct cap_ref cap;

	while ((sender = first_sender(endpoint))) {
		u32 nwords, ncaps = 0;
		u64 sender_info, sender_caps;
		bool calls;

		if (!sender_valid(sender, endpoint, &cap)) {
			leave_queue_locked(sender);
			message_result(sender, ERR_HANDLE);
			thread_wake(sender);
			continue;
		}
		nwords = message_words(sender);
		sender_info = sender->faulted ? 0 : arch_ipc_info(sender);
		sender_caps = arch_ipc_caps(sender);
		calls = sender->sends_call;
		copy_words(sender, self, nwords);
		// Until it is out of the queue, who ends its wait comes for the
		// lock; then it finds the relation. There is no time between.
		if (calls)
			reply_link(sender, self);
		leave_queue_locked(sender);
		lock_drop(&endpoint->object.lock);
		if (word_rights(cap.word) & RIGHT_GRANT)
			ncaps = copy_caps(sender, sender_info, sender_caps,
					  self);
		arch_ipc_result(self, result_info(nwords, ncaps), cap.badge);
		if (!calls) {
			message_result(sender, STATUS_OK);
			thread_wake(sender);
		}
		return true;
	}
	return false;
}

static enum status receive(struct thread *self, struct cap_ref *cap)
{
	struct endpoint *endpoint = object_endpoint(cap_object(cap));
	u64 info = arch_ipc_info(self);

	if (self->bound && atomic_load(&self->bound->bits))
		return ERR_INTERRUPTED;
	if (cap_lock(cap) != STATUS_OK)
		return ERR_DEAD;
	if (receive_queued(self, endpoint))
		return STATUS_DEFERRED;
	if (info & INFO_NONBLOCK) {
		lock_drop(&endpoint->object.lock);
		return ERR_AGAIN;
	}
	list_add_last(&endpoint->receivers, &self->queue);
	atomic_store(&self->wait_on, &endpoint->object);
	thread_block(self, THREAD_RECEIVING, info_deadline(self, info));
	lock_drop(&endpoint->object.lock);
	return STATUS_DEFERRED;
}

// ---- entry

static enum status message_call(struct thread *self, bool calls)
{
	struct cap_ref cap;
	enum status status = cap_lookup(self, arch_ipc_cap(self), OBJECT_ANY,
					RIGHT_CALL, &cap);

	if (status != STATUS_OK)
		return status;
	switch (word_type(cap.word)) {
	case OBJECT_ENDPOINT:
		return send_to(self, &cap, calls);
	case OBJECT_REPLY:
		return calls ? ERR_TYPE : reply_saved(self, &cap);
	default:
		return ERR_TYPE;
	}
}

static enum status message_recv(struct thread *self, bool replies)
{
	struct cap_ref cap;
	enum status status = cap_lookup(self, arch_ipc_cap(self),
					OBJECT_ENDPOINT, RIGHT_RECV, &cap);

	if (status != STATUS_OK)
		return status;
	if (replies)
		(void)reply_embedded(self); // the caller may be gone: no error
	else if (self->reply_caller)
		return ERR_STATE; // answer or save the last one first
	return receive(self, &cap);
}

void message_syscall(struct thread *self, u32 number)
{
	u64 info = arch_ipc_info(self);
	enum status status;

	if (sched_limits)
		sched_pay(self);
	if ((info_words(info) > MESSAGE_WORDS &&
	     info_words(info) > words_room(self)) ||
	    info_caps(info) > MESSAGE_CAPS)
		status = ERR_ARGUMENT;
	else if (number == SYS_CALL)
		status = message_call(self, true);
	else if (number == SYS_SEND)
		status = message_call(self, false);
	else if (number == SYS_REPLY)
		status = reply_embedded(self);
	else
		status = message_recv(self, number == SYS_REPLY_RECV);
	if (status != STATUS_DEFERRED)
		message_result(self, status);
}

bool message_send_fault(struct thread *self)
{
	struct cap_ref cap = {.slot = &self->fault_slot,
			      .word = slot_word(&self->fault_slot),
			      .badge = self->fault_slot.badge};

	if (word_type(cap.word) != OBJECT_ENDPOINT)
		return false;
	return send_to(self, &cap, true) == STATUS_DEFERRED;
}
