// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// endpoint: synchronous rendezvous for messages. The queue holds either senders
// or receivers, never both.
#ifndef KERNEL_OBJECT_ENDPOINT_H
#define KERNEL_OBJECT_ENDPOINT_H
#include "kernel/object/object.h"
#include "lib/base/list.h"
#include "lib/base/status.h"

enum endpoint_state : u32 {
	ENDPOINT_RECEIVERS,
	ENDPOINT_SENDERS,
};

struct endpoint {
	struct object object;
	enum endpoint_state state; // who waits, if anybody
	u32 layer; // [I]
	struct list queue;
};

static inline struct endpoint *object_endpoint(struct object *object)
{
	return (struct endpoint *)object;
}

[[nodiscard]] enum status endpoint_create(struct pool *pool, u32 layer,
					  struct endpoint **out);
// One bounded step: wakes one waiter with DEAD; true when none is left.
bool endpoint_destroy_step(struct endpoint *endpoint);
#endif
