// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See ring.h. A producer maps the memory with KEEP: if the consumer revokes it, the
// producer writes into pages of its own and does not fault.
#include "lib/token/ring.h"

#include "gen/abi/objects.h"
#include "gen/abi/rights.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/sys/component.h"

#define MEMORY_RIGHTS (RIGHT_READ | RIGHT_WRITE)

static enum status map(struct token_ring *ring, const struct ring_shape *shape,
		       u32 flags)
{
	return memory_map(handle_of(ring->memory), 0, ring_bytes(shape),
			  MAP_READ | MAP_WRITE | flags, &ring->address);
}

// A token of the own notification, by which the other side signals these bits.
static enum status offer_bell(struct token_ring *ring, struct session *tokens,
			      u64 my_bits, u32 flags, u64 expires_ns,
			      struct token *token)
{
	enum status status;

	ring->own_bell = slot_alloc();
	status = sys_cap_mint(SELF_CNODE, ring->own_bell,
			      handle_of(SLOT_NOTIFICATION),
			      RIGHT_SIGNAL | RIGHT_DERIVE, my_bits);
	if (status == STATUS_OK)
		status = token_export(tokens, handle_of(ring->own_bell),
				      RIGHT_SIGNAL, flags, expires_ns, token);
	if (status == STATUS_OK)
		ring->given.bell = *token;
	return status;
}

// The other side's notification. ERR_TYPE: it is none.
static enum status take_bell(struct session *tokens, const struct token *token,
			     u32 *slot)
{
	u32 type;
	enum status status;

	*slot = slot_alloc();
	status = token_import(tokens, token, RIGHT_SIGNAL, handle_of(*slot));
	if (status == STATUS_OK)
		status =
			sys_cap_info(handle_of(*slot), &type, nullptr, nullptr);
	if (status == STATUS_OK && type != OBJECT_NOTIFICATION)
		status = ERR_TYPE;
	if (status == STATUS_OK)
		return status;
	slot_free(*slot);
	*slot = 0;
	return status;
}

static enum status open(struct token_ring *ring, struct session *tokens,
			const struct ring_shape *shape, u64 my_bits,
			u64 expires_ns, struct token_ring_offer *offer)
{
	enum status status = sys_object_create(
		SELF_POOL, OBJECT_MEMORY, ring->bytes, MEMORY_ANON,
		handle_of(0), SELF_CNODE, ring->memory);

	if (status == STATUS_OK)
		status = map(ring, shape, 0);
	if (status == STATUS_OK)
		status = ring_attach_consumer(&ring->ring, ring->address,
					      ring->bytes, shape, handle_of(0),
					      my_bits);
	if (status == STATUS_OK)
		status = token_export(tokens, handle_of(ring->memory),
				      MEMORY_RIGHTS, 0, expires_ns,
				      &offer->memory);
	if (status != STATUS_OK)
		return status;
	ring->given.memory = offer->memory;
	return offer_bell(ring, tokens, my_bits, 0, expires_ns, &offer->bell);
}

enum status token_ring_open(struct token_ring *ring, struct session *tokens,
			    const struct ring_shape *shape, u64 my_bits,
			    u64 expires_ns, struct token_ring_offer *offer)
{
	u64 bytes = ring_bytes(shape);

	*ring = (struct token_ring){};
	if (bytes == 0)
		return ERR_ARGUMENT;
	ring->memory = slot_alloc();
	ring->bytes = align_up(bytes, PAGE_BYTES);
	enum status status =
		open(ring, tokens, shape, my_bits, expires_ns, offer);
	if (status != STATUS_OK)
		token_ring_close(ring, tokens);
	return status;
}

enum status token_ring_peer(struct token_ring *ring, struct session *tokens,
			    u32 producer, const struct token *bell)
{
	u32 slot;
	enum status status;

	if (producer >= ring->ring.producers)
		return ERR_ARGUMENT;
	status = take_bell(tokens, bell, &slot);
	if (status != STATUS_OK)
		return status;
	if (ring->bell[producer])
		slot_free(ring->bell[producer]);
	ring->bell[producer] = slot;
	ring_peer(&ring->ring, producer, handle_of(slot));
	return STATUS_OK;
}

static enum status join(struct token_ring *ring, struct session *tokens,
			const struct ring_shape *shape, u32 producer,
			u64 my_bits, const struct token_ring_offer *offer,
			struct token *bell)
{
	u64 bytes = 0;
	u32 type = OBJECT_NONE;
	enum status status = token_import(tokens, &offer->memory, MEMORY_RIGHTS,
					  handle_of(ring->memory));

	if (status == STATUS_OK)
		status = sys_cap_info(handle_of(ring->memory), &type, nullptr,
				      nullptr);
	if (status == STATUS_OK && type != OBJECT_MEMORY)
		status = ERR_TYPE;
	if (status == STATUS_OK)
		status = sys_memory_info(handle_of(ring->memory), &bytes,
					 nullptr, nullptr, nullptr);
	if (status == STATUS_OK && bytes < ring->bytes)
		status = ERR_RANGE;
	if (status == STATUS_OK)
		status = map(ring, shape, MAP_KEEP);
	if (status == STATUS_OK)
		status = take_bell(tokens, &offer->bell, &ring->bell[0]);
	if (status == STATUS_OK)
		status = ring_attach_producer(
			&ring->ring, ring->address, ring->bytes, shape,
			producer, handle_of(ring->bell[0]), my_bits);
	if (status == STATUS_OK)
		status = offer_bell(ring, tokens, my_bits, TOKEN_ONCE, 0, bell);
	return status;
}

enum status token_ring_join(struct token_ring *ring, struct session *tokens,
			    const struct ring_shape *shape, u32 producer,
			    u64 my_bits, const struct token_ring_offer *offer,
			    struct token *bell)
{
	u64 bytes = ring_bytes(shape);

	*ring = (struct token_ring){};
	if (bytes == 0)
		return ERR_ARGUMENT;
	ring->memory = slot_alloc();
	ring->bytes = align_up(bytes, PAGE_BYTES);
	enum status status =
		join(ring, tokens, shape, producer, my_bits, offer, bell);
	if (status != STATUS_OK)
		token_ring_close(ring, tokens);
	return status;
}

static void revoke(struct session *tokens, const struct token *token)
{
	if (token_well_formed(token->permissions))
		(void)!token_revoke(tokens, token);
}

void token_ring_close(struct token_ring *ring, struct session *tokens)
{
	revoke(tokens, &ring->given.memory);
	revoke(tokens, &ring->given.bell);
	if (ring->address)
		memory_unmap(ring->address, ring->bytes);
	if (ring->memory)
		slot_free(ring->memory);
	for (u32 i = 0; i < RING_PRODUCERS; i++)
		if (ring->bell[i])
			slot_free(ring->bell[i]);
	if (ring->own_bell)
		slot_free(ring->own_bell);
	*ring = (struct token_ring){};
}
