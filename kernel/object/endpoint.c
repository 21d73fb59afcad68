// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// endpoint: its life. The rendezvous itself is in message.c.
#include "kernel/object/endpoint.h"
#include "kernel/object/pool.h"
#include "kernel/object/thread.h"

enum status endpoint_create(struct pool *pool, u32 layer, struct endpoint **out)
{
	enum status status;

	if (layer > 255)
		return ERR_ARGUMENT;
	status = POOL_NEW(pool, OBJECT_ENDPOINT, out);
	if (status != STATUS_OK)
		return status;
	(*out)->layer = layer;
	list_init(&(*out)->receivers);
	(*out)->senders.seed = arch_counter();
	return STATUS_OK;
}

bool endpoint_destroy_step(struct endpoint *endpoint)
{
	struct thread *thread;

	lock_take(&endpoint->object.lock);
	thread = first_waiter(&endpoint->receivers) ?: first_sender(endpoint);
	if (thread)
		leave_queue_locked(thread);
	lock_drop(&endpoint->object.lock);
	if (!thread)
		return true;
	if (thread->faulted) {
		thread->faulted = false;
		thread_request(thread, REQUEST_STOP);
	} else {
		arch_ipc_result(thread, ERR_DEAD, 0);
	}
	thread_wake(thread);
	return false;
}
