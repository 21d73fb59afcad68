// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Waiting for the first of several files: what poll, select and epoll share.
#ifndef PERSONALITIES_LINUX_POLL_H
#define PERSONALITIES_LINUX_POLL_H
#include "personalities/linux/sync.h"

struct file;

struct watched {
	struct file *file; // NULL: not open
	u32 wanted, found; // POLL bits
	struct wait_entry entry;
	bool entered;
};

// deadline_ns: 0 none, 1 long past. The number of ready ones or a negative error.
i64 poll_wait(struct thread *thread, struct watched *set, u32 count,
	      u64 deadline_ns);
// Put the files and free the set, which came from object_alloc.
void poll_release(struct watched *set, u32 count);
// The signal mask of ppoll and its like, from guest memory (0: none) ...
i64 poll_mask_in(struct thread *thread, u64 from, u64 size);
// ... goes back at once, unless a handler is to run with it in its frame.
i64 poll_mask_back(struct thread *thread, i64 result);
#endif
