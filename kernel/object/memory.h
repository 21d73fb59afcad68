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
// written. Every memory object charges its pool for all pages and nodes it
// shows, shared or not, so breaking a share never fails for lack of quota;
// COMMITTED memory charges everything it could ever show at its creation.
//
// A clone is the memory at one moment: it is frozen (no page becomes writable)
// while its mappings are write-protected in steps, then the root is shared. A
// clone of paged memory also refers to the original: pages that were absent are
// fetched from there when touched, and shared copy-on-write.
//
// A page of paged memory is mapped writable only when it is marked dirty.
// A DMA pin holds a share of the frame; frame->pins of the shares are pins.
//
// A page can be pinned: it stays where it is for as long as the memory lives.
//
// Locks: object.lock guards all. Page tables that show pages of this memory are
// changed under the lock of this memory and the PAGETABLE lock of the aspace.
// Two memories at once (memory_supply): in the order of their addresses.
#ifndef KERNEL_OBJECT_MEMORY_H
#define KERNEL_OBJECT_MEMORY_H
#include "kernel/mm/frame.h"
#include "kernel/object/object.h"
#include "lib/base/bits.h"
#include "lib/base/list.h"
#include "lib/base/status.h"

// Pin and unpin for DMA: shares and pins change together, so that nobody takes a
// pin for a second user of the page. After the unpin the share is still to be
// dropped.
typedef u64 __attribute__((may_alias)) frame_word;
#define FRAME_PIN (1ull << 48)
static_assert(OFFSET_OF(struct frame, shares) == 0 &&
	      OFFSET_OF(struct frame, pins) == 6);
static inline void frame_pin(struct frame *frame)
{
	atomic_add((frame_word *)frame, FRAME_PIN + 1);
}
static inline void frame_unpin(struct frame *frame)
{
	atomic_sub((frame_word *)frame, FRAME_PIN);
}

struct thread;
struct tlb_batch;
struct cap_ref;

#define MEMORY_MAX_PAGES (1ull << 27) // three levels

struct memory {
	struct object object;
	u64 npages; // [I]
	u32 flags; // [I] MEMORY_*
	u32 height; // [I] levels of the radix tree; 0: root is the page itself
	u64 root; // radix entry
	struct paddr physical; // [I] device and physical kinds
	u64 present_pages, node_pages;
	u32 pinned; // pages pinned by guests' state or DMA: no decommit, no clone
	bool has_source; // [I] clone of paged memory
	bool binding; // a pager's notification is being bound
	struct list mappings; // that show it
	// being cloned
	u64 freeze; // unique number of this attempt; 0: not frozen
	u64 freeze_next; // first page not yet write-protected
	// Write-protected, but not flushed yet: to be done before the root is
	// shared, and by whoever relies on the page tables before that.
	u64 freeze_cpus;
	u32 freeze_faults; // write faults turned away since the last step
	// paged
	struct slot pager_slot; // notification
	u64 pager_bits;
	struct list waiters; // threads whose fault waits for a page
	u64 clean_from, clean_to; // pages known not to be dirty
	u64 absent_from, absent_to; // progress of decommit: pages known absent
	u64 supplied_from, supplied_to; // progress of supply: pages known present
	struct slot source_slot; // clone: the paged original
};

static inline struct memory *object_memory(struct object *object)
{
	return (struct memory *)object;
}

// Pages are charged and made on demand; flags: 0, PAGED or COMMITTED. ARGUMENT,
// RANGE, QUOTA, MEMORY.
enum status memory_create(struct pool *pool, u64 size_bytes, u64 flags,
			  struct memory **out);
// flags: DEVICE or PHYSICAL. The caller has checked where it ends.
enum status memory_create_physical(struct pool *pool, struct paddr start,
				   u64 size_bytes, u32 flags,
				   struct memory **out);

// A clone in two halves. Freeze: call until it does not return RESTART; then
// flush freeze_cpus, then, while freeze is still the same number, commit. Lock
// held for both.
enum status memory_freeze_locked(struct memory *memory);
// Afterwards, without the lock, memory_inherit_source() gives a clone of paged
// memory, or of such a clone, its reference to the original; cap: to memory.
enum status memory_commit_locked(struct memory *memory, struct pool *pool,
				 struct memory **out);
enum status memory_inherit_source(struct memory *clone, struct memory *memory,
				  const struct cap_ref *cap);

// The frame that shows page index, for reading or writing. Allocates, unshares.
// *writable tells whether it may be mapped writable now. A frame that was shown
// until now goes into the batch, to be finished without locks (NULL: the caller
// knows that no page is shared). AGAIN: absent, to come from a pager or the
// original of a clone. QUOTA, MEMORY, RANGE. Lock held.
enum status memory_page_locked(struct memory *memory, u64 index, bool write,
			       struct paddr *frame, bool *writable,
			       struct tlb_batch *batch);
// The frame of a present page; 0: absent. writable: may it be mapped so now?
// write: it is to be written to and becomes dirty, if it may.
struct paddr memory_peek_locked(struct memory *memory, u64 index, bool write,
				bool *writable);

// Page index of paged memory is absent. AGAIN: the thread (if not NULL) is blocked
// until it comes, and the pager knows. CANCELED: the pager failed it. write: it is
// to be written to. Drops the memory's lock.
enum status memory_ask(struct memory *memory, u64 index, struct thread *thread,
		       bool write);

// An absent page of a clone of paged memory: fetch it from the original and
// insert it. No memory lock held. OK: look again. AGAIN: the thread (if not
// NULL) was blocked until the original has the page. CANCELED: it is gone or its
// pager failed. QUOTA, MEMORY.
enum status memory_fetch(struct memory *clone, u64 index, struct thread *thread,
			 struct tlb_batch *batch);

// Copy bytes from the kernel into an object that nobody has cloned yet and that
// cannot go away meanwhile. Not bounded. No locks held.
enum status memory_write_bytes(struct memory *memory, u64 offset,
			       const void *from, usize length);

// The pages a capability selects: all, or the window in its badge.
[[nodiscard]] static inline enum status
memory_window(const struct memory *memory, u64 badge, u64 *first, u64 *npages)
{
	*first = badge >> 32;
	*npages = badge ? badge & 0xffffffff : memory->npages;
	return range_within(*first, *npages, memory->npages) ? STATUS_OK
							     : ERR_RANGE;
}

// A page that stays where it is, for a device or as a guest's state. Its owner has
// a share of the frame, which remains when the memory goes away.
struct pin {
	struct slot slot; // reference to the memory; guarded by its lock
	struct paddr frame; // [I]
	bool counted; // [I] frame is managed RAM: share and pin counted
};
// Make page offset of the capability's window present, and pin it; slot is
// initialised. The look-up results stay valid if it is OK. RANGE, ARGUMENT, DEAD, QUOTA, MEMORY, RESTART.
[[nodiscard]] enum status memory_pin(struct pin *pin, const struct cap_ref *cap,
				     u64 offset);
// No locks held. When the memory goes away first, the owner is told under its
// lock (slot_lost).
void memory_unpin(struct pin *pin);

bool memory_destroy_step(struct memory *memory);
#endif
