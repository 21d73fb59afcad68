// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See virtqueue.h.
#include "lib/driver/virtqueue.h"

#include "lib/base/bits.h"

struct available {
	u16 flags, index;
	u16 ring[VIRTQUEUE_ENTRIES];
};

struct used {
	u16 flags, index;
	struct {
		u32 id, bytes;
	} ring[VIRTQUEUE_ENTRIES];
};
static_assert(sizeof(struct virtqueue_descriptor) == 16);
static_assert(VIRTQUEUE_DESCRIPTORS +
		      VIRTQUEUE_ENTRIES * sizeof(struct virtqueue_descriptor) <=
	      VIRTQUEUE_AVAILABLE);
static_assert(VIRTQUEUE_AVAILABLE + sizeof(struct available) <= VIRTQUEUE_USED);
static_assert(VIRTQUEUE_USED + sizeof(struct used) <= VIRTQUEUE_FREE);

void virtqueue_init(struct virtqueue *queue, u8 *page)
{
	*queue = (struct virtqueue){.page = page};
}

void virtqueue_describe(struct virtqueue *queue, u32 index,
			struct virtqueue_descriptor descriptor)
{
	struct virtqueue_descriptor *table =
		(void *)(queue->page + VIRTQUEUE_DESCRIPTORS);

	table[index] = descriptor;
}

void virtqueue_offer(struct virtqueue *queue, u32 first)
{
	struct available *available =
		(void *)(queue->page + VIRTQUEUE_AVAILABLE);

	available->ring[queue->available % VIRTQUEUE_ENTRIES] = (u16)first;
	queue->available++;
	queue->under_way |= BIT(first);
	__atomic_store_n(&available->index, queue->available, __ATOMIC_RELEASE);
}

enum status virtqueue_next(struct virtqueue *queue, u32 *first)
{
	struct used *used = (void *)(queue->page + VIRTQUEUE_USED);
	u16 index = __atomic_load_n(&used->index, __ATOMIC_ACQUIRE);
	u32 id;

	if (index == queue->seen)
		return ERR_EMPTY;
	if ((u16)(index - queue->seen) > VIRTQUEUE_ENTRIES)
		return ERR_CORRUPT;
	id = *(volatile u32 *)&used->ring[queue->seen % VIRTQUEUE_ENTRIES].id;
	if (id >= VIRTQUEUE_ENTRIES || !(queue->under_way & BIT(id)))
		return ERR_CORRUPT;
	queue->seen++;
	queue->under_way &= ~BIT(id);
	*first = id;
	return STATUS_OK;
}
