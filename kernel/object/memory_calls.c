// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The system calls on memory objects. After a flush every look-up is made again,
// because objects may have gone away meanwhile.
#include "gen/kernel/syscall_decode.h"
#include "kernel/mm/pagetable.h"
#include "kernel/object/cap.h"
#include "kernel/object/memory_radix.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "kernel/restart.h"
#include "lib/base/bits.h"

#define SUPPLY_PAGES 32 // moved in one step

static struct memory *cap_memory(const struct cap_ref *cap)
{
	return object_memory(cap_object(cap));
}

// Lock the memory and turn offset and length, which are relative to the window
// of the capability, into pages [first, end).
static enum status lock_range(const struct cap_ref *cap, u64 offset, u64 length,
			      u64 *first, u64 *end)
{
	struct memory *memory = cap_memory(cap);
	u64 npages;
	enum status status;

	if (!length || !is_aligned(offset | length, PAGE_BYTES))
		return ERR_ARGUMENT;
	status = cap_lock(cap);
	if (status != STATUS_OK)
		return status;
	status = memory_window(memory, cap->badge, first, &npages);
	if (status == STATUS_OK &&
	    !range_within(offset, length, npages << PAGE_BITS))
		status = ERR_RANGE;
	if (status != STATUS_OK) {
		lock_drop(&memory->object.lock);
		return status;
	}
	*first += offset >> PAGE_BITS;
	*end = *first + (length >> PAGE_BITS);
	return STATUS_OK;
}

// ---- clone

static enum status clone_lookup(struct thread *self, struct cap_ref *cap,
				struct cap_ref *pool, struct cap_ref *cnode)
{
	enum status status = cap_lookup(self, arch_syscall_arg(self, 0),
					OBJECT_MEMORY, RIGHT_READ, cap);

	if (status == STATUS_OK)
		status = cap_lookup(self, arch_syscall_arg(self, 1),
				    OBJECT_POOL, RIGHT_CONTROL, pool);
	if (status == STATUS_OK)
		status = cap_lookup(self, arch_syscall_arg(self, 2),
				    OBJECT_CNODE, RIGHT_WRITE, cnode);
	return status;
}

enum status sysk_memory_clone(struct thread *self, struct cap_ref *cap,
			      struct cap_ref *pool, struct cap_ref *cnode,
			      u32 index)
{
	struct memory *memory = cap_memory(cap), *clone;
	struct tlb_flush flush;
	u64 ticket;
	enum status status;

	if (cap->badge)
		return ERR_ARGUMENT; // a window does not show all
	status = cap_lock(cap);
	if (status != STATUS_OK)
		return status;
	status = memory_freeze_locked(memory, &ticket, &flush.cpus);
	if (status == STATUS_OK && flush.cpus) {
		lock_drop(&memory->object.lock);
		tlb_flush_finish(&flush);
		status = clone_lookup(self, cap, pool, cnode);
		if (status == STATUS_OK)
			status = cap_lock(cap);
		if (status != STATUS_OK)
			return status;
		memory = cap_memory(cap);
	}
	if (status == STATUS_OK)
		status = memory_commit_locked(memory, ticket, cap->slot,
					      (struct pool *)cap_object(pool),
					      &clone);
	lock_drop(&memory->object.lock);
	if (status != STATUS_OK)
		return status;
	memory_inherit_source(clone, memory);
	status = cap_install(cnode, index, &clone->object, RIGHTS_ALL, 0);
	if (status != STATUS_OK)
		object_condemn(&clone->object);
	return status;
}

// ---- info and decommit

enum status sysk_memory_info(struct thread *, struct cap_ref *cap,
			     struct memory_info_result *out)
{
	struct memory *memory = cap_memory(cap);
	u64 first, npages;
	enum status status = cap_lock(cap);

	if (status != STATUS_OK)
		return status;
	status = memory_window(memory, cap->badge, &first, &npages);
	out->size_bytes = npages << PAGE_BITS;
	out->present_pages = memory->present_pages;
	out->flags = memory->flags;
	out->physical = 0;
	if (memory->flags & (MEMORY_DEVICE | MEMORY_PHYSICAL))
		out->physical = memory->physical.value + (first << PAGE_BITS);
	lock_drop(&memory->object.lock);
	return status;
}

enum status sysk_memory_decommit(struct thread *, struct cap_ref *cap,
				 u64 offset, u64 length)
{
	struct memory *memory = cap_memory(cap);
	struct tlb_batch batch;
	u64 first, end;
	enum status status = lock_range(cap, offset, length, &first, &end);

	if (status != STATUS_OK)
		return status;
	tlb_batch_init(&batch);
	status = memory_decommit_locked(memory, first, end, &batch);
	lock_drop(&memory->object.lock);
	tlb_batch_finish(&batch);
	return status;
}

