// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the generated decoding of requests stands on: a server's view of the
// memory that a session shares with it, where a buffer argument is
// offset << 32 | length, and the head of a reply.
#pragma once

#include "abi/message.h"
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

// Begin a reply of that many words and capabilities; of one word if status is an
// error, and then false.
static inline bool service_reply(struct message *m, enum status status,
				 u32 nwords, u32 ncaps)
{
	bool ok = status == STATUS_OK;

	m->word[0] = (u64)(i64)status;
	m->nwords = ok ? nwords : 1;
	m->ncaps = ok ? ncaps : 0;
	return ok;
}

// A fuzzer's input as a request: eight words, their number, the number of
// capabilities, and the session's buffer, of which a copy is made in `buffer` (of
// bytes + 1 bytes) such that both end at the same byte.
static inline struct service_session
service_fuzz_input(const u8 *data, usize bytes, struct message *m, u8 *buffer)
{
	usize head = sizeof(m->word) + 2;
	usize used = bytes < head ? bytes : head;
	usize rest = bytes - used;

	__builtin_memset(m, 0, sizeof(*m));
	if (bytes >= head) {
		__builtin_memcpy(m->word, data, sizeof(m->word));
		m->nwords = data[head - 2] % (MESSAGE_WORDS + 1);
		m->ncaps = data[head - 1] % (MESSAGE_CAPS + 1);
	}
	for (usize i = 0; i < rest; i++)
		buffer[bytes + 1 - rest + i] = data[used + i];
	return (struct service_session){
		rest ? buffer + bytes + 1 - rest : nullptr, rest};
}

// A fuzzed op uses all of a buffer, so that a sanitizer sees a wrong range.
static inline void service_touch_in(const u8 *data, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++)
		(void)((const volatile u8 *)data)[i];
}

static inline void service_touch_out(u8 *data, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++)
		((volatile u8 *)data)[i] = 0x5a;
}
