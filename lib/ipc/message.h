// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Messages through endpoints, as they are: no sessions, no repeats. struct
// message (abi/message.h) is both what goes out and what comes back.
//
// Going out: word[0..nwords-1], the capabilities in slot[0..ncaps-1] of the root
// cnode (the receiver gets copies); the remaining entries of slot are empty slots
// in which capabilities of the answer (or of the received message) may arrive, 0
// for none. Coming back: nwords, word, ncaps, and slot[0..ncaps-1] where the
// capabilities arrived; badge of who sent it (receive only).
// More than MESSAGE_WORDS words: those behind them lie, going out and coming back, in
// the thread's message page (sys_thread_message), word i at u64 i of the page. Who
// receives more than it has room for gets the count of those sent.
// Deadlines are absolute monotonic time, 0 for none. On an error the contents of
// the message are unspecified, but for slot, which is untouched.
#pragma once

#include "abi/message.h"
#include "gen/abi/syscall_nr.h"
#include "lib/base/status.h"
#include "lib/ipc/arch/message_arch.h"

// Errors: of the system calls of the same names in abi/syscall.idl.
[[nodiscard]] enum status ipc_call(struct handle endpoint,
	struct message *message, u64 deadline_ns);
// On a reply capability: answers the caller saved in it.
[[nodiscard]] enum status ipc_send(struct handle endpoint,
	const struct message *message, u64 deadline_ns);
// As ipc_send, ERR_AGAIN instead of waiting for a receiver.
[[nodiscard]] enum status ipc_try_send(struct handle endpoint,
	const struct message *message);
[[nodiscard]] enum status ipc_recv(struct handle endpoint,
	struct message *message, u64 deadline_ns);
// As ipc_recv, ERR_AGAIN instead of waiting for a sender.
[[nodiscard]] enum status ipc_try_recv(struct handle endpoint,
	struct message *message);
// ERR_INTERRUPTED (also of ipc_recv): the bound notification has bits; the
// answer has been delivered all the same.
[[nodiscard]] enum status ipc_reply_recv(struct handle endpoint,
	struct message *message, u64 deadline_ns);
[[nodiscard]] enum status ipc_reply(const struct message *message);

// The shortest forms, without capabilities and deadlines, for measuring and for
// servers that need every instruction. Return 0 or a negative status.
[[gnu::always_inline]] static inline i64 ipc_call_0(struct handle endpoint)
{
	u64 cap = endpoint.value;
	i64 result = arch_message_0(SYS_CALL, &cap);

	return result < 0 ? result : 0;
}

[[gnu::always_inline]] static inline i64 ipc_call_4(struct handle endpoint,
	u64 *w0, u64 *w1, u64 *w2, u64 *w3)
{
	u64 cap = endpoint.value;
	i64 result = arch_message_4(SYS_CALL | 4 << INFO_WORDS_SHIFT, &cap, w0,
		w1, w2, w3);

	return result < 0 ? result : 0;
}

[[gnu::always_inline]] static inline i64 ipc_call_8(struct handle endpoint,
	u64 word[MESSAGE_WORDS])
{
	u64 cap = endpoint.value;
	i64 result = arch_message(SYS_CALL | 8 << INFO_WORDS_SHIFT, &cap, word,
		0, 0);

	return result < 0 ? result : 0;
}

[[gnu::always_inline]] static inline i64 ipc_reply_recv_0(
	struct handle endpoint, u64 *badge)
{
	*badge = endpoint.value;
	i64 result = arch_message_0(SYS_REPLY_RECV, badge);

	return result < 0 ? result : 0;
}

[[gnu::always_inline]] static inline i64 ipc_reply_recv_4(
	struct handle endpoint, u64 *badge, u64 *w0, u64 *w1, u64 *w2, u64 *w3)
{
	*badge = endpoint.value;
	i64 result = arch_message_4(SYS_REPLY_RECV | 4 << INFO_WORDS_SHIFT,
		badge, w0, w1, w2, w3);

	return result < 0 ? result : 0;
}

[[gnu::always_inline]] static inline i64 ipc_reply_recv_8(
	struct handle endpoint, u64 *badge, u64 word[MESSAGE_WORDS])
{
	*badge = endpoint.value;
	i64 result = arch_message(SYS_REPLY_RECV | 8 << INFO_WORDS_SHIFT, badge,
		word, 0, 0);

	return result < 0 ? result : 0;
}
