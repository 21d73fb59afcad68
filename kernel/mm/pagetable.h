// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The page tables of one address space: a walker for levels of 512 entries
// on the arch_pte_ functions, and the batch in which flushes are collected.
//
// pagetable_make(), _find() and _forget_container() need the aspace's table_lock;
// pagetable_restrict() takes it. Tables
// are frames charged to the aspace's pool; they are freed at its destruction.
#ifndef KERNEL_MM_PAGETABLE_H
#define KERNEL_MM_PAGETABLE_H
#include "kernel/object/aspace.h"
#include "kernel/sched/cpu.h"

// Make the root or roots (and, for a container, the second-level tables of its
// region). Undoes itself on failure. QUOTA, MEMORY.
enum status pagetable_create(struct aspace *aspace,
			     const struct aspace *container);
// Free tables, one bounded step; true when none is left.
bool pagetable_destroy_step(struct aspace *aspace);
// Take the container's tables out of a foreign aspace's root.
void pagetable_forget_container(struct aspace *aspace);

// The leaf entry of this address, making tables on the way; NULL: no memory.
u64 *pagetable_make(struct aspace *aspace, u64 address);
// The same if all its tables are there; NULL.
u64 *pagetable_find(struct aspace *aspace, u64 address);

// A walk over the leaf entries of a range.
struct pagetable_cursor {
	struct aspace *aspace;
	u64 address, end; // what is left
	u32 budget; // entries that may still be looked at
};
// Give the present entries of the range this access and no more (0: clear them;
// what was not writable does not become so) until the budget is used up, and add
// to the flush if needed.
void pagetable_restrict(struct pagetable_cursor *cursor, u32 access,
			u32 memory_flags, struct tlb_flush *flush);

// Work to be done after all locks are dropped: CPUs to flush, then frames whose
// shares are dropped.
#define TLB_BATCH_FRAMES 64
struct tlb_batch {
	struct tlb_flush flush;
	u32 nframes;
	struct paddr frame[TLB_BATCH_FRAMES];
};
static inline void tlb_batch_init(struct tlb_batch *batch)
{
	batch->flush.cpus = 0;
	batch->nframes = 0;
}
static inline void tlb_batch_add(struct tlb_batch *batch, struct paddr frame)
{
	batch->frame[batch->nframes++] = frame;
}
// No locks held; look-up results are invalid afterwards (if it had work).
void tlb_batch_work(struct tlb_batch *batch);
static inline void tlb_batch_finish(struct tlb_batch *batch)
{
	if (batch->flush.cpus || batch->nframes)
		tlb_batch_work(batch);
}
#endif
