// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A split virtqueue: virtio 1.1, 2.6. One page of memory holds its three parts
// and leaves VIRTQUEUE_FREE on to its owner. A request is named by its first
// descriptor; who owns the queue decides which descriptors belong together, so
// there is nothing to allocate.
//
// The device writes the used ring: what it says is checked, and an answer that
// cannot be counts as a fault of the device.
#ifndef LIB_DRIVER_VIRTQUEUE_H
#define LIB_DRIVER_VIRTQUEUE_H
#include "lib/base/status.h"

#define VIRTQUEUE_ENTRIES 64

// Places in the page.
#define VIRTQUEUE_DESCRIPTORS 0
#define VIRTQUEUE_AVAILABLE 1024
#define VIRTQUEUE_USED 2048
#define VIRTQUEUE_FREE 3072

// Flags of a descriptor.
#define VIRTQUEUE_NEXT 1
#define VIRTQUEUE_WRITE 2 // by the device
#define VIRTQUEUE_INDIRECT 4

struct virtqueue_descriptor {
	u64 address; // on the bus
	u32 bytes;
	u16 flags, next;
};

struct virtqueue {
	u8 *page; // zeroed
	u64 under_way; // first descriptors the device has
	u16 available; // counts requests offered since ever
	u16 seen; // counts answers seen
};

void virtqueue_init(struct virtqueue *queue, u8 *page);
void virtqueue_describe(struct virtqueue *queue, u32 index,
			struct virtqueue_descriptor descriptor);
// Offer the request that begins with this descriptor; it must not be under way.
void virtqueue_offer(struct virtqueue *queue, u32 first);
// The next answer: first descriptor of its request. ERR_EMPTY: none.
// ERR_CORRUPT: the device's ring makes no sense; it must be reset.
[[nodiscard]] enum status virtqueue_next(struct virtqueue *queue, u32 *first);
#endif
