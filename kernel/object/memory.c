// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Memory objects: the radix tree, copy-on-write, clones, charging, waiting for a
// pager. System calls are in memory_calls.c, mappings in mapping.c.
//
// An entry of the tree is a frame's address with flags, 0 if there is nothing.
// While a node's share count is above 1 its contents do not change.
#include "kernel/object/memory.h"
#include "kernel/arch/arch.h"
#include "kernel/mm/pagetable.h"
#include "kernel/object/cap.h"
#include "kernel/object/memory_radix.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define PAGER_DEADLINE_NS 5000000000ull
#define WAIT_FAILED (1ull << 63) // in wait_page: the pager failed it
#define WAIT_REPORTED (1ull << 62) // the pager has been told
#define WAIT_WRITES (1ull << 61) // for writing
#define WAIT_INDEX (WAIT_WRITES - 1)
#define FREEZE_FAULTS_MAX 1024 // write faults until a freeze is given up
#define STEP_PAGES 64

// Where frame 0 would be in the frame table: looking up a frame is a sum then.
static u64 frame_table;

static bool on_demand(const struct memory *memory)
{
	return !(memory->flags & (MEMORY_DEVICE | MEMORY_PHYSICAL));
}

// ---- making

// All pages and nodes that a memory of this size can ever show.
static u64 most_pages(u64 npages)
{
	u64 sum = npages;

	while (npages > 1) {
		npages = (npages + RADIX_ENTRIES - 1) >> RADIX_BITS;
		sum += npages;
	}
	return sum;
}

// cost: pages to charge the pool from the beginning. Charged after the object is
// made: until then the pool may be destroyed.
static enum status memory_alloc(struct pool *pool, u64 npages, u32 flags,
				u64 cost, struct memory **out)
{
	struct memory *memory;
	enum status status = POOL_NEW(pool, OBJECT_MEMORY, &memory);

	if (status != STATUS_OK)
		return status;
	status = pool_charge(pool, cost);
	if (status != STATUS_OK) {
		pool_object_abandon(&memory->object);
		return status;
	}
	struct paddr own = arch_physical(memory);

	frame_table = (u64)frame_of(own) -
		(own.value >> PAGE_BITS) * sizeof(struct frame);
	memory->npages = npages;
	memory->flags = flags;
	while (npages > 1ull << RADIX_BITS * memory->height)
		memory->height++;
	list_init(&memory->mappings);
	list_init(&memory->waiters);
	slot_init(&memory->pager_slot, memory, HOLDER_PAGER_NOTIFICATION);
	slot_init(&memory->source_slot, memory, HOLDER_MEMORY_SOURCE);
	*out = memory;
	return STATUS_OK;
}

static enum status check_size(u64 size_bytes)
{
	if (!size_bytes || !is_aligned(size_bytes, PAGE_BYTES))
		return ERR_ARGUMENT;
	if (size_bytes >> PAGE_BITS > MEMORY_MAX_PAGES)
		return ERR_RANGE;
	return STATUS_OK;
}

enum status memory_create(struct pool *pool, u64 size_bytes, u64 flags,
			  struct memory **out)
{
	u64 npages = size_bytes >> PAGE_BITS;
	enum status status = check_size(size_bytes);

	if (status != STATUS_OK)
		return status;
	if (flags != MEMORY_ANON && flags != MEMORY_PAGED &&
	    flags != MEMORY_COMMITTED)
		return ERR_ARGUMENT;
	return memory_alloc(pool, npages, (u32)flags,
			    flags == MEMORY_COMMITTED ? most_pages(npages) : 0,
			    out);
}

enum status memory_create_physical(struct pool *pool, struct paddr start,
				   u64 size_bytes, u32 flags,
				   struct memory **out)
{
	enum status status = check_size(size_bytes);

	if (status != STATUS_OK)
		return status;
	if (!is_aligned(start.value, PAGE_BYTES))
		return ERR_ARGUMENT;
	status = memory_alloc(pool, size_bytes >> PAGE_BITS, flags, 0, out);
	if (status == STATUS_OK)
		(*out)->physical = start;
	return status;
}

// ---- charging: a page or node that comes or goes

