// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// mapping: one piece of memory at one place in an address space. Mappings of an
// aspace never overlap and form a tree (kernel/tree.h). struct mapping is in
// aspace.h.
//
// Locks: the aspace's lock for all; those that say so take the memory's lock.
#ifndef KERNEL_OBJECT_MAPPING_H
#define KERNEL_OBJECT_MAPPING_H
#include "kernel/object/aspace.h"
#include "kernel/object/memory.h"

// The mapping that contains address, else the next one above it; NULL.
struct mapping *mapping_find(const struct aspace *aspace, u64 address);
void mapping_insert(struct aspace *aspace, struct mapping *mapping);

// Lock the memory behind it; NULL (nothing locked) if it is dead.
struct memory *mapping_lock_memory(struct mapping *mapping);

// A record with aspace and slot initialised, the rest undefined. QUOTA, MEMORY, DEAD.
[[nodiscard]] enum status mapping_alloc(struct aspace *aspace,
					struct mapping **out);
void mapping_free(struct mapping *mapping);

// Take out of the tree, drop the reference to the memory (locks it) and free the
// record.
void mapping_remove(struct mapping *mapping);

// Cut in two at address, which lies inside; the part from address on becomes a
// mapping of its own. Locks the memory. QUOTA, MEMORY, DEAD; RESTART: the memory
// is going away at this moment.
enum status mapping_split(struct mapping *mapping, u64 address);
// Give up what lies outside of [start, end).
void mapping_trim(struct mapping *mapping, u64 start, u64 end);

// Put on the memory's list. Memory's lock held.
void mapping_attach_locked(struct mapping *mapping, struct memory *memory);
#endif
