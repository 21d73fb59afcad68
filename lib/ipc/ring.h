// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A ring: bounded messages from one or several producers to one consumer, through
// shared memory, without a system call as long as neither side has to wait.
//
// The ring has `slots` slots, a power of two. A message has a position, counted
// from 0 for ever; its slot is the position modulo slots, its lap the position
// divided by slots. A slot is one word and the payload. The word is lap << 16 | tag:
//
//   RING_FREE            open for the message of this lap
//   RING_CLAIMED + n     producer n is writing it (several producers only)
//   RING_FULL + length   published
//   RING_SKIPPED         its producer died while writing: no message
//
// The producer makes it FULL, the consumer copies and makes it FREE for the next
// lap. There is no index in shared memory to be spoiled: each side counts its own
// positions, and finds them from the laps when it starts anew. Memory of zeroes is
// an empty ring.
//
// What happens when somebody dies. A message stays in its slot until the consumer
// says that it has dealt with it, so the next consumer finds it again: a death can
// repeat messages, never lose one. A producer's death loses at most what it was
// writing; its successor finds in `position` how many were published (when it is
// the only producer), and it, or ring_forget on the consumer's side, gives back
// what was claimed.
//
// Trust. Each side knows the shape from its own manifest or protocol and never from
// memory. A word that cannot be is ERR_PROTOCOL, of this call and all later ones:
// the ring stays as it is until both sides have agreed to clear it. The consumer
// trusts nobody. Producers of one ring can block each other and see each other's
// messages: those that must not have rings of their own.
//
// A `struct ring` is one side, private, and not thread-safe.
#ifndef LIB_IPC_RING_H
#define LIB_IPC_RING_H
#include "lib/base/status.h"
#include "lib/ipc/shared.h"

#define RING_MAGIC 0x474e4952 // "RING", little-endian
#define RING_PRODUCERS 15u
#define RING_SLOTS_MAX 65536u
#define RING_PAYLOAD_MAX 16376u

#define RING_TAG_BITS 16
#define RING_FREE 0u
#define RING_CLAIMED 0x0001u // to 0x000f: + producer
#define RING_SKIPPED 0x0010u
#define RING_FULL 0x1000u // + bytes

struct ring_shape {
	u32 slots; // a power of two
	u32 payload_bytes; // of one message, at most
	u32 producers; // 1: they need no atomic claim
};

// What lies in shared memory; slots follow.
struct ring_shared {
	u64 magic; // RING_MAGIC | slots << 32
	u64 sizes; // payload_bytes | producers << 32
	u64 reserved[6];
	alignas(64) u64 consumer_bell;
	alignas(64) u64 producer_bell[RING_PRODUCERS + 1];
};
static_assert(sizeof(struct ring_shared) == 256);

struct ring_slot {
	u64 word;
	u64 payload[];
};

struct ring_counters {
	u64 messages; // sent or taken
	u64 copied_bytes; // into or out of slots
	u64 signals; // system calls that woke the other side
	u64 waits; // and those in which this side waited
};

struct ring {
	struct ring_shared *header;
	u8 *slot;
	u64 position; // producer: next to try; consumer: next to give back
	u64 taken; // consumer: next to take
	u32 mask, lap_shift;
	u32 stride_bytes, payload_bytes;
	u32 producers;
	u32 producer; // which one this side is
	bool consumer;
	u64 bell; // this side's count
	u64 my_bits; // of the main notification, by which this side is woken
	struct handle peer[RING_PRODUCERS]; // whom to signal; consumer: by producer
	struct ring_counters counters;
};

// Bytes of memory that a ring takes; 0 for a shape that cannot be.
u64 ring_bytes(const struct ring_shape *shape);

// Take a side of the ring at memory, which is mapped, writable and aligned to 64:
// new memory or one left by a predecessor, which must be dead. peer is the
// notification of the other side (consumer: of the first producer, others by
// ring_peer), my_bits the bits that the other side signals. Wakes the other side, so
// that nothing that the predecessor did remains unseen. On an error the side cannot be
// used. ERR_ARGUMENT: shape or number; ERR_RANGE: bytes too few; ERR_CORRUPT: the
// memory holds something else.
[[nodiscard]] enum status ring_attach_producer(struct ring *ring, void *memory,
	u64 bytes, const struct ring_shape *shape, u32 producer,
	struct handle peer, u64 my_bits);
[[nodiscard]] enum status ring_attach_consumer(struct ring *ring, void *memory,
	u64 bytes, const struct ring_shape *shape, struct handle peer,
	u64 my_bits);
// Consumer: how to wake another producer.
void ring_peer(struct ring *ring, u32 producer, struct handle peer);
// Consumer: this producer is dead, and none comes in its place: what it was writing
// is skipped. While it lives its messages could be lost.
void ring_forget(struct ring *ring, u32 producer);
// Consumer, after ERR_PROTOCOL and with all producers stopped: an empty ring of new.
// They have to attach again.
void ring_clear(struct ring *ring);

// ---- without waiting or waking
// Producer: ERR_AGAIN full, ERR_RANGE too long, ERR_PROTOCOL.
[[nodiscard]] enum status ring_put(struct ring *ring, const void *message,
				   u32 bytes);
// Consumer: ERR_AGAIN empty, ERR_RANGE fewer bytes than least or more than room (the
// message stays; *bytes says how many), ERR_PROTOCOL.
[[nodiscard]] enum status ring_take(struct ring *ring, void *message, u32 least,
				    u32 room, u32 *bytes);
// Would the next ring_put or ring_take not say ERR_AGAIN?
bool ring_ready(struct ring *ring);
// Consumer: what has been taken so far is dealt with, its slots are free. Wakes
// producers whenever a quarter of the ring has become free.
void ring_release(struct ring *ring);
// Wake the other side if it sleeps. The producer calls it after one or several
// ring_put.
void ring_wake(struct ring *ring);
// Say that this side is going to sleep (a consumer: having released all); true: it must not, there is something to do.
// Afterwards, slept or not, ring_woken.
bool ring_arm(struct ring *ring);
void ring_woken(struct ring *ring);
#endif