static enum status charge(struct memory *memory)
{
	if (memory->flags & MEMORY_COMMITTED)
		return STATUS_OK; // paid at creation
	return pool_charge(memory->object.pool, 1);
}

static void uncharge(struct memory *memory)
{
	if (!(memory->flags & MEMORY_COMMITTED))
		pool_uncharge(memory->object.pool, 1);
}

// ---- the radix tree

static inline struct frame *entry_shares(u64 entry)
{
	return (struct frame *)(frame_table +
				(entry >> PAGE_BITS) * sizeof(struct frame));
}

static bool node_shared(u64 entry)
{
	return atomic_load(&entry_shares(entry)->shares) > 1;
}

// More users than this entry and the pins of devices?
static bool page_shared(u64 entry)
{
	u64 word = atomic_load((frame_word *)entry_shares(entry));

	return (u32)word > 1 + (word >> 48);
}

// Give up this tree's share of a node; false if there was no other: it is ours
// alone then, and its contents have to be dealt with.
static bool node_leave(u64 entry)
{
	struct frame *frame = entry_shares(entry);

	if (atomic_load(&frame->shares) == 1)
		return false;
	if (atomic_sub(&frame->shares, 1) > 1)
		return true;
	atomic_store_relaxed(&frame->shares, 1);
	return false;
}

// Replace a shared node by a copy: everything below it gets one more user.
static enum status node_unshare(u64 *entry)
{
	struct paddr frame;
	enum status status = frame_alloc(0, &frame);

	if (status != STATUS_OK)
		return status;
	u64 *copy = arch_direct(frame);

	memcpy(copy, radix_node(*entry), PAGE_BYTES);
	for (u32 i = 0; i < RADIX_ENTRIES; i++)
		if (copy[i])
			frame_share(entry_shares(copy[i]));
	if (node_leave(*entry)) {
		*entry = frame.value | RADIX_PRESENT;
		return STATUS_OK;
	}
	// The others left while it was copied.
	for (u32 i = 0; i < RADIX_ENTRIES; i++)
		if (copy[i])
			(void)frame_unshare(radix_frame(copy[i]));
	frame_free(frame, 0);
	return STATUS_OK;
}

static enum status frame_alloc_zero(struct paddr *out)
{
	enum status status = frame_alloc(0, out);

	if (status == STATUS_OK)
		memset(arch_direct(*out), 0, PAGE_BYTES);
	return status;
}

static enum status node_make(struct memory *memory, u64 *entry)
{
	struct paddr frame;
	enum status status = frame_alloc_zero(&frame);

	if (status != STATUS_OK)
		return status;
	status = charge(memory);
	if (status != STATUS_OK) {
		frame_free(frame, 0);
		return status;
	}
	*entry = frame.value | RADIX_PRESENT;
	memory->node_pages++;
	return STATUS_OK;
}

// The entry of page index for a node of level to, or for the page (0); NULL when
// there is no node for it. shared: is a node on the way?
static inline u64 *entry_at(struct memory *memory, u64 index, u32 to,
			    bool *shared)
{
	u64 *entry = &memory->root;

	*shared = false;
	for (u32 level = memory->height; level > to; level--) {
		if (!*entry)
			return nullptr;
		*shared |= node_shared(*entry);
		entry = &radix_node(*entry)[radix_index(index, level)];
	}
	return entry;
}

enum status radix_own(struct memory *memory, u64 index, u64 **out)
{
	enum status status = STATUS_OK;
	u64 *entry = &memory->root;

	for (u32 level = memory->height; level > 0; level--) {
		if (!*entry)
			status = node_make(memory, entry);
		else if (node_shared(*entry))
			status = node_unshare(entry);
		if (status != STATUS_OK)
			return status;
		entry = &radix_node(*entry)[radix_index(index, level)];
	}
	*out = entry;
	return STATUS_OK;
}

// The leaf entry of a page; *npages is how many entries of its node there are from
// it on. NULL: nothing is there, for so many pages.
static const u64 *leaf_from(const struct memory *memory, u64 index, u64 *npages)
{
	const u64 *entry = &memory->root;
	u32 level = memory->height;
	u64 span;

	for (; level > 0 && *entry; level--)
		entry = &radix_node(*entry)[radix_index(index, level)];
	span = 1ull << RADIX_BITS * (level ? level : MIN(memory->height, 1u));
	*npages = span - (index & (span - 1));
	return level ? nullptr : entry;
}

