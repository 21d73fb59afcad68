// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Capabilities as system calls see them: look-up of handles in the calling
// thread's capability space, and the operations copy, mint, move, delete,
// revoke. Handles are {root index, leaf index}: bits 31-16 select an entry of
// the root cnode that must be a cnode itself (0: the root cnode), bits 15-0 an
// entry of that. Indices are masked, so speculation cannot overrun a table.
#ifndef KERNEL_OBJECT_CAP_H
#define KERNEL_OBJECT_CAP_H
#include "kernel/object/object.h"
#include "lib/base/status.h"

struct thread;

// A capability found by look-up: valid until word changes under the object's
// lock. cap_lock() takes that lock and checks.
struct cap_ref {
	struct slot *slot;
	u64 word; // as read
	u64 badge;
};

// Find the capability that handle names for the thread, check type (OBJECT_ANY:
// any but empty) and that it carries all the rights.
// Errors: HANDLE, TYPE, RIGHTS.
[[nodiscard]] enum status cap_lookup(struct thread *self, u64 handle,
				     enum object_type type, u32 rights,
				     struct cap_ref *out);

static inline struct object *cap_object(const struct cap_ref *cap)
{
	return word_object(cap->word);
}

// Lock the object; DEAD (unlocked) when the capability has changed meanwhile.
[[nodiscard]] enum status cap_lock(const struct cap_ref *cap);

// Put the first capability to a new object into slot index of the cnode.
// Errors: RANGE, OCCUPIED, DEAD. On error the object is not referenced.
[[nodiscard]] enum status cap_install(const struct cap_ref *cnode, u32 index,
				      struct object *object, u32 rights,
				      u64 badge);

// Copy the capability (derived from source) into slot index of the cnode.
[[nodiscard]] enum status cap_derive(struct cnode *cnode, u32 index,
				     const struct cap_ref *source, u32 rights,
				     u64 badge);

// Fill an embedded slot with a reference derived from cap. DEAD when it changed.
[[nodiscard]] enum status cap_refer(struct slot *slot,
				    const struct cap_ref *cap);
#endif
