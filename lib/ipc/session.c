// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The client's side of a service. What makes a call survive its server is in
// session_call: the request is kept, and sent again with the same id.
#include "lib/ipc/session.h"

#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/ipc/message.h"
#include "lib/sys/component.h"

// How often in a row a server may say that it does not know the session.
#define ATTACH_TRIES 8

// Ids start somewhere else in every instance of a client, so that a server does
// not take a new request for the repeat of one of the client's predecessor.
static u32 first_id(const struct session *session)
{
	u64 seed = clock_ns() / 1000;

	seed += startup ? (u64)startup->generation * 40503 : 0;
	seed += (u64)session->endpoint.value * 65521;
	return (u32)(seed ^ seed >> SESSION_ID_BITS) & SESSION_ID_MASK;
}

void session_init(struct session *session, struct handle endpoint,
	struct handle buffer_memory, u8 *buffer, u64 buffer_bytes,
	u32 attach_opcode, u32 version)
{
	*session = (struct session){
		.endpoint = endpoint,
		.buffer_memory = buffer_memory,
		.buffer = buffer,
		.buffer_bytes = buffer_bytes,
		.attach_opcode = attach_opcode,
		.version = version,
	};
	session->request_id = first_id(session);
}

enum status session_open(struct session *session, struct handle endpoint,
	u64 buffer_bytes, u32 attach_opcode, u32 version)
{
	struct handle memory = {0};
	void *buffer = nullptr;
	u32 slot;

	buffer_bytes = align_up(buffer_bytes, PAGE_BYTES);
	if (buffer_bytes) {
		slot = slot_alloc();
		memory = handle_of(slot);
		enum status status = sys_object_create(SELF_POOL, OBJECT_MEMORY,
			buffer_bytes, MEMORY_ANON, handle_of(0), SELF_CNODE,
			slot);
		if (status == STATUS_OK)
			status = memory_map(memory, 0, buffer_bytes,
				MAP_READ | MAP_WRITE, &buffer);
		if (status != STATUS_OK) {
			slot_free(slot);
			return status;
		}
	}
	session_init(session, endpoint, memory, buffer, buffer_bytes,
		attach_opcode, version);
	session->owns_buffer = buffer_bytes != 0;
	return STATUS_OK;
}

void session_close(struct session *session)
{
	if (session->owns_buffer) {
		memory_unmap(session->buffer, session->buffer_bytes);
		slot_free(session->buffer_memory.value);
	}
	*session = (struct session){};
}

static u64 deadline_of(const struct session *session)
{
	return session->deadline_ns ? clock_ns() + session->deadline_ns : 0;
}

static u64 head(const struct session *session, u64 opcode)
{
	return (opcode & 0xffff) | (u64)session->version << 16 |
		(u64)session->request_id << 32 | (u64)(session->lane & 15) << 60;
}

static enum status attach(struct session *session)
{
	struct message message = {
		.word = {head(session, session->attach_opcode), session->lane},
		.nwords = 2,
		.ncaps = session->attach_extra.value ? 2 : 1,
		.slot = {(u16)session->buffer_memory.value,
			 (u16)session->attach_extra.value},
	};
	enum status status = ipc_call(session->endpoint, &message,
		deadline_of(session));

	if (status != STATUS_OK)
		return status;
	if (message.nwords < 1)
		return ERR_PROTOCOL;
	status = status_from_word(message.word[0]);
	session->attached = status == STATUS_OK;
	return status;
}

// Send once; attaches first if that is to be done.
static enum status attempt(struct session *session, struct message *message)
{
	enum status status = STATUS_OK;

	if (session->attach_opcode && !session->attached)
		status = attach(session);
	if (status != STATUS_OK)
		return status;
	status = ipc_call(session->endpoint, message, deadline_of(session));
	if (status != STATUS_OK)
		return status;
	if (message->nwords < 1)
		return ERR_PROTOCOL;
	return status_from_word(message->word[0]);
}

enum status session_call(struct session *session, struct message *message)
{
	struct message request = *message;
	u32 unknown = 0;

	session->request_id = (session->request_id + 1) & SESSION_ID_MASK;
	request.word[0] = head(session, request.word[0]);
	for (;;) {
		*message = request;
		enum status status = attempt(session, message);
		if (status == ERR_PEER_RESTARTED) {
			session->restarts++;
			session->attached = false;
		} else if (status == ERR_SESSION && session->attach_opcode &&
			unknown++ < ATTACH_TRIES) {
			session->attached = false;
		} else {
			return status;
		}
	}
}

enum status session_reserve(struct session *session, usize length, u64 *packed,
	u8 **address)
{
	if (length == 0) {
		*packed = 0;
		*address = session->buffer;
		return STATUS_OK;
	}
	if (!range_within(session->used, length, session->buffer_bytes) ||
		length > 0xffffffff)
		return ERR_RANGE;
	*packed = session->used << 32 | length;
	*address = session->buffer + session->used;
	session->used = align_up(session->used + length, 8);
	return STATUS_OK;
}

enum status session_put(struct session *session, const void *data, usize length,
	u64 *packed)
{
	u8 *address;
	enum status status = session_reserve(session, length, packed, &address);

	if (status == STATUS_OK && length)
		memcpy(address, data, length);
	return status;
}
