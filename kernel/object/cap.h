// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Capabilities as system calls see them: look-up of handles in the calling
// thread's capability space, and the operations copy, mint, move, delete,
// revoke. Handles are {root index, leaf index}: bits 31-16 select an entry of
// the root cnode that must be a cnode itself (0: the root cnode), bits 15-0 an
// entry of that. Indices are masked, so speculation cannot overrun a table.
//
// A capability to a nested cnode must carry READ for its slots to be used, WRITE
// for them to be changed.
#ifndef KERNEL_OBJECT_CAP_H
#define KERNEL_OBJECT_CAP_H
#include "kernel/object/cnode.h"
#include "kernel/object/object.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"
#include "lib/base/status.h"

// A capability found by look-up: valid until word changes under the object's
// lock. cap_lock() takes that lock and checks.
struct cap_ref {
	struct slot *slot;
	u64 word; // as read
	u64 badge;
};

// The cnode in slot index of root; NULL unless its capability has the rights.
const struct cnode *cap_nested(const struct cnode *root, u64 index, u32 rights);

// The slot that handle names, empty or not; NULL when there is none. rights: READ
// or WRITE, needed on a nested cnode.
static inline struct slot *cap_slot(const struct cnode *cnode, u64 handle,
				    u32 rights)
{
	if (__builtin_expect(handle >> 16, 0)) {
		cnode = cap_nested(cnode, handle >> 16, rights);
		if (!cnode)
			return nullptr;
	}
	return cnode_slot(cnode, handle & 0xffff);
}

// Find the capability that handle names for the thread, check type (OBJECT_ANY:
// any but empty) and that it carries all the rights.
// Errors: HANDLE, TYPE, RIGHTS.
[[nodiscard]] static inline enum status
cap_lookup(struct thread *self, u64 handle, enum object_type type, u32 rights,
	   struct cap_ref *out)
{
	struct slot *slot = cap_slot(self->cspace, handle, RIGHT_READ);

	if (!slot)
		return ERR_HANDLE;
	out->slot = slot;
	out->word = slot_word(slot);
	out->badge = slot->badge;
	if (!out->word)
		return ERR_HANDLE;
	if (type != OBJECT_ANY && word_type(out->word) != type)
		return ERR_TYPE;
	if (rights & ~word_rights(out->word) && !BUG(101))
		return ERR_RIGHTS;
	return STATUS_OK;
}

static inline struct object *cap_object(const struct cap_ref *cap)
{
	return word_object(cap->word);
}

// Is the capability still what was read? Its object's lock is held.
static inline bool cap_valid_locked(const struct cap_ref *cap)
{
	if (BUG(106))
		return true;
	return slot_word(cap->slot) == cap->word &&
		cap->slot->badge == cap->badge && !cap_object(cap)->dead;
}

// Lock the object; DEAD (unlocked) when the capability has changed meanwhile.
[[nodiscard]] enum status cap_lock(const struct cap_ref *cap);

// Put the first capability to a new object into slot index of the cnode.
// Errors: RANGE, OCCUPIED, DEAD. On error the object is not referenced.
[[nodiscard]] enum status cap_install(const struct cap_ref *cnode, u32 index,
				      struct object *object, u32 rights,
				      u64 badge);
// The same where the caller is sure of the cnode.
[[nodiscard]] enum status cnode_install(struct cnode *cnode, u32 index,
					struct object *object, u32 rights,
					u64 badge);

// Reserve the empty slot index of the cnode to be filled; its fill lock is held when
// it is OK. Errors: RANGE, OCCUPIED, DEAD.
[[nodiscard]] enum status cnode_fill_begin(struct cnode *cnode, u32 index,
					   struct slot **out);

// Copy the capability (derived from source) into slot index of the cnode.
// Errors: RANGE, OCCUPIED, DEAD.
[[nodiscard]] enum status cap_derive(struct cnode *cnode, u32 index,
				     const struct cap_ref *source, u32 rights,
				     u64 badge);

// Fill an embedded slot with a reference derived from cap. DEAD when it changed,
// OCCUPIED when the slot is not empty (any more). No locks held.
[[nodiscard]] enum status cap_refer(struct slot *slot,
				    const struct cap_ref *cap);

// Copy a capability in a message: from slot from_index of one thread's root
// cnode to slot to_index of the other's, with the same rights and badge. Both
// threads are in a rendezvous; their locks are not needed.
// Errors: HANDLE, RIGHTS (no DERIVE), RANGE, OCCUPIED, DEAD.
[[nodiscard]] enum status cap_transfer(struct thread *from, u32 from_index,
				       struct thread *to, u32 to_index);
#endif
