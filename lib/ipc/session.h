// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The client's side of a service: an endpoint, a buffer shared with the server,
// and a count of requests. A session survives the death of its server: when a
// call ends with PEER_RESTARTED, or the new instance says ERR_SESSION, the
// session attaches again and sends the same request with the same id; the server
// answers a repeated id from its record, so nothing happens twice.
//
// Not thread-safe: a caller that shares one holds its own lock around calls.
#ifndef LIB_IPC_SESSION_H
#define LIB_IPC_SESSION_H
#include "abi/message.h"
#include "lib/base/status.h"

struct session {
	struct handle endpoint;
	struct handle buffer_memory; // 0: a session without a buffer
	u8 *buffer; // mapped, or NULL
	u64 buffer_bytes;
	u32 attach_opcode; // 0: nothing to attach
	u32 version;
	u32 request_id; // of the last request
	u32 lane; // which of the client's sessions on this endpoint (0-15)
	u64 used; // bytes of the buffer in use by the call being built
	u64 deadline_ns; // relative: how long one call may take; 0: for ever
	u32 restarts; // how often the server was seen to restart
	bool attached;
	bool owns_buffer;
	struct handle attach_extra; // a second capability of attach (0: none)
};

// Word 0 of a request as it travels: opcode, version << 16, request id << 32 (28
// bits), lane << 60.
#define SESSION_ID_BITS 28
#define SESSION_ID_MASK ((1u << SESSION_ID_BITS) - 1)

static inline u32 session_word_id(u64 word)
{
	return (u32)(word >> 32) & SESSION_ID_MASK;
}

static inline u32 session_word_lane(u64 word)
{
	return (u32)(word >> 60);
}

// Make a session on an endpoint, with a buffer of that many bytes made from the
// own pool (0: none). Does not call anybody yet.
[[nodiscard]] enum status session_open(struct session *session,
				       struct handle endpoint, u64 buffer_bytes,
				       u32 attach_opcode, u32 version);
// A session over memory that is mapped already; the caller keeps owning it.
void session_init(struct session *session, struct handle endpoint,
		  struct handle buffer_memory, u8 *buffer, u64 buffer_bytes,
		  u32 attach_opcode, u32 version);
// Unmaps and frees the buffer that session_open made.
void session_close(struct session *session);

// Send the request and wait for the reply, through restarts of the server.
// message->word[0] holds the opcode on entry; on return the server's status has
// been taken out and returned, words 1.. are the results. Capabilities sent stay
// with the caller. A call that ends with ERR_TIMEOUT may still be carried out, and
// the server may still write into the buffer.
[[nodiscard]] enum status session_call(struct session *session,
				       struct message *message);

// Reserve room in the buffer for the call being built; packed = offset<<32|length.
// ERR_RANGE when it does not fit.
[[nodiscard]] enum status session_reserve(struct session *session, usize length,
					  u64 *packed, u8 **address);
[[nodiscard]] enum status session_put(struct session *session, const void *data,
				      usize length, u64 *packed);
#endif