bool radix_next(const struct memory *memory, u64 *index, u64 end, u64 flags,
		u32 *budget)
{
	while (*index < end && *budget) {
		u64 npages;
		const u64 *entry = leaf_from(memory, *index, &npages);
		u64 stop = MIN(end, *index + npages);

		--*budget;
		if (!entry)
			*index = stop;
		for (; *index < stop && *budget; ++*index, ++entry, --*budget)
			if ((*entry & flags) == flags)
				return true;
	}
	return false;
}

// ---- pages

// Put a frame at an absent page. entry: the page's, ours alone; NULL: to be found.
// On error the frame stays the caller's.
static enum status page_insert(struct memory *memory, u64 index, u64 *entry,
			       struct paddr frame)
{
	enum status status = STATUS_OK;

	if (!entry)
		status = radix_own(memory, index, &entry);
	if (status == STATUS_OK)
		status = charge(memory);
	if (status != STATUS_OK)
		return status;
	*entry = frame.value | RADIX_PRESENT;
	memory->present_pages++;
	if (index >= memory->absent_from && index < memory->absent_to)
		memory->absent_to = index;
	return STATUS_OK;
}

// Empty an entry from radix_own(); the share of the frame is the caller's now.
static struct paddr page_remove(struct memory *memory, u64 *entry)
{
	struct paddr frame = radix_frame(*entry);

	*entry = 0;
	memory->present_pages--;
	uncharge(memory);
	return frame;
}

static void mark_dirty(struct memory *memory, u64 *entry, u64 index)
{
	if (!(memory->flags & MEMORY_PAGED) || *entry & RADIX_DIRTY)
		return;
	*entry |= RADIX_DIRTY;
	if (index >= memory->clean_from && index < memory->clean_to)
		memory->clean_to = index;
}

// May a page that is not shared be mapped writable?
static bool may_write(const struct memory *memory, u64 entry)
{
	return !memory->freeze &&
		(!(memory->flags & MEMORY_PAGED) || entry & RADIX_DIRTY);
}

static inline enum status page_zero(struct memory *memory, u64 index,
				    u64 *entry, struct paddr *frame)
{
	enum status status = frame_alloc_zero(frame);

	if (status != STATUS_OK)
		return status;
	status = page_insert(memory, index, entry, *frame);
	if (status != STATUS_OK)
		frame_free(*frame, 0);
	return status;
}

// Make a present page ours alone.
static enum status page_unshare(struct memory *memory, u64 index, u64 **entry,
				struct paddr *replaced)
{
	enum status status = radix_own(memory, index, entry);
	struct paddr copy;

	if (status != STATUS_OK || !page_shared(**entry))
		return status;
	status = frame_alloc(0, &copy);
	if (status != STATUS_OK)
		return status;
	*replaced = radix_frame(**entry);
	memcpy(arch_direct(copy), arch_direct(*replaced), PAGE_BYTES);
	**entry = copy.value | (**entry & RADIX_FLAGS);
	return STATUS_OK;
}

enum status memory_page_locked(struct memory *memory, u64 index, bool write,
			       struct paddr *frame, bool *writable,
			       struct tlb_batch *batch)
{
	struct paddr old = {0};
	enum status status;
	bool shared;

	if (index >= memory->npages)
		return ERR_RANGE;
	if (!on_demand(memory)) {
		*writable = true;
		frame->value = memory->physical.value + (index << PAGE_BITS);
		return STATUS_OK;
	}
	u64 *entry = entry_at(memory, index, 0, &shared);

	if (!entry || !*entry) {
		if (memory->flags & MEMORY_PAGED || memory->has_source)
			return ERR_AGAIN;
		*writable = !memory->freeze;
		if (shared)
			entry = nullptr;
		return page_zero(memory, index, entry, frame);
	}
	shared |= page_shared(*entry);
	if (write && shared) {
		status = page_unshare(memory, index, &entry, &old);
		if (status != STATUS_OK)
			return status;
		shared = false;
	}
	if (old.value) {
		memory_zap_locked(memory, index, 1, &batch->flush);
		tlb_batch_add(batch, old);
	}
	if (write)
		mark_dirty(memory, entry, index);
	*frame = radix_frame(*entry);
	*writable = !shared && may_write(memory, *entry);
	return STATUS_OK;
}

