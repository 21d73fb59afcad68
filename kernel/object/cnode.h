// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// cnode: a table of 2^n capability slots.
#ifndef KERNEL_OBJECT_CNODE_H
#define KERNEL_OBJECT_CNODE_H
#include "kernel/object/object.h"
#include "lib/base/status.h"

#define CNODE_MIN_BITS 1
#define CNODE_MAX_BITS 12

struct cnode {
	struct object object;
	struct lock fill_lock; // rank CNODE: slots are filled under it
	u32 mask; // [I] number of slots - 1
	u32 destroy_next; // progress of destruction
	struct slot *slots; // [I] a piece or whole frames of the pool
};

static inline struct cnode *object_cnode(struct object *object)
{
	return (struct cnode *)object;
}

// The slot of this index; NULL: there is none. Speculation does not overrun either.
static inline struct slot *cnode_slot(const struct cnode *cnode, u64 index)
{
	if (__builtin_expect(index > cnode->mask, 0))
		return nullptr;
	return &cnode->slots[index & cnode->mask];
}

extern struct cnode cnode_empty; // the cspace of a thread that has none

[[nodiscard]] enum status cnode_create(struct pool *pool, u32 bits,
				       struct cnode **out);
// One bounded step of destruction; true when done.
bool cnode_destroy_step(struct cnode *cnode);
// Give back the slots, after the grace period: look-ups may have read them.
void cnode_release(struct cnode *cnode);
#endif
