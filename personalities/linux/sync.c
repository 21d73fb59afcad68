// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Mutexes and wait queues. A mutex is handed over to its first waiter, so nobody
// starves; the word `spin` is held for a few instructions only.
#include "personalities/linux/sync.h"

#include "gen/abi/syscall_stubs.h"
#include "lib/sys/component.h"
#include "personalities/linux/carrier.h"
#include "personalities/linux/linux_abi.h"
#include "personalities/linux/process.h"

#define SPINS_BEFORE_YIELD 64

struct mutex container_lock = MUTEX(container_lock);

static void spin_lock(u32 *word)
{
	u32 spins = 0;

	while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE))
		if (++spins % SPINS_BEFORE_YIELD == 0)
			(void)!sys_yield();
}

static void spin_unlock(u32 *word)
{
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

void mutex_init(struct mutex *mutex)
{
	*mutex = (struct mutex){};
	list_init(&mutex->waiters);
}

static bool mutex_try(struct mutex *mutex)
{
	u32 free = 0;

	return __atomic_compare_exchange_n(&mutex->state, &free, 1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void mutex_lock(struct mutex *mutex)
{
	struct wait_entry entry;
	u64 bits;

	if (mutex_try(mutex))
		return;
	entry.carrier = carrier_self();
	spin_lock(&mutex->spin);
	// With state 2 the holder takes `spin` to let go, so it sees the entry.
	if (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_ACQUIRE) == 0) {
		if (list_empty(&mutex->waiters))
			mutex->state = 1;
		spin_unlock(&mutex->spin);
		return;
	}
	list_add_last(&mutex->waiters, &entry.node);
	spin_unlock(&mutex->spin);
	while (sys_wait(entry.carrier->notification, NOTE_LOCK, 0, &bits) !=
	       STATUS_OK)
		;
}

void mutex_unlock(struct mutex *mutex)
{
	u32 held = 1;
	struct list *node;
	struct wait_entry *entry;
	struct handle next;

	if (__atomic_compare_exchange_n(&mutex->state, &held, 0, false,
					__ATOMIC_RELEASE, __ATOMIC_RELAXED))
		return;
	spin_lock(&mutex->spin);
	node = list_take_first(&mutex->waiters);
	if (!node) {
		__atomic_store_n(&mutex->state, 0, __ATOMIC_RELEASE);
		spin_unlock(&mutex->spin);
		return;
	}
	entry = CONTAINER_OF(node, struct wait_entry, node);
	next = entry->carrier->lock;
	spin_unlock(&mutex->spin); // held on behalf of the next; state stays 2
	(void)!sys_signal(next);
}

void wait_queue_init(struct wait_queue *queue)
{
	list_init(&queue->waiters);
}

void wait_wake(struct wait_queue *queue)
{
	LIST_FOR_EACH(node, &queue->waiters)
	carrier_wake(CONTAINER_OF(node, struct wait_entry, node)->carrier);
}

void wait_enter(struct wait_queue *queue, struct wait_entry *entry)
{
	entry->carrier = carrier_self();
	list_add_last(&queue->waiters, &entry->node);
}

void wait_leave(struct wait_entry *entry)
{
	list_remove(&entry->node);
}

enum status wait_park(u64 deadline_ns)
{
	struct carrier *self = carrier_self();
	enum status status;
	u64 bits;

	mutex_unlock(&container_lock);
	status = sys_wait(self->notification, NOTE_WAKE, deadline_ns, &bits);
	mutex_lock(&container_lock);
	return status;
}

i64 wait_sleep(struct thread *thread, struct wait_queue *queue, u64 deadline_ns)
{
	struct wait_entry entry;
	enum status status;

	if (thread_interrupted(thread))
		return -ERESTART_IF_ASKED;
	wait_enter(queue, &entry);
	status = wait_park(deadline_ns);
	wait_leave(&entry);
	return status == ERR_TIMEOUT ? -ETIMEDOUT : 0;
}
