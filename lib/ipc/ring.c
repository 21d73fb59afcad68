// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See ring.h. Why the orders are what they are:
// - FULL is stored with release and read with acquire: the payload is there.
// - FREE is stored with release and read with acquire: the consumer's copying is
//   over before the payload is written again.
// - CLAIMED needs no order of its own: nobody reads anything because of it, and the
//   swap that makes it finds the very FREE that was read before.
// - A late look at a slot can only show less than there is: a full ring, or an
//   empty one. Who would go to sleep on that looks again behind the bell's fence.
#include "lib/ipc/ring.h"

#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/ipc/bell.h"

#define TAG_MASK ((1ull << RING_TAG_BITS) - 1)
#define SLOT_ALIGNMENT 64u
#define CLAIM_TRIES 64 // beyond two rounds: others were quicker each time

u64 ring_bytes(const struct ring_shape *shape)
{
	u64 stride = align_up(sizeof(u64) + shape->payload_bytes,
			      SLOT_ALIGNMENT);

	if (!is_power_of_two(shape->slots) || shape->slots < 2 ||
	    shape->slots > RING_SLOTS_MAX || shape->payload_bytes == 0 ||
	    shape->payload_bytes > RING_PAYLOAD_MAX || shape->producers == 0 ||
	    shape->producers > RING_PRODUCERS)
		return 0;
	return sizeof(struct ring_shared) + shape->slots * stride;
}

// ---- words and positions

static struct ring_slot *slot_of(const struct ring *ring, u64 position)
{
	return (struct ring_slot *)(ring->slot +
				    (position & ring->mask) *
					    ring->stride_bytes);
}

static u64 word_of(const struct ring *ring, u64 position, u64 tag)
{
	return position >> ring->lap_shift << RING_TAG_BITS | tag;
}

// How many laps the word is ahead of the position; below 0: behind.
static i64 laps_ahead(const struct ring *ring, u64 word, u64 position)
{
	u64 free = word_of(ring, position, RING_FREE);

	return (i64)((word & ~TAG_MASK) - free) >> RING_TAG_BITS;
}

static bool is_message(const struct ring *ring, u64 tag)
{
	return tag - RING_FULL <= ring->payload_bytes;
}

static bool is_claimed(u64 tag)
{
	return tag - RING_CLAIMED < RING_PRODUCERS;
}

static bool can_be(const struct ring *ring, u64 tag)
{
	return tag == RING_FREE || tag == RING_SKIPPED || is_claimed(tag) ||
		is_message(ring, tag);
}

// ---- waking. What is seldom done stays out of line: the rest needs few registers.

[[gnu::noinline]] static void end_sleep(struct ring *ring, u64 *bell, u64 seen,
					struct handle peer)
{
	// A peer that is gone for a moment looks when it comes back.
	(void)!sys_signal(peer);
	bell_rung(bell, seen);
	ring->counters.signals++;
}

[[gnu::noinline]] static void wake_producers(struct ring *ring)
{
	u64 seen;

	for (u32 i = 0; i < ring->producers; i++)
		if (bell_asleep(&ring->header->producer_bell[i], &seen))
			end_sleep(ring, &ring->header->producer_bell[i], seen,
				  ring->peer[i]);
}

void ring_wake(struct ring *ring)
{
	u64 *bell = &ring->header->consumer_bell, seen;

	if (!RING_BUG(4))
		shared_fence();
	if (ring->consumer)
		wake_producers(ring);
	else if (bell_asleep(bell, &seen))
		end_sleep(ring, bell, seen, ring->peer[0]);
}

static u64 *own_bell(struct ring *ring)
{
	return ring->consumer ? &ring->header->consumer_bell
			      : &ring->header->producer_bell[ring->producer];
}

bool ring_arm(struct ring *ring)
{
	if (ring->consumer)
		ring_release(ring);
	if (RING_BUG(1) && ring_ready(ring))
		return true;
	bell_arm(own_bell(ring), &ring->bell);
	return !RING_BUG(1) && ring_ready(ring);
}

void ring_woken(struct ring *ring)
{
	bell_disarm(own_bell(ring), &ring->bell);
}

// ---- producing

// Move on to the first position that is not taken, and claim it if there are
// several producers and it is wanted.
static enum status find_free(struct ring *ring, bool claim)
{
	u64 tries = 2ull * ring->mask + CLAIM_TRIES;

	for (; tries != 0; tries--) {
		u64 *shared = &slot_of(ring, ring->position)->word;
		u64 word = shared_load_acquire(shared), tag = word & TAG_MASK;
		i64 ahead = laps_ahead(ring, word, ring->position);

		if (!can_be(ring, tag))
			return ERR_PROTOCOL;
		if (RING_BUG(5) && tag == RING_FREE)
			ahead = 0; // whatever the lap
		if (ahead < 0)
			return ERR_AGAIN;
		if (ahead == 0 && tag == RING_FREE) {
			u64 claimed = word_of(ring, ring->position,
					      RING_CLAIMED + ring->producer);

			if (RING_BUG(6) && claim)
				shared_store(shared, claimed);
			else if (claim && !shared_swap(shared, word, claimed))
				continue;
			return STATUS_OK;
		}
		ring->position += ahead <= 1
			? 1
			: ((u64)(ahead - 1) << ring->lap_shift) + 1;
	}
	return ERR_AGAIN;
}

