// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The server's side. An entry of the session table and the record of the same
// number belong together; entries found valid in a stash wait for their client to
// attach again. Everything in a record that came out of a stash is checked.
#include "lib/ipc/server.h"

#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/ipc/message.h"
#include "lib/ipc/session.h"
#include "lib/sys/component.h"

#define LANES 16
#define BUFFER_MAX (64ull << 20)

// Slots to delete when the answer under way has been sent.
static u32 given_away[MESSAGE_CAPS];
static u32 ngiven_away;

enum status server_init(struct server *server, struct handle endpoint,
	u32 attach_opcode, struct server_record *record)
{
	server->endpoint = endpoint;
	server->attach_opcode = attach_opcode;
	memset(server->session, 0, sizeof(server->session));
	if (!record)
		record = heap_zalloc(SERVER_SESSIONS * sizeof(*record));
	if (!record)
		return ERR_MEMORY;
	server->record = record;
	server->health = startup && startup->health ?
		(struct health *)startup->health : nullptr;
	for (u32 i = 0; i < SERVER_SESSIONS; i++) {
		struct server_record *r = &record[i];
		if (r->valid != 1 || r->nwords > MESSAGE_WORDS ||
			r->lane >= LANES) {
			*r = (struct server_record){};
			continue;
		}
		server->session[i].badge = r->badge;
		server->session[i].lane = r->lane;
		server->session[i].in_use = true;
	}
	return STATUS_OK;
}

static struct server_session *find(struct server *server, u64 badge, u32 lane)
{
	for (u32 i = 0; i < SERVER_SESSIONS; i++) {
		struct server_session *session = &server->session[i];
		if (session->in_use && session->badge == badge &&
			session->lane == lane)
			return session;
	}
	return nullptr;
}

// A free entry, or one that was inherited and that nobody has come back to.
static struct server_session *claim(struct server *server)
{
	struct server_session *inherited = nullptr;

	for (u32 i = 0; i < SERVER_SESSIONS; i++) {
		struct server_session *session = &server->session[i];
		if (!session->in_use)
			return session;
		if (!session->attached)
			inherited = session;
	}
	return inherited;
}

static void detach(struct server *server, struct server_session *session)
{
	if (!session->attached)
		return;
	session->attached = false;
	if (server->detached)
		server->detached(server->context, session);
	if (session->buffer)
		memory_unmap(session->buffer, session->buffer_bytes);
	slot_free(session->memory.value);
	session->buffer = nullptr;
	session->buffer_bytes = 0;
	session->user = nullptr;
}

// Map the client's buffer. The capability is the session's on success.
static enum status attach(struct server *server, const struct message *message,
	struct server_session **out)
{
	u64 lane = message->word[1];
	u64 size_bytes;
	void *buffer;

	if (message->nwords != 2 || lane >= LANES || message->ncaps < 1)
		return ERR_PROTOCOL;
	struct handle memory = handle_of(message->slot[0]);
	if (sys_memory_info(memory, &size_bytes, nullptr, nullptr, nullptr) !=
		STATUS_OK || size_bytes == 0 || size_bytes > BUFFER_MAX)
		return ERR_PROTOCOL;
	struct server_session *session = find(server, message->badge, (u32)lane);
	if (!session)
		session = claim(server);
	if (!session)
		return ERR_QUOTA;
	enum status status = memory_map(memory, 0, size_bytes,
		MAP_READ | MAP_WRITE | MAP_KEEP, &buffer);
	if (status != STATUS_OK)
		return status;
	detach(server, session);
	if (session->badge != message->badge || session->lane != lane)
		server->record[session - server->session] =
			(struct server_record){};
	*session = (struct server_session){
		.badge = message->badge,
		.lane = (u32)lane,
		.attached = true,
		.in_use = true,
		.memory = memory,
		.buffer = buffer,
		.buffer_bytes = size_bytes,
	};
	*out = session;
	return STATUS_OK;
}

static void answer_status(struct message *message, enum status status)
{
	message->word[0] = (u64)(i64)status;
	message->nwords = 1;
	message->ncaps = 0;
}

static bool handle_attach(struct server *server, struct message *message)
{
	struct message received = *message;
	struct server_session *session;
	enum status status = attach(server, message, &session);
	bool attached = status == STATUS_OK, taken = false;

	if (status == STATUS_OK) {
		status = server->dispatch(server->context, session, message);
		if (status == STATUS_DEFERRED)
			return false;
		status = message->nwords ? status_from_word(message->word[0]) :
			ERR_PROTOCOL;
		taken = status == STATUS_OK;
		if (status == ERR_NOSYS)
			status = STATUS_OK;
		if (status != STATUS_OK)
			detach(server, session);
	}
	// The first is the session's now, or was deleted with it.
	for (u32 i = attached ? 1 : 0; i < received.ncaps && !taken; i++)
		slot_free(received.slot[i]);
	answer_status(message, status);
	return true;
}

