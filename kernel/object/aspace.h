// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// aspace: an address space: page tables, and the mappings from which they are
// filled on demand. A foreign aspace has two roots: guest (lower half of user
// space only) and full (the same plus its container's upper half).
//
// Locks: object.lock has rank ASPACE here and guards the tree of mappings;
// table_lock guards page-table entries. Order: aspace, memory, table_lock. When
// memory dies or is revoked, its mappings die under the memory's lock alone:
// entries are cleared, mapping->memory becomes NULL, and the record stays until
// it is unmapped. A dead KEEP mapping reads as zero and writes to scratch.
#ifndef KERNEL_OBJECT_ASPACE_H
#define KERNEL_OBJECT_ASPACE_H
#include "kernel/object/object.h"
#include "lib/base/status.h"

struct memory;
struct thread;
struct cap_ref;

struct mapping {
	struct aspace *aspace; // [I]
	struct memory *memory; // NULL: dead. Guarded by memory's lock
	struct slot slot; // reference to memory, child of the capability used
	u64 start, length; // bytes, page multiples; guarded by aspace lock
	u64 offset; // into the memory
	u32 flags; // MAP_*
	u32 allowed; // MAP_READ/WRITE/EXEC that the capability's rights permit
	// tree of mappings by start (treap), guarded by aspace lock
	struct mapping *left, *right;
	u64 priority;
	// memory's list, guarded by memory's lock
	struct mapping *memory_prev, *memory_next;
};

struct aspace {
	struct object object;
	u32 kind; // [I] ASPACE_*
	struct paddr root; // [I] full root
	struct paddr guest_root; // [I] foreign only
	struct slot container_slot; // foreign: its container
	struct mapping *mappings; // treap root
	u64 nmappings;
	struct lock table_lock;
	u64 table_pages; // charged page-table frames
	struct paddr scratch; // for writes to dead KEEP mappings; 0: none yet
};

enum fault_result : u8 {
	FAULT_DONE, // entry made: run on
	FAULT_BLOCKED, // the thread waits for a pager
	FAULT_FAILED, // no mapping or not allowed: deliver the fault
	FAULT_NOMEMORY, // pool or machine exhausted: deliver as FAULT_ACCESS
};

[[nodiscard]] enum status aspace_create(struct pool *pool, u32 kind,
					struct aspace *container,
					struct aspace **out);
bool aspace_destroy_step(struct aspace *aspace);

// The aspace that holds the mapping of this address: for a foreign aspace the
// upper half belongs to its container.
struct aspace *aspace_for(struct aspace *aspace, u64 address);

// Answer a page fault of thread at address. code: FAULT_CODE bits.
enum fault_result aspace_fault(struct aspace *aspace, struct thread *thread,
			       u64 address, u32 code);

[[nodiscard]] enum status aspace_map(struct aspace *aspace,
				     const struct cap_ref *memory, u64 offset,
				     u64 address, u64 length, u32 flags);

// Copy between the kernel and user memory of an aspace by walking its mappings:
// the kernel never dereferences user addresses. ADDRESS when not mapped so.
[[nodiscard]] enum status aspace_read(struct aspace *aspace, u64 address,
				      void *to, usize length);
[[nodiscard]] enum status aspace_write(struct aspace *aspace, u64 address,
				       const void *from, usize length);

// A mapping's memory goes away (its slot was cleared). Memory's lock held.
void mapping_lost_locked(struct mapping *mapping);

// Zap or write-protect what the page tables show of pages [first, first + n) of
// memory, in all its mappings; memory's lock held. Adds the CPUs concerned to
// the flush, which the caller completes with tlb_flush_finish() after dropping
// its locks and before frames are reused or rights count as lost.
struct tlb_flush;
void memory_zap_locked(struct memory *memory, u64 first, u64 npages,
		       struct tlb_flush *flush);
void memory_protect_locked(struct memory *memory, u64 first, u64 npages,
			   struct tlb_flush *flush);
#endif