struct paddr memory_peek_locked(struct memory *memory, u64 index, bool write,
				bool *writable)
{
	struct paddr none = {0};
	bool shared;

	*writable = true;
	if (index >= memory->npages)
		return none;
	if (!on_demand(memory))
		return (struct paddr){memory->physical.value +
				      (index << PAGE_BITS)};
	u64 *entry = entry_at(memory, index, 0, &shared);

	if (!entry || !*entry)
		return none;
	shared |= page_shared(*entry);
	if (write && !shared && !memory->freeze)
		mark_dirty(memory, entry, index);
	*writable = !shared && may_write(memory, *entry);
	return radix_frame(*entry);
}

enum status memory_write_bytes(struct memory *memory, u64 offset,
			       const void *from, usize length)
{
	struct paddr frame;
	bool writable;

	if (!range_within(offset, length, memory->npages << PAGE_BITS))
		return ERR_RANGE;
	for (usize n; length; length -= n) {
		usize within = offset & (PAGE_BYTES - 1);

		n = MIN(length, PAGE_BYTES - within);
		lock_take(&memory->object.lock);
		enum status status =
			memory_page_locked(memory, offset >> PAGE_BITS, true,
					   &frame, &writable, nullptr);
		if (status == STATUS_OK)
			memcpy((u8 *)arch_direct(frame) + within, from, n);
		lock_drop(&memory->object.lock);
		if (status != STATUS_OK)
			return status;
		from = (const u8 *)from + n;
		offset += n;
	}
	return STATUS_OK;
}

// Free the lowest node over page index if nothing is left in it.
static void node_prune(struct memory *memory, u64 index)
{
	bool shared;
	u64 *entry = entry_at(memory, index, 1, &shared);

	if (!memory->height || !entry || !*entry || shared ||
	    node_shared(*entry))
		return;
	for (u32 i = 0; i < RADIX_ENTRIES; i++)
		if (radix_node(*entry)[i])
			return;
	(void)frame_unshare(radix_frame(*entry));
	*entry = 0;
	memory->node_pages--;
	uncharge(memory);
}

// Progress is the interval of pages known to be absent, which ends where a page
// is inserted again.
enum status memory_decommit_locked(struct memory *memory, u64 first, u64 end,
				   struct tlb_batch *batch)
{
	enum status status = STATUS_OK;
	u64 index = first, low = end, high = 0, *entry;
	u32 budget = 2 * RADIX_ENTRIES;

	if (memory->pinned || !on_demand(memory))
		return ERR_STATE;
	if (first >= memory->absent_from && first < memory->absent_to)
		index = MIN(memory->absent_to, end);
	else
		memory->absent_from = first;
	memory->supplied_to = 0;
	while (batch->nframes < STEP_PAGES &&
	       radix_next(memory, &index, end, RADIX_PRESENT, &budget)) {
		if (high && (index ^ (high - 1)) >> RADIX_BITS)
			node_prune(memory, high - 1);
		status = radix_own(memory, index, &entry);
		if (status != STATUS_OK)
			break;
		tlb_batch_add(batch, page_remove(memory, entry));
		low = MIN(low, index);
		high = ++index;
	}
	if (high && (index >= end || (index ^ (high - 1)) >> RADIX_BITS))
		node_prune(memory, high - 1);
	memory->absent_to = index;
	if (low < high)
		memory_zap_locked(memory, low, high - low, &batch->flush);
	if (status != STATUS_OK)
		return status;
	return index >= end ? STATUS_OK : STATUS_RESTART;
}

// ---- supply

enum status memory_supply_locked(struct memory *memory, u64 index,
				 struct memory *source, u64 from)
{
	bool shared;
	struct paddr frame;
	u64 *entry, *taken = entry_at(source, from, 0, &shared);
	enum status status = radix_own(memory, index, &entry);

