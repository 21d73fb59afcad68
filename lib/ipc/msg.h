// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Messages through rings (lib/ipc/ring.h): the three calls that a program needs,
// with waiting and waking. Deadlines are absolute, in nanoseconds of clock_ns();
// 0 waits for ever, MSG_NOW not at all. Heartbeats are answered while waiting. No
// system call is made unless this side has to wait, or the other side sleeps.
//
// A ring that the other side has spoilt answers ERR_PROTOCOL, at once and always.
#ifndef LIB_IPC_MSG_H
#define LIB_IPC_MSG_H
#include "lib/ipc/ring.h"

#define MSG_NOW 1ull

// Send one message. Blocks while the ring is full: until a quarter of it is free.
// ERR_RANGE: longer than the ring's payload; ERR_AGAIN: full, and MSG_NOW;
// ERR_TIMEOUT; ERR_PROTOCOL. On an error nothing was sent.
[[nodiscard]] enum status msg_send(struct ring *ring, const void *message,
				   u32 bytes, u64 deadline_ns);

// Receive the next message into room bytes; *bytes is its length. Receiving, or
// waiting in msg_poll, says that what was received before has been dealt with: until
// then its slots stay taken, and a successor would receive it again. ERR_RANGE: it is
// longer (*bytes says how long) and stays; ERR_AGAIN: none, and MSG_NOW;
// ERR_TIMEOUT; ERR_PROTOCOL.
[[nodiscard]] enum status msg_recv(struct ring *ring, void *message, u32 room,
				   u32 *bytes, u64 deadline_ns);

// The same for count messages of `bytes` bytes one behind the other; the other
// side is woken once. msg_send_many blocks until all are sent, msg_recv_many until
// one has come; *done is how many, also on an error. A message of another length
// ends msg_recv_many before it: ERR_RANGE when it is the first.
[[nodiscard]] enum status msg_send_many(struct ring *ring, const void *messages,
					u32 bytes, u32 count, u32 *done,
					u64 deadline_ns);
[[nodiscard]] enum status msg_recv_many(struct ring *ring, void *messages,
					u32 bytes, u32 count, u32 *done,
					u64 deadline_ns);

// One ring to look at: set ring; ready is the answer.
struct msg_poll {
	struct ring *ring; // consumer: a message is there; producer: there is room
	bool ready; // also when the ring is spoilt: the next call says so
};

// Wait until one of the rings is ready. other_bits: bits of the main notification
// that also end it; *bits (may be NULL) says which of them came. ERR_AGAIN: none,
// and MSG_NOW; ERR_TIMEOUT; ERR_ARGUMENT: nothing to wait for.
[[nodiscard]] enum status msg_poll(struct msg_poll *polls, u32 count,
				   u64 other_bits, u64 *bits, u64 deadline_ns);
#endif
