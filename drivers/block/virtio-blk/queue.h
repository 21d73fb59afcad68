// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The one virtqueue of a block device: virtio 1.1, 5.2.6 (requests). Entry i of the
// channel, descriptor i and indirect table i belong together, so there is nothing
// to allocate and any entry may be under way.
#ifndef DRIVERS_BLOCK_VIRTIO_BLK_QUEUE_H
#define DRIVERS_BLOCK_VIRTIO_BLK_QUEUE_H
#include "lib/driver/virtqueue.h"

#define QUEUE_ENTRIES VIRTQUEUE_ENTRIES
#define QUEUE_TABLE 64 // descriptors of one indirect table
#define QUEUE_SEGMENTS (QUEUE_TABLE - 2) // header and status take one each
#define QUEUE_PAGES 18
#define QUEUE_BYTES (QUEUE_PAGES * 4096)

// Places in the queue's memory.
#define QUEUE_DESCRIPTORS VIRTQUEUE_DESCRIPTORS
#define QUEUE_AVAILABLE VIRTQUEUE_AVAILABLE
#define QUEUE_USED VIRTQUEUE_USED
#define QUEUE_HEADERS VIRTQUEUE_FREE
#define QUEUE_STATUSES 4096
#define QUEUE_TABLES 8192

enum virtio_blk_type : u32 {
	VIRTIO_BLK_IN = 0,
	VIRTIO_BLK_OUT = 1,
	VIRTIO_BLK_FLUSH = 4,
};

struct segment {
	u64 address; // on the bus
	u32 bytes;
};

struct queue {
	struct virtqueue rings; // entries are requests
	u8 *memory; // zeroed, QUEUE_BYTES
	u64 bus[QUEUE_PAGES]; // of its pages
};

void queue_init(struct queue *queue, u8 *memory, const u64 bus[QUEUE_PAGES]);
u64 queue_bus(const struct queue *queue, u32 offset);
// Offer entry to the device; it must not be under way. At most QUEUE_SEGMENTS.
void queue_offer(struct queue *queue, u32 entry, enum virtio_blk_type type,
		 u64 sector, const struct segment *segment, u32 nsegments);
// The next answer. ERR_EMPTY: none. ERR_CORRUPT: the device's ring makes no
// sense; it must be reset. result: STATUS_OK, ERR_IO or ERR_UNSUPPORTED.
[[nodiscard]] enum status queue_next(struct queue *queue, u32 *entry,
				     enum status *result);
#endif
