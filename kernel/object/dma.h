// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// dma: which memory a device may reach. Without an I/O memory management unit
// bus addresses are physical addresses and a pin is a promise only: the page
// stays where it is until it is unpinned.
//
// A pin holds a share of its frame, so the frame cannot return to the allocator
// while a device may still write to it, whatever happens to the memory object or
// the pool it came from. When the memory goes away first, the pin is quarantined:
// the frame is charged to the pool of the dma object until it is unmapped, or
// until everything is unmapped at once after the device was reset. Destroying the
// dma object releases all pins: its owner has reset the device before. Of several
// pins of one frame any is unmapped: they cannot be told apart by its address.
//
// Locks: object.lock guards the tree of pins; slot and charged of a pin are
// guarded by the lock of its memory. Never both locks at once.
#ifndef KERNEL_OBJECT_DMA_H
#define KERNEL_OBJECT_DMA_H
#include "kernel/object/memory.h"
#include "kernel/tree.h"
#include "lib/base/status.h"

struct dma_pin {
	struct pin pin;
	struct dma *dma; // [I]
	bool charged; // quarantined and charged to the dma object's pool
	struct tree_node node;
};

struct dma {
	struct object object;
	struct tree pins; // by address of the frame
};

enum status dma_create(struct pool *pool, struct dma **out);
bool dma_destroy_step(struct dma *dma);
// The memory behind a pin goes away: quarantine. Memory's lock held.
void pin_lost_locked(struct dma_pin *pin);

static inline struct dma *object_dma(struct object *object)
{
	return (struct dma *)object;
}
#endif
