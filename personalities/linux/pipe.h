// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The ring of bytes that pipes and sockets are made of.
#ifndef PERSONALITIES_LINUX_PIPE_H
#define PERSONALITIES_LINUX_PIPE_H
#include "personalities/linux/guest.h"
#include "personalities/linux/path.h"
#include "personalities/linux/sync.h"

#define PIPE_BYTES 65536u
#define PIPE_ATOMIC 4096u

struct pipe {
	u32 references, readers, writers;
	u8 *data; // PIPE_BYTES, made at the first write
	u32 head, used;
	u64 written; // total, so that an opening of a FIFO is noticed
	struct wait_queue queue;
	struct wait_queue *waiters; // own queue, or that of the partner
	struct pipe *partner; // the other direction of a socket; referenced
	struct list node; // named ones
	struct place place;
	u32 reader_openings, writer_openings;
};

struct pipe *pipe_new(void); // with one reference
void pipe_put(struct pipe *pipe);
// Wait for bytes, or for room. Bytes done or a negative error.
i64 pipe_take(struct thread *thread, struct pipe *pipe, struct io *io,
	      bool nonblocking);
i64 pipe_put_bytes(struct thread *thread, struct pipe *pipe, struct io *io,
		   bool nonblocking);
#endif
