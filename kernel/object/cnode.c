// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// cnode: making and destroying. Up to a page of slots is a piece of a slab page,
// more is a block of frames. Slots start as zeros; their owner and holder are
// written when they are filled.
#include "kernel/object/cnode.h"
#include "kernel/arch/arch.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"

#define PAGE_SLOT_BITS 6 // 64 slots of 64 bytes
#define DROP_BATCH 16 // capabilities dropped in a step
#define SCAN_BATCH 256 // slots looked at in a step

static struct slot empty_slots[1];
struct cnode cnode_empty = {
	.object.type = OBJECT_CNODE,
	.slots = empty_slots,
};

static u32 slot_bits(const struct cnode *cnode)
{
	return (u32)__builtin_popcount(cnode->mask);
}

static enum status slots_alloc(struct pool *pool, u32 bits, struct slot **out)
{
	struct paddr frames;
	enum status status;

	if (bits <= PAGE_SLOT_BITS)
		return pool_alloc(pool, sizeof(struct slot) << bits,
				  (void **)out);
	status = pool_frames_alloc(pool, bits - PAGE_SLOT_BITS, &frames);
	if (status == STATUS_OK)
		*out = arch_direct(frames);
	return status;
}

enum status cnode_create(struct pool *pool, u32 bits, struct cnode **out)
{
	struct cnode *cnode;
	struct slot *slots;
	enum status status;

	if (bits < CNODE_MIN_BITS || bits > CNODE_MAX_BITS)
		return ERR_ARGUMENT;
	status = POOL_NEW(pool, OBJECT_CNODE, &cnode);
	if (status != STATUS_OK)
		return status;
	status = slots_alloc(pool, bits, &slots);
	if (status != STATUS_OK) {
		pool_object_abandon(&cnode->object);
		return status;
	}
	lock_init(&cnode->fill_lock, LOCK_CNODE);
	cnode->mask = (1u << bits) - 1;
	cnode->slots = slots;
	*out = cnode;
	return STATUS_OK;
}

bool cnode_destroy_step(struct cnode *cnode)
{
	// Who fills a slot has seen that it is alive under this lock.
	lock_take(&cnode->fill_lock);
	lock_drop(&cnode->fill_lock);
	for (u32 scanned = 0, dropped = 0;
	     scanned < SCAN_BATCH && dropped < DROP_BATCH; scanned++) {
		if (cnode->destroy_next > cnode->mask)
			return true;
		struct slot *slot = &cnode->slots[cnode->destroy_next++];
		if (slot_word(slot)) {
			slot_drop(slot);
			dropped++;
		}
	}
	return cnode->destroy_next > cnode->mask;
}

void cnode_release(struct cnode *cnode)
{
	struct pool *pool = cnode->object.pool;
	u32 bits = slot_bits(cnode);

	if (!cnode->slots)
		return; // abandoned before it had any
	if (bits <= PAGE_SLOT_BITS)
		pool_free(pool, cnode->slots, sizeof(struct slot) << bits);
	else
		pool_frames_free(pool, bits - PAGE_SLOT_BITS,
				 arch_physical(cnode->slots));
}