// ---- the pager's calls

// The pages to be moved in one step: the first absent ones of the range that lie
// side by side. False if all are present.
static bool supply_run(struct memory *memory, u64 *first, u64 end, u64 *npages)
{
	u64 index = *first;

	while (index < end && memory_peek_locked(memory, index, nullptr).value)
		index++;
	*first = index;
	while (index < end && index - *first < SUPPLY_PAGES &&
	       !memory_peek_locked(memory, index, nullptr).value)
		index++;
	*npages = index - *first;
	return *npages;
}

// Take pages out of source; 0 for one that was never touched.
static enum status supply_take(const struct cap_ref *source, u64 offset,
			       u64 npages, struct paddr *frames,
			       struct tlb_flush *flush)
{
	struct memory *memory = cap_memory(source);
	u64 first, end, *entry;
	enum status status =
		lock_range(source, offset, npages << PAGE_BITS, &first, &end);

	if (status != STATUS_OK)
		return status;
	if (memory->flags & ~MEMORY_COMMITTED)
		status = ERR_ARGUMENT;
	else if (memory->pinned || memory->has_source)
		status = ERR_STATE;
	for (u64 i = 0; i < npages && status == STATUS_OK; i++) {
		if (!memory_peek_locked(memory, first + i, nullptr).value)
			continue;
		status = radix_own(memory, first + i, &entry);
		if (status == STATUS_OK)
			frames[i] = memory_remove_locked(memory, entry);
	}
	memory_zap_locked(memory, first, npages, flush);
	lock_drop(&memory->object.lock);
	return status;
}

// Put one page in, unless somebody did meanwhile.
static enum status supply_page(struct memory *memory, u64 index,
			       struct paddr *frame)
{
	enum status status = STATUS_OK;

	if (memory_peek_locked(memory, index, nullptr).value)
		return STATUS_OK;
	if (!frame->value)
		status = frame_alloc_zero(frame);
	if (status == STATUS_OK)
		status = memory_insert_locked(memory, index, *frame);
	if (status == STATUS_OK)
		frame->value = 0;
	return status;
}

static enum status supply_put(struct thread *self, u64 offset, u64 npages,
			      struct paddr *frames)
{
	struct cap_ref cap;
	u64 first, end;
	enum status status = cap_lookup(self, arch_syscall_arg(self, 0),
					OBJECT_MEMORY, RIGHT_CONTROL, &cap);

	if (status == STATUS_OK)
		status = lock_range(&cap, offset, npages << PAGE_BITS, &first,
				    &end);
	if (status != STATUS_OK)
		return status;
	struct memory *memory = cap_memory(&cap);

	if (memory->flags != MEMORY_PAGED)
		status = ERR_ARGUMENT; // another object by now
	for (u64 i = 0; i < npages && status == STATUS_OK; i++)
		status = supply_page(memory, first + i, &frames[i]);
	if (status == STATUS_OK)
		memory_wake_locked(memory, first, end, false);
	lock_drop(&memory->object.lock);
	return status;
}

static enum status supply_move(struct thread *self, u64 offset, u64 npages,
			       const struct cap_ref *source, u64 source_offset)
{
	struct paddr frames[SUPPLY_PAGES] = {};
	struct tlb_flush flush = {0};
	enum status status =
		supply_take(source, source_offset, npages, frames, &flush);

	tlb_flush_finish(&flush);
	if (status == STATUS_OK)
		status = supply_put(self, offset, npages, frames);
	for (u64 i = 0; i < npages; i++)
		if (frames[i].value)
			(void)frame_unshare(frames[i]);
	return status;
}

