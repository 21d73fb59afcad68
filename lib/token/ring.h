// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Rings (lib/ipc/msg.h) between processes that share nothing yet: the consumer makes
// the memory and two tokens, one for the memory and one to wake it by, which
// together are 80 bytes. Who brings them over, in whatever way, is attached as a
// producer, and gives a third token back, by which the consumer wakes it. The tokens
// are checked once, when the side attaches; a message costs what it did before.
//
// The shape is the protocol's: both sides know it.
#ifndef LIB_TOKEN_RING_H
#define LIB_TOKEN_RING_H
#include "lib/ipc/msg.h"
#include "lib/token/token.h"

struct token_ring_offer {
	struct token memory; // gives READ and WRITE
	struct token bell; // gives SIGNAL, on the consumer
};

struct token_ring {
	struct ring ring; // for msg_send and so on
	void *address;
	u64 bytes;
	u32 memory; // slot; 0: not open
	u32 bell[RING_PRODUCERS]; // slots: the other side's, 0 for none
	u32 own_bell; // slot: what the other side was given a token of
	struct token_ring_offer given; // tokens of this side's; zero: none
};

// The consumer's side, of memory from the own pool, and the offer for `producers` of
// the shape. my_bits of the main notification wake it. Errors of memory and tokens.
[[nodiscard]] enum status token_ring_open(struct token_ring *ring,
					  struct session *tokens,
					  const struct ring_shape *shape,
					  u64 my_bits, u64 expires_ns,
					  struct token_ring_offer *offer);
// The consumer: how to wake this producer.
[[nodiscard]] enum status token_ring_peer(struct token_ring *ring,
					  struct session *tokens, u32 producer,
					  const struct token *bell);
// A producer's side. bell is for the consumer's token_ring_peer. ERR_DENIED,
// ERR_STALE: not a token, or over; ERR_RIGHTS: it gives too little; ERR_TYPE: for
// something else; ERR_RANGE: less memory than the shape takes.
[[nodiscard]] enum status
token_ring_join(struct token_ring *ring, struct session *tokens,
		const struct ring_shape *shape, u32 producer, u64 my_bits,
		const struct token_ring_offer *offer, struct token *bell);
// Either side: revokes the tokens that it gave and gives back what it took.
void token_ring_close(struct token_ring *ring, struct session *tokens);
#endif
