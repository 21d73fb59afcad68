// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// How threads of the personality exclude and await each other: mutexes and
// queues over each thread's own notification. No call to the kernel is made
// unless somebody has to wait.
//
// There is one big lock, container_lock. Everything in the personality is
// guarded by it unless its declaration says otherwise. It is never held while
// another process is asked for something; who needs a file system drops it
// (mount.h), so state may have changed after every call that may block.
#ifndef PERSONALITIES_LINUX_SYNC_H
#define PERSONALITIES_LINUX_SYNC_H
#include "lib/base/list.h"
#include "lib/base/status.h"

struct thread;

// Bits of a thread's notification. WAKE ends a sleep and kicks a running guest.
#define NOTE_WAKE (1ull << 32)
#define NOTE_LOCK (1ull << 33)

struct mutex {
	u32 state; // 0 free, 1 held, 2 held and somebody waits
	u32 spin; // guards waiters
	struct list waiters;
};
#define MUTEX(name)                                                            \
	{                                                                      \
		0, 0,                                                          \
		{                                                              \
			&(name).waiters, &(name).waiters                       \
		}                                                              \
	}

void mutex_init(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

extern struct mutex container_lock;

struct wait_queue {
	struct list waiters;
};
struct wait_entry {
	struct list node;
	struct carrier *carrier;
};

void wait_queue_init(struct wait_queue *queue);
// Wake everybody in the queue. They look again at what they wait for.
void wait_wake(struct wait_queue *queue);

// For waiting on several queues at once: enter each, park, leave each.
void wait_enter(struct wait_queue *queue, struct wait_entry *entry);
void wait_leave(struct wait_entry *entry);

// Drop the big lock, sleep until woken or until deadline_ns (0: none), take the
// lock. May end without reason. ERR_TIMEOUT.
enum status wait_park(u64 deadline_ns);

// Wait in one queue. 0: look again; -ERESTART_IF_ASKED: a signal wants
// attention (checked first); -ETIMEDOUT.
i64 wait_sleep(struct thread *thread, struct wait_queue *queue,
	       u64 deadline_ns);
#endif