// If it fails half-way, the pages of the step at hand are gone from source.
enum status sysk_memory_supply(struct thread *self, struct cap_ref *cap,
			       u64 offset, u64 length, struct handle source,
			       u64 source_offset)
{
	struct memory *memory = cap_memory(cap);
	struct cap_ref from;
	u64 first, begin, end, npages = 0;
	bool more = false;
	enum status status = STATUS_OK;

	if (source.value)
		status = cap_lookup(self, source.value, OBJECT_MEMORY,
				    RIGHT_READ | RIGHT_WRITE, &from);
	if (status == STATUS_OK)
		status = lock_range(cap, offset, length, &first, &end);
	if (status != STATUS_OK)
		return status;
	begin = first;
	if (memory->flags != MEMORY_PAGED ||
	    (source.value && cap_memory(&from) == memory)) {
		status = ERR_ARGUMENT;
	} else {
		more = source.value && supply_run(memory, &first, end, &npages);
		// What is there already needs no waiting for.
		memory_wake_locked(memory, begin, more ? first : end,
				   !source.value);
		if (more) // may it be charged at all?
			status = pool_charge(memory->object.pool, npages);
		if (more && status == STATUS_OK)
			pool_uncharge(memory->object.pool, npages);
	}
	lock_drop(&memory->object.lock);
	if (status != STATUS_OK || !more)
		return status;
	more = first + npages < end;
	first = (first - begin) << PAGE_BITS;
	if (!add_fits(source_offset, first, &source_offset))
		return ERR_RANGE;
	status =
		supply_move(self, offset + first, npages, &from, source_offset);
	return status == STATUS_OK && more ? STATUS_RESTART : status;
}

// One pager at a time binds its notification: slots are filled and emptied
// without the memory's lock.
static enum status pager_bind(struct memory *memory, const struct cap_ref *to,
			      u64 bits)
{
	enum status status;

	if (memory->binding) {
		lock_drop(&memory->object.lock);
		return STATUS_RESTART;
	}
	memory->binding = true;
	memory->pager_bits = bits;
	lock_drop(&memory->object.lock);
	slot_drop(&memory->pager_slot);
	status = cap_refer(&memory->pager_slot, to);
	lock_take(&memory->object.lock);
	memory->binding = false;
	memory_ask_again_locked(memory);
	lock_drop(&memory->object.lock);
	return status;
}

enum status sysk_memory_request(struct thread *self, struct cap_ref *cap,
				struct handle notification, u64 bits,
				struct memory_request_result *out)
{
	struct memory *memory = cap_memory(cap);
	struct cap_ref to;
	u64 first, npages, index;
	enum status status = STATUS_OK;

	if (notification.value)
		status = cap_lookup(self, notification.value,
				    OBJECT_NOTIFICATION, RIGHT_SIGNAL, &to);
	if (status == STATUS_OK)
		status = cap_lock(cap);
	if (status != STATUS_OK)
		return status;
	status = memory_window(memory, cap->badge, &first, &npages);
	if (status == STATUS_OK && memory->flags != MEMORY_PAGED)
		status = ERR_ARGUMENT;
	if (status == STATUS_OK && notification.value) {
		status = pager_bind(memory, &to, bits);
		if (status != STATUS_OK)
			return status;
		lock_take(&memory->object.lock);
	}
	if (status == STATUS_OK)
		status = memory_next_wait_locked(memory, first, first + npages,
						 &index);
	lock_drop(&memory->object.lock);
	if (status == STATUS_OK)
		out->offset = (index - first) << PAGE_BITS;
	return status;
}

// Progress over long clean stretches is the interval of pages known to be clean.
enum status sysk_memory_clean(struct thread *, struct cap_ref *cap, u64 offset,
			      struct memory_clean_result *out)
{
	struct memory *memory = cap_memory(cap);
	u64 first, npages, index, *entry;
	u32 budget = 1024;
	struct tlb_flush flush = {0};
	enum status status;

	if (!is_aligned(offset, PAGE_BYTES))
		return ERR_ARGUMENT;
	status = cap_lock(cap);
	if (status != STATUS_OK)
		return status;
	status = memory_window(memory, cap->badge, &first, &npages);
	if (status == STATUS_OK && memory->flags != MEMORY_PAGED)
		status = ERR_ARGUMENT;
	if (status != STATUS_OK)
		goto out;
	u64 end = first + npages;

	index = first + MIN(offset >> PAGE_BITS, npages);
	if (index < memory->clean_from || index > memory->clean_to)
		memory->clean_from = memory->clean_to = index;
	index = MIN(memory->clean_to, end);
	status = ERR_EMPTY;
	if (radix_next(memory, &index, end, RADIX_DIRTY, &budget)) {
		status = radix_own(memory, index, &entry);
		if (status == STATUS_OK) {
			*entry &= ~RADIX_DIRTY;
			memory_protect_locked(memory, index, 1, &flush);
			out->dirty_offset = (index - first) << PAGE_BITS;
		}
	} else if (index < end) {
		status = STATUS_RESTART;
	}
	memory->clean_to = MAX(memory->clean_to, index + (status == STATUS_OK));
out:
	lock_drop(&memory->object.lock);
	tlb_flush_finish(&flush);
	return status;
}
