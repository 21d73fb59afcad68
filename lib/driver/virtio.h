// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the drivers of virtio devices on PCI share: virtio 1.1, chapter 3 (how a
// device is started) and 4.1 (the bus), modern interface only. The order of calls:
//
//	virtio_claim      the function of the bus, and its register regions
//	virtio_negotiate  reset, features
//	virtio_queue      one call for each virtqueue
//	virtio_start      interrupts, bus mastering; the device works
//
// A device that does not do what it should ends the component: the next instance
// begins with a reset.
#ifndef LIB_DRIVER_VIRTIO_H
#define LIB_DRIVER_VIRTIO_H
#include "lib/base/bits.h"
#include "lib/base/status.h"
#include "lib/ipc/session.h"

#define VIRTIO_QUEUES 4
#define VIRTIO_FEATURE_INDIRECT BIT(28)
#define VIRTIO_FEATURE_VERSION_1 BIT(32)

struct virtio_region {
	volatile u8 *base;
	u32 bytes;
	u32 multiplier; // of the notify region
};

struct virtio {
	struct session pci;
	struct handle dma, irq;
	void *bar[6]; // mapped
	u64 bar_bytes[6];
	struct virtio_region common, notify, config, interrupt;
	u32 wired; // interrupts by a line, not by messages
	u32 nqueues; // numbers below are enabled by virtio_start
	volatile u16 *kick[VIRTIO_QUEUES];
	u64 features; // agreed on
	u32 location; // bus, device, function, for messages
};

// Take the function that the manifest's "pci" names, with at least so many bytes of
// device-specific configuration. False: there is none on the bus.
bool virtio_claim(struct virtio *virtio, u32 config_bytes);

// Reset, then agree on features: all of needed, and what there is of wanted.
void virtio_negotiate(struct virtio *virtio, u64 needed, u64 wanted);

// Say where queue index (its rings) lies on the bus.
void virtio_queue(struct virtio *virtio, u32 index, u64 descriptors,
		  u64 available, u64 used);

// Bind all queues to one interrupt, which sets bits of the main notification,
// enable them, and let the device work.
void virtio_start(struct virtio *virtio, u64 bits);

// Tell the device that a queue has something new.
static inline void virtio_kick(struct virtio *virtio, u32 index)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*virtio->kick[index] = (u16)index;
}

// After the bits have come: let the next interrupt come. What came before has to
// be looked for once more afterwards.
void virtio_acknowledge(struct virtio *virtio);
bool virtio_needs_reset(struct virtio *virtio);

// Bus address of a page of memory, pinned.
u64 virtio_pin(struct virtio *virtio, struct handle memory, u64 offset);
// So many bytes (whole pages) of zeroed memory for both; bus: address of each page.
void *virtio_memory(struct virtio *virtio, u64 bytes, u64 *bus);

u8 virtio_get8(const struct virtio_region *region, u32 offset);
u32 virtio_get32(const struct virtio_region *region, u32 offset);
#endif
