// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See msg.h.
#include "lib/ipc/msg.h"

#include "lib/sys/component.h"

// Say that this side goes to sleep at each of them; is one ready?
static bool arm(struct msg_poll *polls, u32 count)
{
	bool ready = false;

	for (u32 i = 0; i < count; i++) {
		polls[i].ready = ring_arm(polls[i].ring);
		ready |= polls[i].ready;
	}
	return ready;
}

enum status msg_poll(struct msg_poll *polls, u32 count, u64 other_bits,
		     u64 *bits, u64 deadline_ns)
{
	enum status status = STATUS_OK;
	u64 mask = other_bits, came = 0;
	bool ready;

	for (u32 i = 0; i < count; i++)
		mask |= polls[i].ring->my_bits;
	if (mask == 0)
		return ERR_ARGUMENT;
	// A deadline that has passed means one last look.
	while (!(ready = arm(polls, count)) && !(came & other_bits) &&
	       status == STATUS_OK) {
		if (deadline_ns == MSG_NOW)
			status = ERR_AGAIN;
		else
			status = component_wait(mask, deadline_ns, &came);
	}
	for (u32 i = 0; i < count; i++)
		ring_woken(polls[i].ring);
	if (bits)
		*bits = came & other_bits;
	return ready || (came & other_bits) ? STATUS_OK : status;
}

// Wait until the next look may find something.
static enum status wait(struct ring *ring, u64 deadline_ns)
{
	enum status status = STATUS_OK;
	u64 bits;

	if (deadline_ns == MSG_NOW)
		return ERR_AGAIN;
	if (!ring_arm(ring)) {
		ring->counters.waits++;
		status = component_wait(ring->my_bits, deadline_ns, &bits);
	}
	ring_woken(ring);
	return status;
}

enum status msg_send(struct ring *ring, const void *message, u32 bytes,
		     u64 deadline_ns)
{
	enum status status, waited = STATUS_OK;

	// A deadline that has passed means one last look.
	while ((status = ring_put(ring, message, bytes)) == ERR_AGAIN &&
	       waited == STATUS_OK)
		waited = wait(ring, deadline_ns);
	if (status == STATUS_OK)
		ring_wake(ring);
	return status == ERR_AGAIN ? waited : status;
}

static enum status receive(struct ring *ring, void *message, u32 least, u32 room,
			   u32 *bytes, u64 deadline_ns)
{
	enum status status, waited = STATUS_OK;

	ring_release(ring);
	while ((status = ring_take(ring, message, least, room, bytes)) ==
		       ERR_AGAIN &&
	       waited == STATUS_OK)
		waited = wait(ring, deadline_ns);
	return status == ERR_AGAIN ? waited : status;
}

enum status msg_recv(struct ring *ring, void *message, u32 room, u32 *bytes,
		     u64 deadline_ns)
{
	return receive(ring, message, 0, room, bytes, deadline_ns);
}

enum status msg_send_many(struct ring *ring, const void *messages, u32 bytes,
			  u32 count, u32 *done, u64 deadline_ns)
{
	const u8 *from = messages;
	enum status status = STATUS_OK, waited = STATUS_OK;
	u32 woken = 0;

	for (*done = 0; *done < count;) {
		status = ring_put(ring, from + (u64)*done * bytes, bytes);
		if (status == STATUS_OK) {
			++*done;
			continue;
		}
		if (status != ERR_AGAIN || waited != STATUS_OK)
			break;
		// The other side has to work before there is room.
		if (woken != *done)
			ring_wake(ring);
		woken = *done;
		waited = wait(ring, deadline_ns);
	}
	if (woken != *done)
		ring_wake(ring);
	return status == ERR_AGAIN ? waited : status;
}

enum status msg_recv_many(struct ring *ring, void *messages, u32 bytes,
			  u32 count, u32 *done, u64 deadline_ns)
{
	u8 *to = messages;
	enum status status;
	u32 length;

	*done = 0;
	if (count == 0)
		return STATUS_OK;
	status = receive(ring, to, bytes, bytes, &length, deadline_ns);
	if (status != STATUS_OK)
		return status;
	while (++*done < count &&
	       ring_take(ring, to + (u64)*done * bytes, bytes, bytes,
			 &length) == STATUS_OK)
		;
	return STATUS_OK;
}
