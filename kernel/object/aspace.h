// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// aspace: an address space: page tables, and the mappings from which they are
// filled on demand. A foreign aspace has two roots: guest (user space below
// GUEST_END only) and full (the same plus its container's part above).
//
// Locks: object.lock has rank ASPACE here and guards the tree of mappings;
// table_lock guards page-table entries. Order: aspace, memory, table_lock. When
// memory dies or is revoked, its mappings die under the memory's lock alone:
// entries are cleared, mapping->memory becomes NULL, and the record stays until
// it is unmapped. A dead KEEP mapping reads as zero and writes to a spare page.
//
// Regions: a plain aspace maps anything below USER_END; a foreign one only below
// GUEST_END; a container only from there to USER_END. A container has
// the second-level tables of that region from its creation on, and the full root
// of each of its foreign aspaces points to them, so both always show the same.
// The page at address 0 is never mapped.
#ifndef KERNEL_OBJECT_ASPACE_H
#define KERNEL_OBJECT_ASPACE_H
#include "kernel/object/object.h"
#include "kernel/tree.h"
#include "lib/base/list.h"
#include "lib/base/status.h"

struct memory;
struct thread;
struct cap_ref;

struct mapping {
	struct aspace *aspace; // [I]
	struct memory *memory; // NULL: dead. Guarded by memory's lock, [a]
	struct slot slot; // reference to memory, child of the capability used
	// Bytes, page multiples. Changed under the locks of aspace and memory.
	u64 start, length;
	u64 offset; // into the memory
	u64 settled; // page tables agree with flags up to here (from start)
	u32 flags; // MAP_READ, WRITE, EXEC, KEEP
	u32 allowed; // MAP_READ/WRITE/EXEC that the capability's rights permit
	struct tree_node node; // by the last byte, guarded by aspace lock
	// memory's list, guarded by memory's lock
	struct list shown;
};

struct aspace {
	struct object object;
	u32 kind; // [I] ASPACE_*
	u64 low, high; // [I] its region; at its end what of that is left
	struct paddr root; // [I] full root
	struct paddr guest_root; // [I] foreign only
	struct slot container_slot; // foreign: its container
	struct tree mappings;
	u64 nmappings;
	struct mapping *spare; // the record last unmapped, for the next
	struct lock table_lock;
	u64 table_pages; // charged page-table frames
	// What dead KEEP mappings show for reading, for writing; 0: none yet
	struct paddr dead_frame[2];
};

static inline struct aspace *object_aspace(struct object *object)
{
	return (struct aspace *)object;
}

enum fault_result : u8 {
	FAULT_DONE, // entry made: run on
	FAULT_BLOCKED, // the thread waits for a pager
	FAULT_FAILED, // no mapping or not allowed: deliver the fault
	FAULT_NOMEMORY, // pool or machine exhausted: deliver as FAULT_ACCESS
	FAULT_REFUSED, // the pager failed the page: deliver as FAULT_PAGER
};

// container: of a foreign one; else NULL. QUOTA, MEMORY, ARGUMENT, DEAD.
enum status aspace_create(struct pool *pool, u32 kind,
			  const struct cap_ref *container, struct aspace **out);
bool aspace_destroy_step(struct aspace *aspace);

// The aspace that holds the mapping of this address: for a foreign aspace the
// part above belongs to its container. NULL when the container is gone.
struct aspace *aspace_for(struct aspace *aspace, u64 address);

// Answer a page fault of thread at address. code: FAULT_CODE bits.
// When it returns BLOCKED the thread has been queued and blocked. No locks held;
// the aspace must not be used after the call (it may wait for other CPUs).
[[nodiscard]] enum fault_result aspace_fault(struct aspace *aspace,
					     struct thread *thread, u64 address,
					     u32 code);

enum status aspace_map(struct aspace *aspace, const struct cap_ref *memory,
		       u64 offset, u64 address, u64 length, u32 flags);

// Copy between the kernel and user memory of an aspace by walking its mappings:
// the kernel never dereferences user addresses. ADDRESS when not mapped so.
enum status aspace_read(struct aspace *aspace, u64 address, void *to,
			usize length);
enum status aspace_write(struct aspace *aspace, u64 address, const void *from,
			 usize length);

// A mapping's memory goes away (its slot is being cleared). Memory's lock held.
// What must be flushed is collected for this CPU: aspace_flush_lost().
void mapping_lost_locked(struct mapping *mapping);
// A foreign aspace's container goes away. Container's lock held.
void aspace_container_lost(struct aspace *aspace);
// Complete the flushes of what was lost on this CPU. To be called on every way
// out of the kernel, and before a revocation counts as done; no locks held, no
// look-up result in use. Cheap when there is nothing.
void aspace_flush_lost(void);

struct tlb_flush;
// Show a page that has just come where tables for it are there already; the rest
// is left to faults. Memory's lock held.
void memory_show_locked(struct memory *memory, u64 index, struct paddr frame,
			bool writable);

// Zap or write-protect what the page tables show of pages [first, first + n) of
// memory, in all its mappings; memory's lock held. Adds the CPUs concerned to
// the flush, which the caller completes with tlb_flush_finish() after dropping
// its locks and before frames are reused or rights count as lost.
void memory_zap_locked(struct memory *memory, u64 first, u64 npages,
		       struct tlb_flush *flush);
void memory_protect_locked(struct memory *memory, u64 first, u64 npages,
			   struct tlb_flush *flush);
#endif
