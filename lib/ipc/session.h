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
};

// Make a session on an endpoint, with a buffer of that many bytes made from the
// own pool (0: none). Does not call anybody yet.
[[nodiscard]] enum status session_open(struct session *session,
				       struct handle endpoint, u64 buffer_bytes,
				       u32 attach_opcode, u32 version);
void session_close(struct session *session);

// Send the request and wait for the reply, through restarts of the server.
// message->word[0] holds the opcode on entry; on return the server's status has
// been taken out and returned, words 1.. are the results.
[[nodiscard]] enum status session_call(struct session *session,
				       struct message *message);

// Reserve room in the buffer for the call being built; packed = offset<<32|length.
// ERR_RANGE when it does not fit.
[[nodiscard]] enum status session_reserve(struct session *session, usize length,
					  u64 *packed, u8 **address);
[[nodiscard]] enum status session_put(struct session *session, const void *data,
				      usize length, u64 *packed);
#endif
