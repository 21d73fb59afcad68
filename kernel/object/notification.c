// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// notification: signal, wait, poll, binding.
#include "kernel/object/notification.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/object/cap.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"

enum status notification_create(struct pool *pool, struct notification **out)
{
	return POOL_NEW(pool, OBJECT_NOTIFICATION, out);
}

// Bits of mask, cleared in the word. Others look at it without the lock.
static u64 take_bits_locked(struct notification *notification, u64 mask)
{
	u64 bits = notification->bits;

	atomic_store(&notification->bits, bits & ~mask);
	return bits & mask;
}

static struct thread *take_waiter_locked(struct notification *notification)
{
	struct thread *waiter = notification->waiter;

	if (!waiter || !(notification->bits & waiter->wait_mask))
		return nullptr;
	notification->waiter = nullptr;
	atomic_store(&waiter->wait_on, nullptr);
	arch_ipc_result(waiter, STATUS_OK, 0);
	*arch_syscall_word(waiter, 0) =
		take_bits_locked(notification, waiter->wait_mask);
	return waiter;
}

// Lock held, dropped.
static void signal_and_unlock(struct notification *notification, u64 bits)
{
	struct thread *waiter, *bound;
	bool here;

	atomic_store(&notification->bits, notification->bits | bits);
	waiter = take_waiter_locked(notification);
	bound = waiter ? nullptr : notification->bound;
	here = bound && bound->cpu == cpu_self() && !bound->requests;
	// Requests are posted under the lock: unbinding ends them. What runs on
	// this CPU may only be stopped by now, which a kick does not mind.
	if (bound && !here)
		thread_request(bound, REQUEST_KICK);
	lock_drop(&notification->object.lock);
	if (waiter)
		thread_wake(waiter);
	else if (here)
		thread_kick(bound);
}

void notification_signal_slot(struct slot *slot, u64 bits)
{
	struct object *object = slot_lock_object(slot);

	if (object)
		signal_and_unlock((struct notification *)object, bits);
}

enum status sysk_signal(struct thread *, struct cap_ref *cap)
{
	struct notification *n = (struct notification *)cap_object(cap);

	if (cap_lock(cap) != STATUS_OK)
		return ERR_DEAD;
	signal_and_unlock(n, cap->badge ? cap->badge : 1);
	return STATUS_OK;
}

enum status sysk_poll(struct thread *, struct cap_ref *cap, u64 mask,
		      struct poll_result *out)
{
	struct notification *n = (struct notification *)cap_object(cap);

	if (cap_lock(cap) != STATUS_OK)
		return ERR_AGAIN; // as if it had come a moment earlier
	out->bits = take_bits_locked(n, mask);
	lock_drop(&n->object.lock);
	return out->bits ? STATUS_OK : ERR_AGAIN;
}

enum status sysk_wait(struct thread *self, struct cap_ref *cap, u64 mask,
		      u64 deadline_ns, struct wait_result *out)
{
	struct notification *n = (struct notification *)cap_object(cap);

	if (cap_lock(cap) != STATUS_OK)
		return ERR_DEAD;
	out->bits = take_bits_locked(n, mask);
	if (out->bits || n->waiter) {
		lock_drop(&n->object.lock);
		return out->bits ? STATUS_OK : ERR_OCCUPIED;
	}
	n->waiter = self;
	self->wait_mask = mask;
	atomic_store(&self->wait_on, &n->object);
	thread_block(self, THREAD_WAITING, deadline_ns);
	lock_drop(&n->object.lock);
	return STATUS_DEFERRED;
}

void notification_unbind(struct thread *thread)
{
	struct object *object = slot_lock_object(&thread->notification_slot);
	struct notification *n = (struct notification *)object;

	if (!object)
		return;
	if (n->bound == thread)
		n->bound = nullptr;
	thread->bound = nullptr;
	lock_drop(&object->lock);
}

static enum status bind(struct thread *thread, const struct cap_ref *cap)
{
	struct notification *n;
	enum status status = cap_refer(&thread->notification_slot, cap);

	if (status != STATUS_OK)
		return status;
	n = (struct notification *)slot_lock_object(&thread->notification_slot);
	if (!n)
		return ERR_DEAD;
	if (n->bound) {
		status = ERR_OCCUPIED;
	} else {
		n->bound = thread;
		thread->bound = n;
	}
	lock_drop(&n->object.lock);
	if (status != STATUS_OK)
		slot_drop(&thread->notification_slot);
	return status;
}

enum status sysk_thread_bind(struct thread *self, struct cap_ref *cap,
			     struct handle notification)
{
	struct thread *thread = object_thread(cap_object(cap));
	enum status status = STATUS_OK;
	struct cap_ref ref;

	if (notification.value)
		status = cap_lookup(self, notification.value,
				    OBJECT_NOTIFICATION, RIGHT_WAIT, &ref);
	if (status == STATUS_OK)
		status = thread_hold(cap);
	if (status != STATUS_OK)
		return status;
	notification_unbind(thread);
	slot_drop(&thread->notification_slot);
	if (notification.value)
		status = bind(thread, &ref);
	thread_release(thread);
	return status;
}

bool notification_destroy_step(struct notification *notification)
{
	struct thread *waiter;

	lock_take(&notification->object.lock);
	waiter = notification->waiter;
	notification->waiter = nullptr;
	notification->bound = nullptr;
	if (waiter)
		atomic_store(&waiter->wait_on, nullptr);
	lock_drop(&notification->object.lock);
	if (waiter) {
		arch_ipc_result(waiter, ERR_DEAD, 0);
		thread_wake(waiter);
	}
	return true;
}
