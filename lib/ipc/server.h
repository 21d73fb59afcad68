// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The server's side: sessions of clients by badge and lane, their buffers
// (mapped with KEEP, so that a dying client cannot take the server with it), the
// record of the last answer of each session, and the main loop.
//
// The table of sessions (not the mappings) lives in the component's stash when it
// has one, so that a new instance can answer a request that its predecessor had
// finished but not answered.
//
// The attach call: the server maps the buffer (the first capability) and gives the
// message to dispatch, so that the service may refuse it or take further
// capabilities; a dispatch that answers ERR_NOSYS has no objection.
// Capabilities that come with any other message: they belong to the service when
// it answers STATUS_OK or later; when it answers an error, the server deletes them.
#ifndef LIB_IPC_SERVER_H
#define LIB_IPC_SERVER_H
#include "abi/message.h"
#include "abi/startup.h"
#include "lib/base/session_buffer.h"
#include "lib/base/status.h"

#define SERVER_SESSIONS 64

struct server_session {
	u64 badge;
	u32 lane;
	bool attached;
	struct handle memory; // capability to the client's buffer
	u8 *buffer; // hostile: copy once, then check
	u64 buffer_bytes;
	void *user; // the service's own
	bool in_use; // this entry and its record belong to badge and lane
};

// What a repeated request is answered with; in the stash.
struct server_record {
	u64 badge;
	u32 lane;
	u32 request_id;
	u64 word[MESSAGE_WORDS];
	u32 nwords, valid;
};

struct server {
	struct handle endpoint;
	u32 attach_opcode;
	// Handles one decoded-enough message: session is NULL when the client has
	// not attached. Fills the reply into message (word[0] = status). Returns
	// STATUS_DEFERRED when it saved the reply for later (server_defer).
	enum status (*dispatch)(void *context, struct server_session *session,
				struct message *message);
	// Bits of the main notification other than heartbeats. May be NULL.
	void (*notified)(void *context, u64 bits);
	void (*detached)(void *context, struct server_session *session);
	void *context;
	struct server_session session[SERVER_SESSIONS];
	struct server_record *record; // SERVER_SESSIONS entries, stash or heap
	struct health *health; // requests are counted there; may be NULL
};

// A session's buffer as the generated decoding wants it; session may be NULL.
static inline struct service_session
server_view(const struct server_session *session)
{
	if (!session)
		return (struct service_session){};
	return (struct service_session){ session->buffer,
					 session->buffer_bytes };
}

// Prepare; record may point into the stash (SERVER_SESSIONS entries, zeroed when
// new) or be NULL (heap).
[[nodiscard]] enum status server_init(struct server *server, struct handle endpoint,
				      u32 attach_opcode,
				      struct server_record *record);
// Serve for ever: receive, dispatch, reply; answers heartbeats; calls notified.
[[noreturn]] void server_run(struct server *server);

// Inside dispatch: put the right to reply into a slot and return it, then return
// STATUS_DEFERRED. Answer later with server_answer (frees the slot).
[[nodiscard]] enum status server_defer(u32 *slot);
void server_answer(u32 slot, const struct message *reply);
// Inside dispatch: delete what is in this slot once the answer has been sent (for
// a capability made only to be given away). At most four in one answer.
void server_free_after_reply(u32 slot);

// One received message: everything between receiving and replying. False when no
// reply is to be sent. For server_run and for tests.
bool server_handle(struct server *server, struct message *message);
#endif
