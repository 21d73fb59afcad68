// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// endpoint: synchronous rendezvous for messages. Either senders or receivers wait,
// never both: senders in the order of their priorities, then of their arrival.
#ifndef KERNEL_OBJECT_ENDPOINT_H
#define KERNEL_OBJECT_ENDPOINT_H
#include "kernel/object/object.h"
#include "kernel/object/thread.h"

struct endpoint {
	struct object object;
	u32 layer; // [I]
	struct list receivers;
	struct tree senders;
	u64 arrivals;
};

static inline struct endpoint *object_endpoint(struct object *object)
{
	return (struct endpoint *)object;
}

// Who is to be received next; NULL.
static inline struct thread *first_sender(const struct endpoint *endpoint)
{
	struct tree_node *node = tree_find(&endpoint->senders, 0);

	return node ? CONTAINER_OF(node, struct thread, sender) : nullptr;
}

[[nodiscard]] enum status endpoint_create(struct pool *pool, u32 layer,
					  struct endpoint **out);
// One bounded step: wakes one waiter with DEAD; true when none is left.
bool endpoint_destroy_step(struct endpoint *endpoint);
#endif
