// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See bulk.h. The receiver moves or clones, not the sender: so the pages end in a
// memory that nobody else has a capability to, and its pool pays.
#include "lib/ipc/bulk.h"

#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/rights.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/atomic.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/ipc/message.h"
#include "lib/sys/component.h"

struct bulk_counters bulk_counters;

static void count(enum bulk_way way, u64 bytes)
{
	u64 *counter = way == BULK_SHARE ? &bulk_counters.shared_bytes
		: way == BULK_MOVE       ? &bulk_counters.moved_bytes
					 : &bulk_counters.cloned_bytes;

	(void)atomic_add_relaxed(counter, bytes);
}

static bool fits(struct handle memory, u64 bytes)
{
	u64 size;

	return sys_memory_info(memory, &size, nullptr, nullptr, nullptr) ==
		STATUS_OK && bytes != 0 && is_aligned(bytes, PAGE_BYTES) &&
		bytes <= size;
}

static bool is_way(u64 way)
{
	return way >= BULK_SHARE && way <= BULK_CLONE;
}

// What the receiver must be allowed; the way it is shared is the sender's choice.
// What has no DERIVE cannot be sent.
static u32 rights_of(enum bulk_way way)
{
	switch (way) {
	case BULK_MOVE:
		return RIGHT_READ | RIGHT_WRITE | RIGHT_DERIVE;
	case BULK_CLONE:
		return RIGHT_READ | RIGHT_DERIVE;
	default:
		return RIGHT_READ | RIGHT_WRITE | RIGHT_EXEC | RIGHT_DERIVE;
	}
}

enum status bulk_send(struct handle endpoint, enum bulk_way way,
		      struct handle memory, void *mapped, u64 bytes,
		      u64 deadline_ns)
{
	struct message message = {.nwords = 2, .word = {way, bytes}, .ncaps = 1};
	enum status status;
	u32 slot;

	if (!is_way(way) || !fits(memory, bytes))
		return ERR_ARGUMENT;
	if (way == BULK_MOVE)
		memory_unmap(mapped, bytes);
	slot = slot_alloc();
	status = sys_cap_mint(SELF_CNODE, slot, memory, rights_of(way), 0);
	if (status == STATUS_OK) {
		message.slot[0] = (u16)slot;
		status = ipc_call(endpoint, &message, deadline_ns);
	}
	if (status == STATUS_OK)
		status = message.nwords == 0 ? ERR_PROTOCOL
					     : status_from_word(message.word[0]);
	// The receiver has its own by now; what it still has of this goes.
	if (way != BULK_SHARE)
		(void)!sys_cap_revoke(SELF_CNODE, slot);
	slot_free(slot);
	if (status != STATUS_OK)
		return status;
	count(way, bytes);
	if (way == BULK_MOVE)
		(void)!sys_cap_delete(SELF_CNODE, memory.value);
	return STATUS_OK;
}

static enum status move_pages(struct handle from, struct handle pool, u32 slot,
			      u64 bytes)
{
	enum status status = sys_object_create(pool, OBJECT_MEMORY, bytes,
					       MEMORY_PAGED, handle_of(0),
					       SELF_CNODE, slot);

	if (status == STATUS_OK)
		status = sys_memory_supply(handle_of(slot), 0, bytes, from, 0);
	if (status != STATUS_OK)
		(void)!sys_cap_delete(SELF_CNODE, slot);
	return status;
}

static enum status take_over(enum bulk_way way, struct handle from,
			     struct handle pool, u32 slot, u64 bytes)
{
	switch (way) {
	case BULK_MOVE:
		return move_pages(from, pool, slot, bytes);
	case BULK_CLONE:
		return sys_memory_clone(from, pool, SELF_CNODE, slot);
	default:
		return from.value == slot
			? STATUS_OK
			: sys_cap_move(SELF_CNODE, slot, from);
	}
}

enum status bulk_receive(struct message *message, struct handle pool, u32 slot,
			 u64 *bytes)
{
	struct handle from = handle_of(message->slot[0]);
	enum bulk_way way = BULK_SHARE;
	enum status status = ERR_PROTOCOL;
	u32 ncaps = message->ncaps;
	u32 type = OBJECT_NONE;

	if (message->nwords == 2 && ncaps == 1 && is_way(message->word[0]) &&
	    sys_cap_info(from, &type, nullptr, nullptr) == STATUS_OK &&
	    type == OBJECT_MEMORY && fits(from, message->word[1])) {
		way = (enum bulk_way)message->word[0];
		*bytes = message->word[1];
		status = take_over(way, from, pool, slot, *bytes);
	}
	if (status == STATUS_OK)
		count(way, *bytes);
	// What was taken over is another object; of what was refused nothing stays.
	if (status != STATUS_OK || way != BULK_SHARE)
		for (u32 i = 0; i < ncaps; i++)
			(void)!sys_cap_delete(SELF_CNODE, message->slot[i]);
	*message = (struct message){.nwords = 1, .word = {(u64)(i64)status}};
	return status;
}

void bulk_copy(void *to, const void *from, u64 bytes)
{
	memcpy(to, from, bytes);
	(void)atomic_add_relaxed(&bulk_counters.copied_bytes, bytes);
}
