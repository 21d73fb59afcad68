// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A server's view of the memory a session shares with it, for the generated
// decoding of requests: buffer arguments are offset << 32 | length within it.
#pragma once

#include "lib/base/status.h"

struct service_session {
	u8 *buffer; // nullptr while nothing is attached
	u64 buffer_bytes;
};

// Does the packed range lie within the session's buffer? ERR_PROTOCOL: it does
// not; ERR_SESSION: there is no buffer. An empty range at 0 always does.
static inline enum status service_range(const struct service_session *session,
	u64 packed)
{
	u64 offset = packed >> 32;
	u64 length = packed & 0xffffffff;

	if (!session->buffer)
		return packed ? ERR_SESSION : STATUS_OK;
	if (offset > session->buffer_bytes ||
		length > session->buffer_bytes - offset)
		return ERR_PROTOCOL;
	return STATUS_OK;
}
