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
#include "lib/base/bits.h"

#define STEP_PINS 16

enum status dma_create(struct pool *pool, struct dma **out)
{
	return POOL_NEW(pool, OBJECT_DMA, out);
}

// ---- one pin

void pin_lost_locked(struct dma_pin *pin)
{
	// Quarantine. If the pool is full, it is at least out of reach.
	pin->charged = pin->pin.counted &&
		pool_charge(pin->dma->object.pool, 1) == STATUS_OK;
}

// The device has let go of the page. No locks held; the pin is not in the tree.
static void pin_release(struct dma_pin *pin)
{
	struct pool *pool = pin->dma->object.pool;

	memory_unpin(&pin->pin);
	if (pin->charged)
		pool_uncharge(pool, 1);
	pool_free(pool, pin, sizeof(*pin));
}

// Take a pin out of the tree; NULL: none (of this frame, if it is not 0).
static struct dma_pin *pin_take(struct dma *dma, struct paddr frame)
{
	struct tree_node *node = tree_find(&dma->pins, frame.value);

	if (!node || (frame.value && node->key != frame.value))
		return nullptr;
	tree_remove(&dma->pins, node);
	return CONTAINER_OF(node, struct dma_pin, node);
}

// ---- system calls

enum status sysk_dma_map(struct thread *, struct cap_ref *cap,
			 struct cap_ref *memory, u64 offset, u64 length,
			 struct dma_map_result *out)
{
	struct dma *dma = object_dma(cap_object(cap));
	struct dma_pin *pin;
	void *record;
	enum status status;

	if (object_memory(cap_object(memory))->flags & MEMORY_DEVICE ||
	    !length || length > PAGE_BYTES ||
	    (offset & (PAGE_BYTES - 1)) + length > PAGE_BYTES)
		return ERR_ARGUMENT;
	status = pool_alloc(dma->object.pool, sizeof(*pin), &record);
	if (status != STATUS_OK)
		return status;
	pin = record;
	pin->dma = dma;
	slot_init(&pin->pin.slot, pin, HOLDER_PIN);
	status = memory_pin(&pin->pin, memory, offset);
	if (status != STATUS_OK) {
		pool_free(dma->object.pool, pin, sizeof(*pin));
		return status;
	}
	out->bus_address = pin->pin.frame.value + (offset & (PAGE_BYTES - 1));
	status = cap_lock(cap);
	if (status != STATUS_OK) {
		pin_release(pin);
		return status;
	}
	pin->node.key = pin->pin.frame.value;
	tree_insert(&dma->pins, &pin->node);
	lock_drop(&dma->object.lock);
	return STATUS_OK;
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
		struct dma_pin *pin = pin_take(dma, frame);

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
		struct dma_pin *pin = pin_take(dma, (struct paddr){0});

		lock_drop(&dma->object.lock);
		if (!pin)
			return true;
		pin_release(pin);
	}
	return false;
}
