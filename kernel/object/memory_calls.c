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
#include "lib/base/bits.h"

#define SUPPLY_PAGES 32 // moved in one step

static struct memory *cap_memory(const struct cap_ref *cap)
{
	return object_memory(cap_object(cap));
}

// What is constant - kind, size, the window of a capability - is checked first,
// then the memory is locked.
static enum status lock_window(const struct cap_ref *cap, u64 *first,
			       u64 *npages)
{
	enum status status =
		memory_window(cap_memory(cap), cap->badge, first, npages);

	return status == STATUS_OK ? cap_lock(cap) : status;
}

// The pages [first, end) at an offset into the window.
static enum status range_of(const struct cap_ref *cap, u64 offset, u64 length,
			    u64 *first, u64 *end)
{
	u64 npages;
	enum status status =
		memory_window(cap_memory(cap), cap->badge, first, &npages);

	if (!length || !is_aligned(offset | length, PAGE_BYTES))
		return ERR_ARGUMENT;
	if (status != STATUS_OK)
		return status;
	if (!range_within(offset, length, npages << PAGE_BITS))
		return ERR_RANGE;
	*first += offset >> PAGE_BITS;
	*end = *first + (length >> PAGE_BITS);
	return STATUS_OK;
}

static enum status lock_range(const struct cap_ref *cap, u64 offset, u64 length,
			      u64 *first, u64 *end)
{
	enum status status = range_of(cap, offset, length, first, end);

	return status == STATUS_OK ? cap_lock(cap) : status;
}

// ---- pins

enum status memory_pin(struct pin *pin, const struct cap_ref *cap, u64 offset)
{
	struct memory *memory = cap_memory(cap);
	u32 rights = word_rights(cap->word);
	struct tlb_batch batch;
	u64 first, end;
	bool writable;
	enum status status = lock_range(cap, align_down(offset, PAGE_BYTES),
					PAGE_BYTES, &first, &end);

	if (status != STATUS_OK)
		return status;
	tlb_batch_init(&batch);
	status = memory_page_locked(memory, first, rights & RIGHT_WRITE,
				    &pin->frame, &writable, &batch);
	if (status == STATUS_OK && batch.nframes)
		status = STATUS_RESTART; // ours alone now; flush first
	if (status == STATUS_OK) {
		struct frame *frame = frame_of(pin->frame);

		pin->counted = frame && !(memory->flags & MEMORY_PHYSICAL);
		if (pin->counted)
			frame_pin(frame);
		memory->pinned++;
		slot_fill_locked(&pin->slot, &memory->object, rights,
				 cap->badge, cap->slot);
	}
	lock_drop(&memory->object.lock);
	tlb_batch_finish(&batch);
	return status == ERR_AGAIN ? ERR_ARGUMENT : status;
}

void memory_unpin(struct pin *pin)
{
	struct object *object = slot_lock_object(&pin->slot);
	bool last = false;

	if (object) {
		object_memory(object)->pinned--;
		last = slot_clear_locked(&pin->slot);
		lock_drop(&object->lock);
	}
	if (last)
		object_condemn(object);
	if (pin->counted) {
		frame_unpin(frame_of(pin->frame));
		(void)frame_unshare(pin->frame);
	}
}

// ---- clone

