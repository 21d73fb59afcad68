// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// memory: a range of pages. Kinds: anonymous (zero-filled on demand, or a
// copy-on-write clone of another), paged (absent pages are asked for from a user
// pager), device and physical (fixed addresses).
//
// Pages of anonymous and paged memory hang in a radix tree of frames with 512
// entries each, as high as the size needs. Nodes and data frames carry share
// counts: a clone shares the root. A node reached through a path with a share
// count above 1 is copied before it is changed; so is a data frame before it is
// written. Every memory object charges its pool for all pages it shows.
//
// Locks: object.lock guards all. Page tables that show pages of this memory are
// changed under the lock of this memory and the PAGETABLE lock of the aspace.
#ifndef KERNEL_OBJECT_MEMORY_H
#define KERNEL_OBJECT_MEMORY_H
#include "kernel/object/object.h"
#include "kernel/mm/frame.h"
#include "lib/base/status.h"

struct mapping;
struct thread;

struct memory {
	struct object object;
	u64 npages; // [I]
	u32 flags; // [I] MEMORY_*
	u32 height; // [I] levels of the radix tree; 0: root is the page itself
	u64 root; // radix entry
	struct paddr physical; // [I] device and physical kinds
	u64 present_pages; // charged
	u32 pinned; // pages pinned by guests' state or DMA: no decommit
	struct mapping *mappings; // list of mappings that show it
	// paged
	struct slot pager_slot; // notification
	u64 pager_bits;
	struct thread *waiters; // threads whose fault waits for a page
};

[[nodiscard]] enum status memory_create(struct pool *pool, u64 size_bytes,
					u32 flags, struct memory **out);
[[nodiscard]] enum status memory_create_physical(struct pool *pool,
						 struct paddr start,
						 u64 size_bytes, u32 flags,
						 struct memory **out);
// Step by step because of write-protection: RESTART means call again.
[[nodiscard]] enum status memory_clone(struct memory *memory,
				       struct pool *pool, struct memory **out);

// The frame that shows page index, for reading or writing. Allocates, unshares.
// *writable tells whether it may be mapped writable now. AGAIN: paged and absent
// (the caller blocks on memory_wait_page). QUOTA, MEMORY, RANGE. Lock held.
[[nodiscard]] enum status memory_page_locked(struct memory *memory, u64 index,
					     bool write, struct paddr *frame,
					     bool *writable, bool *replaced);

// Copy bytes between kernel memory and the object (allocates as a write would).
[[nodiscard]] enum status memory_write_bytes(struct memory *memory, u64 offset,
					     const void *from, usize length);

bool memory_destroy_step(struct memory *memory);
// The pager's notification was destroyed: nothing to tell any more.
void memory_pager_lost(struct memory *memory);
// A thread that waits for a page stops waiting (timeout, stop). True if it did.
bool memory_waiter_remove(struct memory *memory, struct thread *thread);
#endif