// The only producer knows where it is.
static enum status look_at_own(const struct ring *ring)
{
	u64 word = shared_load_acquire(&slot_of(ring, ring->position)->word);
	u64 tag = word & TAG_MASK;

	if (word == word_of(ring, ring->position, RING_FREE))
		return STATUS_OK;
	if (laps_ahead(ring, word, ring->position) == -1 && tag != RING_FREE &&
	    can_be(ring, tag))
		return RING_BUG(7) ? STATUS_OK : ERR_AGAIN;
	return ERR_PROTOCOL;
}

[[gnu::noinline]] static enum status find_slot(struct ring *ring)
{
	return ring->producers == 1 ? look_at_own(ring) : find_free(ring, true);
}

enum status ring_put(struct ring *ring, const void *message, u32 bytes)
{
	struct ring_slot *slot = slot_of(ring, ring->position);
	u64 free = word_of(ring, ring->position, RING_FREE);

	if (bytes > ring->payload_bytes)
		return ERR_RANGE;
	if (ring->producers != 1 || shared_load_acquire(&slot->word) != free) {
		enum status status = find_slot(ring);

		if (status != STATUS_OK)
			return status;
		slot = slot_of(ring, ring->position);
		free = word_of(ring, ring->position, RING_FREE);
	}
	if (RING_BUG(8))
		shared_store_release(&slot->word, free + RING_FULL + bytes);
	shared_put(slot->payload, message, bytes);
	shared_store_release(&slot->word, free + RING_FULL + bytes);
	ring->position++;
	ring->counters.messages++;
	ring->counters.copied_bytes += bytes;
	return STATUS_OK;
}

// ---- consuming

// What has been taken is for the next lap. Producers that wait are woken each time
// a quarter of the ring has become free: who found it full waits for a message that
// comes before the next of these moments.
void ring_release(struct ring *ring)
{
	u32 shift = ring->lap_shift > 2 ? ring->lap_shift - 2 : 0;
	u64 before = ring->position;

	if (RING_BUG(15))
		shift = ring->lap_shift + 1;
	for (; ring->position != ring->taken; ring->position++)
		shared_store_release(&slot_of(ring, ring->position)->word,
				     word_of(ring,
					     ring->position + ring->mask + 1,
					     RING_FREE));
	if (before >> shift != ring->position >> shift)
		ring_wake(ring);
}

// There is no message in the next slot: why? STATUS_OK: it has been passed over.
[[gnu::noinline]] static enum status look_closer(struct ring *ring, u64 word)
{
	u64 tag = word & TAG_MASK;

	if (ring->taken - ring->position > ring->mask)
		return ERR_AGAIN; // all slots hold what was taken
	if (laps_ahead(ring, word, ring->taken) != 0)
		return ERR_PROTOCOL;
	if (tag == RING_FREE || is_claimed(tag))
		return ERR_AGAIN;
	if (tag != RING_SKIPPED)
		return ERR_PROTOCOL;
	ring->taken++;
	return STATUS_OK;
}

enum status ring_take(struct ring *ring, void *message, u32 least, u32 room,
		      u32 *bytes)
{
	struct ring_slot *slot;
	u64 word, length;

	for (;;) {
		enum status status;

		slot = slot_of(ring, ring->taken);
		word = shared_load_acquire(&slot->word);
		length = word - word_of(ring, ring->taken, RING_FULL);
		if (length <= ring->payload_bytes)
			break;
		status = look_closer(ring, word); // OK at most `slots` times
		if (status != STATUS_OK)
			return status;
	}
	*bytes = (u32)length;
	if (length < least || length > room)
		return ERR_RANGE;
	ring->taken++;
	if (RING_BUG(9))
		ring_release(ring);
	shared_get(message, slot->payload, (u32)length);
	ring->counters.messages++;
	ring->counters.copied_bytes += length;
	return STATUS_OK;
}

bool ring_ready(struct ring *ring)
{
	u64 word, tag;

	if (!ring->consumer)
		return (ring->producers == 1 ? look_at_own(ring)
					     : find_free(ring, false)) !=
			ERR_AGAIN;
	if (ring->taken - ring->position > ring->mask)
		return false;
	word = shared_load_acquire(&slot_of(ring, ring->taken)->word);
	tag = word & TAG_MASK;
	return laps_ahead(ring, word, ring->taken) != 0 ||
		(tag != RING_FREE && !is_claimed(tag));
}

// ---- beginning