	if (status != STATUS_OK || *entry)
		return status;
	if (!taken || !*taken)
		return page_zero(memory, index, entry, &frame);
	if (shared)
		status = radix_own(source, from, &taken);
	if (status == STATUS_OK)
		status = page_insert(memory, index, entry, radix_frame(*taken));
	if (status == STATUS_OK)
		(void)page_remove(source, taken);
	return status;
}

// ---- clones

enum status memory_freeze_locked(struct memory *memory)
{
	static u64 tickets;
	struct tlb_flush flush = {memory->freeze_cpus};
	u32 budget = 2 * RADIX_ENTRIES;

	if (!on_demand(memory))
		return ERR_ARGUMENT;
	if (memory->pinned) {
		memory->freeze = 0;
		return ERR_STATE;
	}
	if (!memory->freeze) {
		memory->freeze = atomic_add_relaxed(&tickets, 1) + 1;
		memory->freeze_next = 0;
	}
	memory->freeze_faults = 0;
	if (list_empty(&memory->mappings))
		memory->freeze_next = memory->npages;
	while (radix_next(memory, &memory->freeze_next, memory->npages,
			  RADIX_PRESENT, &budget)) {
		u64 first = memory->freeze_next;
		u64 end =
			MIN((first | (RADIX_ENTRIES - 1)) + 1, memory->npages);

		memory_protect_locked(memory, first, end - first, &flush);
		memory->freeze_next = end;
		budget -= MIN(budget, RADIX_ENTRIES / 2);
	}
	memory->freeze_cpus = flush.cpus;
	return memory->freeze_next >= memory->npages ? STATUS_OK
						     : STATUS_RESTART;
}

enum status memory_commit_locked(struct memory *memory, struct pool *pool,
				 struct memory **out)
{
	u64 cost = memory->present_pages + memory->node_pages;
	struct memory *clone;
	enum status status;

	memory->freeze = memory->freeze_cpus = 0; // flushed by the caller
	status = memory_alloc(pool, memory->npages, MEMORY_ANON, cost, &clone);
	if (status != STATUS_OK)
		return status;
	clone->present_pages = memory->present_pages;
	clone->node_pages = memory->node_pages;
	clone->root = memory->root;
	if (clone->root)
		frame_share(entry_shares(clone->root));
	clone->has_source = memory->has_source || memory->flags & MEMORY_PAGED;
	*out = clone;
	return STATUS_OK;
}

enum status memory_inherit_source(struct memory *clone, struct memory *memory,
				  const struct cap_ref *cap)
{
	struct cap_ref from = *cap;

	if (!(memory->flags & MEMORY_PAGED)) {
		from.slot = &memory->source_slot;
		from.word = slot_word(from.slot);
	}
	return from.word ? cap_refer(&clone->source_slot, &from) : STATUS_OK;
}

bool memory_frozen_locked(struct memory *memory)
{
	// Whoever wanted the clone may be gone, or may be waiting for us.
	if (memory->freeze && ++memory->freeze_faults > FREEZE_FAULTS_MAX)
		memory->freeze = 0;
	return memory->freeze;
}

enum status memory_fetch(struct memory *clone, u64 index, struct thread *thread,
			 struct tlb_batch *batch)
{
	struct object *object = slot_lock_object(&clone->source_slot);
	struct paddr frame;
	enum status status;
	bool writable;

	if (!object)
		return ERR_CANCELED;
	struct memory *source = object_memory(object);

	status = memory_page_locked(source, index, false, &frame, &writable,
				    batch);
	if (status == ERR_AGAIN)
		return memory_ask(source, index, thread, false);
	if (status == STATUS_OK) {
		frame_share(frame_of(frame));
		memory_protect_locked(source, index, 1, &batch->flush);
	}
	lock_drop(&object->lock);
	if (status != STATUS_OK)
		return status;
	lock_take(&clone->object.lock);
	bool unused = clone->object.dead ||
		memory_peek_locked(clone, index, false, &writable).value;

	if (!unused) {
		status = page_insert(clone, index, nullptr, frame);
		unused = status != STATUS_OK;
	}
	lock_drop(&clone->object.lock);
	if (unused)
		tlb_batch_add(batch, frame);
	return status;
}

// ---- waiting for a pager

static struct thread *waiter(struct list *node)
{
	return LIST_ENTRY(node, struct thread, queue);
}

