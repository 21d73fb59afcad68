// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Pinning memory for devices.
#include "kernel/object/dma.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/pagetable.h"
#include "kernel/object/cap.h"
#include "kernel/object/memory.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "kernel/restart.h"
#include "lib/base/bits.h"

#define STEP_PINS 16

enum status dma_create(struct pool *pool, struct dma **out)
{
	struct object *object;
	enum status status = pool_object_alloc(pool, OBJECT_DMA,
					       sizeof(struct dma), &object);

	if (status == STATUS_OK)
		*out = object_dma(object);
	return status;
}

static struct pin **bucket_of(struct dma *dma, struct paddr frame)
{
	return &dma->bucket[frame.value >> PAGE_BITS & (DMA_BUCKETS - 1)];
}

// ---- one pin

// Fill in the pin for one page; memory's lock held. *old as in
// memory_page_locked().
static enum status pin_locked(struct pin *pin, const struct cap_ref *cap,
			      u64 offset, u64 length, struct tlb_batch *batch)
{
	struct memory *memory = object_memory(cap_object(cap));
	u64 first, npages, index;
	bool writable;
	struct paddr old;
	enum status status = memory_window(memory, cap->badge, &first, &npages);

	if (status == STATUS_OK &&
	    !range_within(offset, length, npages << PAGE_BITS))
		status = ERR_RANGE;
	if (status == STATUS_OK &&
	    (memory->flags & MEMORY_DEVICE || memory->object.dead))
		status = ERR_ARGUMENT;
	if (status != STATUS_OK)
		return status;
	index = first + (offset >> PAGE_BITS);
	status = memory_page_locked(memory, index,
				    word_rights(cap->word) & RIGHT_WRITE,
				    &pin->frame, &writable, &old);
	if (status != STATUS_OK)
		return status == ERR_AGAIN ? ERR_ARGUMENT : status;
	if (old.value) {
		memory_zap_locked(memory, index, 1, &batch->flush);
		tlb_batch_add(batch, old);
	}
	struct frame *frame = frame_of(pin->frame);

	pin->counted = frame && !(memory->flags & MEMORY_PHYSICAL);
	if (pin->counted)
		frame_pin(frame);
	memory->pinned++;
	pin->memory = memory;
	slot_fill_locked(&pin->slot, &memory->object, word_rights(cap->word),
			 cap->badge, cap->slot);
	return STATUS_OK;
}

void pin_lost_locked(struct pin *pin)
{
	struct pool *pool = pin->dma->object.pool;

	pin->memory->pinned--;
	// Quarantine. If the pool is full, it is at least out of reach.
	pin->charged = pin->counted && pool_charge(pool, 1) == STATUS_OK;
	__atomic_store_n(&pin->memory, nullptr, __ATOMIC_RELEASE);
}

// The device has let go of the page. No locks held; the pin is in no bucket.
static void pin_release(struct pin *pin)
{
	struct pool *pool = pin->dma->object.pool;
	struct memory *memory = __atomic_load_n(&pin->memory, __ATOMIC_ACQUIRE);
	bool last = false;

	if (memory) {
		lock_take(&memory->object.lock);
		if (pin->memory) {
			memory->pinned--;
			last = slot_clear_locked(&pin->slot);
		}
		lock_drop(&memory->object.lock);
	}
	if (last)
		object_condemn(&memory->object);
	if (pin->counted) {
		frame_unpin(frame_of(pin->frame));
		(void)frame_unshare(pin->frame);
	}
	if (pin->charged)
		pool_uncharge(pool, 1);
	pool_free(pool, pin, sizeof(*pin));
}

// Take a pin out of the table; NULL: none (of this frame, if it is not 0).
static struct pin *pin_take(struct dma *dma, struct paddr frame)
{
	struct pin **link = bucket_of(dma, frame);

	for (u32 i = 0; !frame.value && i < DMA_BUCKETS && !*link; i++)
		link = &dma->bucket[i];
	while (*link && frame.value && (*link)->frame.value != frame.value)
		link = &(*link)->next;
	struct pin *pin = *link;

	if (pin) {
		*link = pin->next;
		dma->npins--;
	}
	return pin;
}

// ---- system calls

enum status sysk_dma_map(struct thread *, struct cap_ref *cap,
			 struct cap_ref *memory, u64 offset, u64 length,
			 struct dma_map_result *out)
{
	struct dma *dma = object_dma(cap_object(cap));
	struct tlb_batch batch;
	struct pin *pin;
	void *record;
	enum status status;

	if (!length || length > PAGE_BYTES ||
	    (offset & (PAGE_BYTES - 1)) + length > PAGE_BYTES)
		return ERR_ARGUMENT;
	status = pool_alloc(dma->object.pool, sizeof(*pin), &record);
	if (status != STATUS_OK)
		return status;
	pin = record;
	pin->dma = dma;
	slot_init(&pin->slot, pin, HOLDER_PIN);
	tlb_batch_init(&batch);
	status = cap_lock(memory);
	if (status == STATUS_OK) {
		status = pin_locked(pin, memory, offset, length, &batch);
		lock_drop(&cap_object(memory)->lock);
	}
	if (status != STATUS_OK) {
		pool_free(dma->object.pool, pin, sizeof(*pin));
		goto out;
	}
	out->bus_address = pin->frame.value + (offset & (PAGE_BYTES - 1));
	status = cap_lock(cap);
	if (status != STATUS_OK) {
		pin_release(pin);
		goto out;
	}
	struct pin **bucket = bucket_of(dma, pin->frame);

	pin->next = *bucket;
	*bucket = pin;
	dma->npins++;
	lock_drop(&dma->object.lock);
out:
	tlb_batch_finish(&batch);
	return status;
}

enum status sysk_dma_unmap(struct thread *, struct cap_ref *cap,
			   u64 bus_address, u64 length)
{
	struct dma *dma = object_dma(cap_object(cap));
	struct paddr frame = {align_down(bus_address, PAGE_BYTES)};
	enum status status;

	if (length > PAGE_BYTES || (length && !frame.value))
		return ERR_RANGE;
	if (!length)
		frame.value = 0; // all of them
	for (u32 i = 0; i < (length ? 1 : STEP_PINS); i++) {
		status = cap_lock(cap);
		if (status != STATUS_OK)
			return status;
		struct pin *pin = pin_take(dma, frame);

		lock_drop(&dma->object.lock);
		if (!pin)
			return length ? ERR_RANGE : STATUS_OK;
		pin_release(pin);
	}
	return length ? STATUS_OK : STATUS_RESTART;
}

bool dma_destroy_step(struct dma *dma)
{
	for (u32 i = 0; i < STEP_PINS; i++) {
		lock_take(&dma->object.lock);
		struct pin *pin = pin_take(dma, (struct paddr){0});

		lock_drop(&dma->object.lock);
		if (!pin)
			return true;
		pin_release(pin);
	}
	return false;
}
