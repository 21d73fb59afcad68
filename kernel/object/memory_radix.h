// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The radix tree of a memory object, and what memory.c and its system calls
// (memory_calls.c) share. All need the memory's lock.
#ifndef KERNEL_OBJECT_MEMORY_RADIX_H
#define KERNEL_OBJECT_MEMORY_RADIX_H
#include "kernel/arch/arch.h"
#include "kernel/object/memory.h"

#define RADIX_BITS 9
#define RADIX_ENTRIES 512

// Entry: the address of a frame, and
#define RADIX_PRESENT 1ull
#define RADIX_DIRTY 2ull // page of paged memory: changed since it was clean
#define RADIX_FLAGS (PAGE_BYTES - 1ull)

static inline struct paddr radix_frame(u64 entry)
{
	return (struct paddr){entry & ~RADIX_FLAGS};
}
static inline u64 *radix_node(u64 entry)
{
	return arch_direct(radix_frame(entry));
}
static inline u32 radix_index(u64 index, u32 level)
{
	return index >> RADIX_BITS * (level - 1) & (RADIX_ENTRIES - 1);
}

// The leaf entry of a page for changing: makes nodes, copies shared ones.
enum status radix_own(struct memory *memory, u64 index, u64 **entry);
// Advance *index to the next page below end whose entry has all the flags; false
// at the end or when the budget of entries to look at is used up.
bool radix_next(const struct memory *memory, u64 *index, u64 end, u64 flags,
		u32 *budget);

// Move one page, unless it is there already; a zero page for one that was never
// touched. Both memories are locked.
enum status memory_supply_locked(struct memory *memory, u64 index,
				 struct memory *source, u64 from);

// Remove pages, as many as one step and the batch allow. RESTART, STATE, MEMORY.
enum status memory_decommit_locked(struct memory *memory, u64 first, u64 end,
				   struct tlb_batch *batch);

// Is the memory being cloned, so that no page may become writable? The faulting
// thread tries again; it gives up the freeze if nobody goes on with it.
bool memory_frozen_locked(struct memory *memory);

// Wake those who wait for pages [first, end); failed: their fault is delivered.
void memory_wake_locked(struct memory *memory, u64 first, u64 end, bool failed);
// The first page in the range that is waited for and was not returned before.
[[nodiscard]] enum status
memory_next_wait_locked(struct memory *memory, u64 first, u64 end, u64 *index);
// A new pager has come: return them all again.
void memory_ask_again_locked(struct memory *memory);
#endif
