// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The general form of every message call: builds the info word, packs the slot
// numbers, and unpacks what came back.
#include "lib/ipc/message.h"

static u64 slots_pack(const struct message *message)
{
	u64 slots = 0;

	for (u32 i = 0; i < MESSAGE_CAPS; i++)
		slots |= (u64)message->slot[i] << 16 * i;
	return slots;
}

static u64 info_of(const struct message *message, u64 deadline_ns, u64 slots)
{
	return (u64)message->nwords << INFO_WORDS_SHIFT |
		(u64)message->ncaps << INFO_CAPS_SHIFT |
		(deadline_ns ? INFO_DEADLINE : 0) | (slots ? INFO_CAPS : 0);
}

static bool sendable(const struct message *message)
{
	return message->nwords <= MESSAGE_PAGE_WORDS && message->ncaps <= MESSAGE_CAPS;
}

// A call whose answer, or received message, replaces the message.
static enum status exchange(u64 call, struct handle cap, struct message *message,
	u64 deadline_ns)
{
	u32 sent = message->ncaps;
	u64 slots = slots_pack(message);
	u64 info = call | info_of(message, deadline_ns, slots);
	u64 badge = cap.value;

	if (!sendable(message))
		return ERR_ARGUMENT;
	i64 result = arch_message(info, &badge, message->word, deadline_ns, slots);
	if (result < 0)
		return (enum status)result;
	message->badge = badge;
	message->nwords = (u64)result >> INFO_WORDS_SHIFT & 0xff;
	message->ncaps = (u64)result >> INFO_CAPS_SHIFT & 0xf;
	for (u32 i = 0; i < message->ncaps && sent + i < MESSAGE_CAPS; i++)
		message->slot[i] = message->slot[sent + i];
	return STATUS_OK;
}

static enum status transmit(u64 call, struct handle cap,
	const struct message *message, u64 deadline_ns)
{
	struct message copy = *message;

	if (!sendable(message))
		return ERR_ARGUMENT;
	// Nothing can come back.
	for (u32 i = message->ncaps; i < MESSAGE_CAPS; i++)
		copy.slot[i] = 0;
	u64 slots = slots_pack(&copy);
	u64 badge = cap.value;
	i64 result = arch_message(call | info_of(&copy, deadline_ns, slots),
		&badge, copy.word, deadline_ns, slots);
	return result < 0 ? (enum status)result : STATUS_OK;
}

enum status ipc_call(struct handle endpoint, struct message *message,
	u64 deadline_ns)
{
	return exchange(SYS_CALL, endpoint, message, deadline_ns);
}

enum status ipc_send(struct handle endpoint, const struct message *message,
	u64 deadline_ns)
{
	return transmit(SYS_SEND, endpoint, message, deadline_ns);
}

enum status ipc_try_send(struct handle endpoint, const struct message *message)
{
	return transmit(SYS_SEND | INFO_NONBLOCK, endpoint, message, 0);
}

enum status ipc_recv(struct handle endpoint, struct message *message,
	u64 deadline_ns)
{
	message->nwords = 0;
	message->ncaps = 0;
	return exchange(SYS_RECV, endpoint, message, deadline_ns);
}

enum status ipc_try_recv(struct handle endpoint, struct message *message)
{
	message->nwords = 0;
	message->ncaps = 0;
	return exchange(SYS_RECV | INFO_NONBLOCK, endpoint, message, 0);
}

enum status ipc_reply_recv(struct handle endpoint, struct message *message,
	u64 deadline_ns)
{
	return exchange(SYS_REPLY_RECV, endpoint, message, deadline_ns);
}

enum status ipc_reply(const struct message *message)
{
	return transmit(SYS_REPLY, (struct handle){0}, message, 0);
}
