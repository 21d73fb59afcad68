// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See queue.h.
#include "drivers/block/virtio-blk/queue.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"

#define STATUS_NONE 0xff
#define HEADER_BYTES 16
#define TABLE_BYTES (QUEUE_TABLE * 16)

struct header {
	u32 type, reserved;
	u64 sector;
};

static_assert(QUEUE_HEADERS + QUEUE_ENTRIES * HEADER_BYTES <= QUEUE_STATUSES);
static_assert(QUEUE_TABLES + QUEUE_ENTRIES * TABLE_BYTES == QUEUE_BYTES);

void queue_init(struct queue *queue, u8 *memory, const u64 bus[QUEUE_PAGES])
{
	*queue = (struct queue){.memory = memory};
	virtqueue_init(&queue->rings, memory);
	memcpy(queue->bus, bus, sizeof(queue->bus));
}

u64 queue_bus(const struct queue *queue, u32 offset)
{
	return queue->bus[offset / 4096] + offset % 4096;
}

static struct virtqueue_descriptor link(u64 address, u32 bytes, u32 flags,
					u32 next)
{
	return (struct virtqueue_descriptor){address, bytes, (u16)flags,
					     (u16)next};
}

void queue_offer(struct queue *queue, u32 entry, enum virtio_blk_type type,
		 u64 sector, const struct segment *segment, u32 nsegments)
{
	u32 header_at = QUEUE_HEADERS + entry * HEADER_BYTES;
	u32 status_at = QUEUE_STATUSES + entry;
	u32 table_at = QUEUE_TABLES + entry * TABLE_BYTES;
	struct header *header = (void *)(queue->memory + header_at);
	struct virtqueue_descriptor *table =
		(void *)(queue->memory + table_at);
	u32 write = type == VIRTIO_BLK_IN ? VIRTQUEUE_WRITE : 0;
	u32 used = 0;

	*header = (struct header){type, 0, sector};
	queue->memory[status_at] = STATUS_NONE;
	table[used] = link(queue_bus(queue, header_at), sizeof(*header),
			   VIRTQUEUE_NEXT, used + 1);
	used++;
	for (u32 i = 0; i < nsegments; i++, used++)
		table[used] = link(segment[i].address, segment[i].bytes,
				   write | VIRTQUEUE_NEXT, used + 1);
	table[used++] = link(queue_bus(queue, status_at), 1, VIRTQUEUE_WRITE, 0);
	virtqueue_describe(&queue->rings, entry,
			   link(queue_bus(queue, table_at),
				used * (u32)sizeof(table[0]),
				VIRTQUEUE_INDIRECT, 0));
	virtqueue_offer(&queue->rings, entry);
}

enum status queue_next(struct queue *queue, u32 *entry, enum status *result)
{
	enum status status = virtqueue_next(&queue->rings, entry);

	if (status != STATUS_OK)
		return status;
	switch (*(volatile u8 *)&queue->memory[QUEUE_STATUSES + *entry]) {
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
