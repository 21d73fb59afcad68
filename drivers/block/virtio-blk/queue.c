// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See queue.h.
#include "drivers/block/virtio-blk/queue.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"

#define DESCRIPTOR_NEXT 1
#define DESCRIPTOR_WRITE 2 // by the device
#define DESCRIPTOR_INDIRECT 4
#define STATUS_NONE 0xff
#define HEADER_BYTES 16
#define TABLE_BYTES (QUEUE_TABLE * 16)

struct descriptor {
	u64 address;
	u32 bytes;
	u16 flags, next;
};

struct header {
	u32 type, reserved;
	u64 sector;
};

struct available {
	u16 flags, index;
	u16 ring[QUEUE_ENTRIES];
};

struct used {
	u16 flags, index;
	struct {
		u32 id, bytes;
	} ring[QUEUE_ENTRIES];
};
static_assert(QUEUE_DESCRIPTORS + QUEUE_ENTRIES * sizeof(struct descriptor) <=
	      QUEUE_AVAILABLE);
static_assert(QUEUE_AVAILABLE + sizeof(struct available) <= QUEUE_USED);
static_assert(QUEUE_USED + sizeof(struct used) <= QUEUE_HEADERS);
static_assert(QUEUE_HEADERS + QUEUE_ENTRIES * HEADER_BYTES <= QUEUE_STATUSES);
static_assert(QUEUE_TABLES + QUEUE_ENTRIES * TABLE_BYTES == QUEUE_BYTES);

void queue_init(struct queue *queue, u8 *memory, const u64 bus[QUEUE_PAGES])
{
	*queue = (struct queue){.memory = memory};
	memcpy(queue->bus, bus, sizeof(queue->bus));
}

u64 queue_bus(const struct queue *queue, u32 offset)
{
	return queue->bus[offset / 4096] + offset % 4096;
}

static struct descriptor link(u64 address, u32 bytes, u32 flags, u32 next)
{
	return (struct descriptor){address, bytes, (u16)flags, (u16)next};
}

void queue_offer(struct queue *queue, u32 entry, enum virtio_blk_type type,
		 u64 sector, const struct segment *segment, u32 nsegments)
{
	u32 header_at = QUEUE_HEADERS + entry * HEADER_BYTES;
	u32 status_at = QUEUE_STATUSES + entry;
	u32 table_at = QUEUE_TABLES + entry * TABLE_BYTES;
	struct header *header = (void *)(queue->memory + header_at);
	struct descriptor *table = (void *)(queue->memory + table_at);
	struct descriptor *descriptor =
		(void *)(queue->memory + QUEUE_DESCRIPTORS);
	struct available *available = (void *)(queue->memory + QUEUE_AVAILABLE);
	u32 write = type == VIRTIO_BLK_IN ? DESCRIPTOR_WRITE : 0;
	u32 used = 0;

	*header = (struct header){type, 0, sector};
	queue->memory[status_at] = STATUS_NONE;
	table[used] = link(queue_bus(queue, header_at), sizeof(*header),
			   DESCRIPTOR_NEXT, used + 1);
	used++;
	for (u32 i = 0; i < nsegments; i++, used++)
		table[used] = link(segment[i].address, segment[i].bytes,
				   write | DESCRIPTOR_NEXT, used + 1);
	table[used++] = link(queue_bus(queue, status_at), 1, DESCRIPTOR_WRITE, 0);
	descriptor[entry] = link(queue_bus(queue, table_at),
				 used * (u32)sizeof(table[0]),
				 DESCRIPTOR_INDIRECT, 0);
	available->ring[queue->available % QUEUE_ENTRIES] = (u16)entry;
	queue->available++;
	queue->under_way |= BIT(entry);
	__atomic_store_n(&available->index, queue->available, __ATOMIC_RELEASE);
}

enum status queue_next(struct queue *queue, u32 *entry, enum status *result)
{
	struct used *used = (void *)(queue->memory + QUEUE_USED);
	u16 index = __atomic_load_n(&used->index, __ATOMIC_ACQUIRE);
	u32 id;

	if (index == queue->seen)
		return ERR_EMPTY;
	if ((u16)(index - queue->seen) > QUEUE_ENTRIES)
		return ERR_CORRUPT;
	id = *(volatile u32 *)&used->ring[queue->seen % QUEUE_ENTRIES].id;
	if (id >= QUEUE_ENTRIES || !(queue->under_way & BIT(id)))
		return ERR_CORRUPT;
	queue->seen++;
	queue->under_way &= ~BIT(id);
	*entry = id;
	switch (*(volatile u8 *)&queue->memory[QUEUE_STATUSES + id]) {
	case 0:
		*result = STATUS_OK;
		break;
	case 2:
		*result = ERR_UNSUPPORTED;
		break;
	default: // an error, or answered without a status
		*result = ERR_IO;
	}
	return STATUS_OK;
}