static enum status attach(struct ring *ring, void *memory, u64 bytes,
			  const struct ring_shape *shape, u64 my_bits)
{
	u64 needed = ring_bytes(shape), magic, sizes;
	struct ring_shared *shared = memory;

	if (needed == 0)
		return ERR_ARGUMENT;
	if (bytes < needed)
		return ERR_RANGE;
	*ring = (struct ring){
		.header = shared,
		.slot = (u8 *)memory + sizeof(*shared),
		.mask = shape->slots - 1,
		.lap_shift = highest_bit(shape->slots),
		.stride_bytes = (u32)align_up(
			sizeof(u64) + shape->payload_bytes, SLOT_ALIGNMENT),
		.payload_bytes = shape->payload_bytes,
		.producers = shape->producers,
		.my_bits = my_bits,
	};
	magic = RING_MAGIC | (u64)shape->slots << 32;
	sizes = shape->payload_bytes | (u64)shape->producers << 32;
	// Each side writes the same, the first to come first.
	(void)shared_swap(&shared->magic, 0, magic);
	(void)shared_swap(&shared->sizes, 0, sizes);
	if (shared_load(&shared->magic) != magic ||
	    shared_load(&shared->sizes) != sizes)
		return ERR_CORRUPT;
	return STATUS_OK;
}

// What this producer's predecessor was writing will never be finished.
static void skip_claims(struct ring *ring, u32 producer)
{
	// Its half-written payloads come before whatever is written there next.
	if (!RING_BUG(20))
		shared_fence();
	for (u32 i = 0; i <= ring->mask; i++) {
		u64 *shared = &slot_of(ring, i)->word;
		u64 word = shared_load(shared);

		if ((word & TAG_MASK) == RING_CLAIMED + producer)
			(void)shared_swap(shared, word,
					  (word & ~TAG_MASK) | RING_SKIPPED);
	}
}

enum status ring_attach_producer(struct ring *ring, void *memory, u64 bytes,
				 const struct ring_shape *shape, u32 producer,
				 struct handle peer, u64 my_bits)
{
	enum status status = attach(ring, memory, bytes, shape, my_bits);
	u64 word, lap;

	if (status == STATUS_OK && producer >= shape->producers)
		return ERR_ARGUMENT;
	if (status != STATUS_OK)
		return status;
	ring->producer = producer;
	ring->peer[0] = peer;
	if (ring->producers > 1 && !RING_BUG(10))
		skip_claims(ring, producer);
	// It goes on in the lap of the last slot, or behind it.
	word = shared_load_acquire(&slot_of(ring, ring->mask)->word);
	lap = (word >> RING_TAG_BITS) + ((word & TAG_MASK) != RING_FREE);
	ring->position = lap << ring->lap_shift;
	if (find_free(ring, false) == ERR_PROTOCOL)
		return ERR_CORRUPT;
	ring->bell = bell_open(own_bell(ring));
	ring_woken(ring);
	// The predecessor may have died between publishing and saying so.
	if (!RING_BUG(11))
		(void)!sys_signal(peer);
	return STATUS_OK;
}

// The slots before the consumer's are one lap ahead of those behind.
static enum status find_position(struct ring *ring)
{
	u64 lap = shared_load_acquire(&slot_of(ring, ring->mask)->word) >>
		  RING_TAG_BITS;
	u64 position = lap << ring->lap_shift;
	u32 ahead = 0;

	for (u32 i = 0; i <= ring->mask; i++) {
		u64 word = shared_load(&slot_of(ring, i)->word);
		i64 laps = laps_ahead(ring, word, position);

		if (!can_be(ring, word & TAG_MASK) || laps < 0 || laps > 1 ||
		    (laps == 1 && ahead != i))
			return ERR_CORRUPT;
		ahead += (u32)laps;
	}
	ring->position = ring->taken = position + ahead;
	return STATUS_OK;
}

enum status ring_attach_consumer(struct ring *ring, void *memory, u64 bytes,
				 const struct ring_shape *shape,
				 struct handle peer, u64 my_bits)
{
	enum status status = attach(ring, memory, bytes, shape, my_bits);

	ring->consumer = true;
	if (status == STATUS_OK)
		status = find_position(ring);
	if (status != STATUS_OK)
		return status;
	ring_peer(ring, 0, peer);
	ring->bell = bell_open(own_bell(ring));
	ring_woken(ring);
	return STATUS_OK;
}

void ring_peer(struct ring *ring, u32 producer, struct handle peer)
{
	if (producer >= ring->producers)
		return;
	ring->peer[producer] = peer;
	// The predecessor may have died between freeing a slot and saying so.
	(void)!sys_signal(peer);
}

void ring_forget(struct ring *ring, u32 producer)
{
	skip_claims(ring, producer);
}

void ring_clear(struct ring *ring)
{
	for (u32 i = 0; i <= ring->mask; i++)
		shared_store(&slot_of(ring, i)->word, RING_FREE);
	ring->position = ring->taken = 0;
	ring_wake(ring);
}
