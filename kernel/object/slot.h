// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Operations on slots and their derivation forest. All need the lock of the
// object the slot refers to (suffix _locked).
#ifndef KERNEL_OBJECT_SLOT_H
#define KERNEL_OBJECT_SLOT_H
#include "kernel/object/object.h"
#include "lib/base/status.h"

void slot_init(struct slot *slot, void *owner, enum slot_holder holder);

// Fill an empty slot with a reference to object, derived from parent (NULL: a
// root of the forest). Children of one parent are kept newest first.
void slot_fill_locked(struct slot *slot, struct object *object, u32 rights,
		      u64 badge, struct slot *parent);

// Empty a slot; its children become children of its parent. Returns true when
// that was the last reference: the object is dead, and the caller must
// object_condemn() it after dropping the lock. The saved right to reply to a
// thread (OBJECT_REPLY) does not keep the thread alive.
[[nodiscard]] bool slot_clear_locked(struct slot *slot);

// Move what is in from to the empty slot to, keeping its place in the forest.
void slot_move_locked(struct slot *to, struct slot *from);

// Empty one slot derived from slot (any slot when slot is NULL) and tell its
// holder (slot_lost). Returns false when there is none left. One step of revoke
// and of destruction. The caller calls aspace_flush_lost() after dropping its
// locks, before the rights count as lost.
bool slot_revoke_step_locked(struct object *object, struct slot *slot);

// Read slot, lock the object it refers to, check that it still does.
// Returns NULL when the slot is empty.
struct object *slot_lock_object(struct slot *slot);

// Empty an embedded slot that may be empty or change at any time; drops the
// reference and destroys the object when it was the last. No locks held.
void slot_drop(struct slot *slot);

static inline u64 slot_word(const struct slot *slot)
{
	return atomic_load(&slot->word);
}
#endif