// Has this request been answered already, by this instance or its predecessor?
static bool repeat(struct server_record *record, u32 id, struct message *message)
{
	if (record->valid != 1 || record->request_id != id)
		return false;
	for (u32 i = 0; i < message->ncaps; i++)
		slot_free(message->slot[i]);
	memcpy(message->word, record->word, sizeof(message->word));
	message->nwords = MIN(record->nwords, (u32)MESSAGE_WORDS);
	message->ncaps = 0;
	return true;
}

// An answer that carries capabilities cannot be recorded: it is made again.
static void remember(struct server_record *record,
	const struct server_session *session, u32 id, const struct message *reply)
{
	*(volatile u32 *)&record->valid = 0;
	if (reply->ncaps)
		return;
	record->badge = session->badge;
	record->lane = session->lane;
	record->request_id = id;
	record->nwords = reply->nwords;
	memcpy(record->word, reply->word, sizeof(record->word));
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	*(volatile u32 *)&record->valid = 1;
}

bool server_handle(struct server *server, struct message *message)
{
	u64 word = message->nwords ? message->word[0] : 0;
	u32 id = session_word_id(word), ncaps = message->ncaps;
	struct message received = *message;

	if (server->health)
		server->health->requests++;
	if (server->attach_opcode && (word & 0xffff) == server->attach_opcode)
		return handle_attach(server, message);
	struct server_session *session = server->attach_opcode ?
		find(server, message->badge, session_word_lane(word)) : nullptr;
	struct server_record *record = session ?
		&server->record[session - server->session] : nullptr;
	if (record && repeat(record, id, message))
		return true;
	enum status status = server->dispatch(server->context,
		session && session->attached ? session : nullptr, message);
	if (status == STATUS_DEFERRED)
		return false;
	if (message->nwords == 0)
		answer_status(message, ERR_PROTOCOL);
	// Who has to attach first will ask again: that is no answer to record.
	enum status answered = status_from_word(message->word[0]);
	if (answered != STATUS_OK)
		for (u32 i = 0; i < ncaps; i++)
			slot_free(received.slot[i]);
	if (record && answered != ERR_SESSION)
		remember(record, session, id, message);
	return true;
}

enum status server_defer(u32 *slot)
{
	u32 index = slot_alloc();
	enum status status = sys_reply_save(SELF_CNODE, index);

	if (status != STATUS_OK) {
		slot_free(index);
		return status;
	}
	*slot = index;
	return STATUS_OK;
}

void server_answer(u32 slot, const struct message *reply)
{
	// The client may be gone: then nobody misses the answer.
	(void)!ipc_send(handle_of(slot), reply, 0);
	slot_free(slot);
}

void server_free_after_reply(u32 slot)
{
	if (ngiven_away < MESSAGE_CAPS)
		given_away[ngiven_away++] = slot;
}

static void free_given_away(void)
{
	for (u32 i = 0; i < ngiven_away; i++)
		slot_free(given_away[i]);
	ngiven_away = 0;
}

static void handle_bits(struct server *server)
{
	u64 bits = 0;

	if (sys_poll(handle_of(SLOT_NOTIFICATION), ~0ull, &bits) != STATUS_OK)
		return;
	bits = component_heartbeat(bits);
	if (bits && server->notified)
		server->notified(server->context, bits);
}

// Offer the empty receive slots behind those of the answer.
static void offer(struct message *message, const u16 empty[MESSAGE_CAPS])
{
	for (u32 i = message->ncaps; i < MESSAGE_CAPS; i++)
		message->slot[i] = empty[i];
}

// What was filled is the service's now: take new slots in its place.
static void refill(const struct message *message, u16 empty[MESSAGE_CAPS])
{
	for (u32 i = 0; i < message->ncaps; i++)
		for (u32 k = 0; k < MESSAGE_CAPS; k++)
			if (empty[k] == message->slot[i])
				empty[k] = (u16)slot_alloc();
}

[[noreturn]] void server_run(struct server *server)
{
	struct message message = {};
	u16 empty[MESSAGE_CAPS];
	bool reply = false;

	for (u32 i = 0; i < MESSAGE_CAPS; i++)
		empty[i] = (u16)slot_alloc();
	for (;;) {
		if (!reply)
			message.ncaps = 0;
		offer(&message, empty);
		enum status status = reply ?
			ipc_reply_recv(server->endpoint, &message, 0) :
			ipc_recv(server->endpoint, &message, 0);
		bool replied = reply;
		reply = false;
		free_given_away();
		if (status == ERR_INTERRUPTED) {
			handle_bits(server);
		} else if (status == STATUS_OK) {
			refill(&message, empty);
			reply = server_handle(server, &message);
		} else if (replied && status != ERR_DEAD) {
			// The answer could not be sent as it was.
			answer_status(&message, ERR_PROTOCOL);
			(void)!ipc_reply(&message);
		} else if (status != ERR_TIMEOUT && status != ERR_CANCELED) {
			component_fail("endpoint: %s", status_text(status));
		}
	}
}