// After the flush all is looked up again. The number of the freeze tells that it
// has been flushed: numbers are never used twice.
enum status sysk_memory_clone(struct thread *, struct cap_ref *cap,
			      struct cap_ref *pool, struct cap_ref *cnode,
			      u32 index)
{
	static u64 flushed[CPU_MAX]; // each CPU its own
	u64 *ticket = &flushed[cpu_self()->number];
	struct memory *memory = cap_memory(cap), *clone;
	struct tlb_flush flush = {0};
	enum status status;

	if (cap->badge)
		return ERR_ARGUMENT; // a window does not show all
	status = cap_lock(cap);
	if (status != STATUS_OK)
		return status;
	status = memory_freeze_locked(memory);
	if (status == STATUS_OK && memory->freeze_cpus &&
	    *ticket != memory->freeze) {
		*ticket = memory->freeze;
		status = STATUS_RESTART;
	}
	if (status == STATUS_RESTART)
		flush.cpus = memory->freeze_cpus;
	if (status == STATUS_OK)
		status = memory_commit_locked(
			memory, (struct pool *)cap_object(pool), &clone);
	lock_drop(&memory->object.lock);
	tlb_flush_finish(&flush);
	if (status != STATUS_OK)
		return status;
	status = memory_inherit_source(clone, memory, cap);
	if (status == STATUS_OK)
		status = cap_install(cnode, index, &clone->object, RIGHTS_ALL,
				     0);
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
	enum status status = lock_window(cap, &first, &npages);

	if (status != STATUS_OK)
		return status;
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

// Give up on pages: the faults that wait for them are delivered.
static enum status supply_nothing(const struct cap_ref *cap, u64 offset,
				  u64 length)
{
	struct memory *memory = cap_memory(cap);
	u64 first, end;
	enum status status = lock_range(cap, offset, length, &first, &end);

	if (status != STATUS_OK)
		return status;
	memory_wake_locked(memory, first, end, true);
	lock_drop(&memory->object.lock);
	return STATUS_OK;
}

// Lock two memories, in the order of their addresses.
static enum status lock_both(const struct cap_ref *one,
			     const struct cap_ref *other)
{
	bool ordered = cap_memory(one) < cap_memory(other);
	const struct cap_ref *a = ordered ? one : other;
	const struct cap_ref *b = ordered ? other : one;
	enum status status = cap_lock(a);

	if (status != STATUS_OK)
		return status;
	status = cap_lock(b);
	if (status != STATUS_OK)
		lock_drop(&cap_object(a)->lock);
	return status;
}

// Pages can be written through source until they are unmapped there and flushed;
// then the call is made again. Progress is the interval of pages known to be there.
enum status sysk_memory_supply(struct thread *self, struct cap_ref *cap,
			       u64 offset, u64 length, struct handle handle,
			       u64 source_offset)
{
	struct memory *memory = cap_memory(cap), *source;
	struct cap_ref from;
	struct tlb_flush flush = {0};
	u64 first, last, index, end, shift;
	enum status status;

	if (memory->flags != MEMORY_PAGED)
		return ERR_ARGUMENT;
	if (!handle.value)
		return supply_nothing(cap, offset, length);
	status = cap_lookup(self, handle.value, OBJECT_MEMORY,
			    RIGHT_READ | RIGHT_WRITE, &from);
	if (status != STATUS_OK)
		return status;
	source = cap_memory(&from);
	if (source->flags & ~MEMORY_COMMITTED)
		return ERR_ARGUMENT;
	status = range_of(&from, source_offset, length, &shift, &end);
	if (status == STATUS_OK)
		status = range_of(cap, offset, length, &first, &last);
	if (status == STATUS_OK)
		status = lock_both(cap, &from);
	if (status != STATUS_OK)
		return status;
	shift -= first;
	index = first;
	if (index >= memory->supplied_from && index < memory->supplied_to)
		index = MIN(memory->supplied_to, last);
	else
		memory->supplied_from = index;
	end = MIN(last, index + SUPPLY_PAGES);
	if (source->pinned || source->has_source)
		status = ERR_STATE;
	else
		memory_zap_locked(source, index + shift, end - index, &flush);
	flush.cpus |= tlb_unflushed();
	if (flush.cpus)
		status = STATUS_RESTART;
	for (; index < end && status == STATUS_OK; index += status == STATUS_OK)
		status = memory_supply_locked(memory, index, source,
					      index + shift);
	memory->supplied_to = index;
	// What is there already needs no waiting for.
	memory_wake_locked(memory, first, index, false);
	lock_drop(&source->object.lock);
	lock_drop(&memory->object.lock);
	tlb_flush_finish(&flush);
	return status == STATUS_OK && index < last ? STATUS_RESTART : status;
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

	if (memory->flags != MEMORY_PAGED)
		return ERR_ARGUMENT;
	if (notification.value)
		status = cap_lookup(self, notification.value,
				    OBJECT_NOTIFICATION, RIGHT_SIGNAL, &to);
	if (status == STATUS_OK)
		status = lock_window(cap, &first, &npages);
	if (status != STATUS_OK)
		return status;
	if (notification.value) {
		status = pager_bind(memory, &to, bits);
		if (status != STATUS_OK)
			return status;
		lock_take(&memory->object.lock);
	}
	status = memory_next_wait_locked(memory, first, first + npages, &index);
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

	if (!is_aligned(offset, PAGE_BYTES) || memory->flags != MEMORY_PAGED)
		return ERR_ARGUMENT;
	status = lock_window(cap, &first, &npages);
	if (status != STATUS_OK)
		return status;
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
	lock_drop(&memory->object.lock);
	tlb_flush_finish(&flush);
	return status;
}