// Queue and block the thread until the page comes. Memory's lock held.
static void wait_locked(struct memory *memory, struct thread *thread, u64 page)
{
	u64 told = 0;

	LIST_FOR_EACH(node, &memory->waiters)
		if (!((waiter(node)->wait_page ^ page) & WAIT_INDEX))
			told |= waiter(node)->wait_page & WAIT_REPORTED;
	list_add_last(&memory->waiters, &thread->queue);
	thread->wait_page = page | told;
	thread->wait_on = &memory->object;
	thread_block(thread, THREAD_PAGING, arch_now_ns() + PAGER_DEADLINE_NS);
}

enum status memory_ask(struct memory *memory, u64 index, struct thread *thread,
		       bool write)
{
	bool failed = thread && thread->wait_page == (index | WAIT_FAILED);

	if (failed)
		thread->wait_page = 0;
	else if (thread)
		wait_locked(memory, thread, index | (write ? WAIT_WRITES : 0));
	lock_drop(&memory->object.lock);
	if (thread && !failed)
		notification_signal_slot(&memory->pager_slot,
					 memory->pager_bits);
	return failed ? ERR_CANCELED : ERR_AGAIN;
}

void memory_wake_locked(struct memory *memory, u64 first, u64 end, bool failed)
{
	LIST_FOR_EACH_SAFE(node, &memory->waiters) {
		struct thread *thread = waiter(node);
		u64 page = thread->wait_page & WAIT_INDEX;
		bool write = thread->wait_page & WAIT_WRITES, writable;

		if (page < first || page >= end)
			continue;
		struct paddr frame =
			memory_peek_locked(memory, page, write, &writable);

		// What takes more is left to the fault, which comes again.
		if (frame.value && (writable || !write))
			memory_show_locked(memory, page, frame, writable);
		leave_queue_locked(thread);
		thread->wait_page = failed ? page | WAIT_FAILED : 0;
		thread_wake(thread);
	}
}

enum status memory_next_wait_locked(struct memory *memory, u64 first, u64 end,
				    u64 *index)
{
	bool found = false;

	LIST_FOR_EACH(node, &memory->waiters) {
		u64 page = waiter(node)->wait_page & ~WAIT_WRITES;

		// One that was reported is out of range by its bit.
		if (!found && page >= first && page < end) {
			*index = page;
			found = true;
		}
		if (found && page == *index)
			waiter(node)->wait_page |= WAIT_REPORTED;
	}
	return found ? STATUS_OK : ERR_AGAIN;
}

void memory_ask_again_locked(struct memory *memory)
{
	LIST_FOR_EACH(node, &memory->waiters)
		waiter(node)->wait_page &= ~WAIT_REPORTED;
}

// ---- the end

// Free an entry and what is below it, as far as the budget goes; true when nothing
// is left. Calls itself for each level. Nobody else can reach the tree any more.
static bool subtree_free(u64 *entry, u32 level, u32 *budget)
{
	u64 *node = radix_node(*entry);

	if (!*budget)
		return false;
	--*budget;
	if (!level || !node_leave(*entry)) {
		for (u32 i = 0; level && i < RADIX_ENTRIES; i++)
			if (node[i] &&
			    !subtree_free(&node[i], level - 1, budget))
				return false;
		(void)frame_unshare(radix_frame(*entry));
		if (level)
			*budget = 0; // looking through one is enough
	}
	*entry = 0;
	return true;
}

bool memory_destroy_step(struct memory *memory)
{
	u32 budget = STEP_PAGES;
	struct tlb_flush flush;

	lock_take(&memory->object.lock);
	bool busy = memory->binding;

	memory_wake_locked(memory, 0, memory->npages, false);
	lock_drop(&memory->object.lock);
	flush.cpus = tlb_unflushed();
	if (busy)
		return false;
	tlb_flush_finish(&flush);
	if (memory->root &&
	    !subtree_free(&memory->root, memory->height, &budget))
		return false;
	slot_drop(&memory->pager_slot);
	slot_drop(&memory->source_slot);
	pool_uncharge(memory->object.pool,
		      memory->flags & MEMORY_COMMITTED
			      ? most_pages(memory->npages)
			      : memory->present_pages + memory->node_pages);
	return true;
}
