// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See virtio.h.
#include "lib/driver/virtio.h"

#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/pci.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/driver/virtqueue.h"
#include "lib/sys/component.h"

#define RESET_NS 1000000000ull
#define VENDOR_CAPABILITY 9

// Configuration types, virtio 1.1, 4.1.4.
#define TYPE_COMMON 1
#define TYPE_NOTIFY 2
#define TYPE_INTERRUPT 3 // one byte: reading it makes the line quiet
#define TYPE_DEVICE 4

// struct virtio_pci_common_cfg, 4.1.4.3.
#define COMMON_FEATURE_SELECT 0
#define COMMON_FEATURE 4
#define COMMON_DRIVER_SELECT 8
#define COMMON_DRIVER_FEATURE 12
#define COMMON_STATUS 20
#define COMMON_QUEUE_SELECT 22
#define COMMON_QUEUE_SIZE 24
#define COMMON_QUEUE_VECTOR 26
#define COMMON_QUEUE_ENABLE 28
#define COMMON_QUEUE_NOTIFY 30
#define COMMON_DESCRIPTORS 32
#define COMMON_AVAILABLE 40
#define COMMON_USED 48
#define COMMON_BYTES 56

#define DEVICE_ACKNOWLEDGE 1
#define DEVICE_DRIVER 2
#define DEVICE_DRIVER_OK 4
#define DEVICE_FEATURES_OK 8
#define DEVICE_NEEDS_RESET 64

// ---- registers

u8 virtio_get8(const struct virtio_region *region, u32 offset)
{
	return region->base[offset];
}

static u16 get16(const struct virtio_region *region, u32 offset)
{
	return *(volatile u16 *)(region->base + offset);
}

u32 virtio_get32(const struct virtio_region *region, u32 offset)
{
	return *(volatile u32 *)(region->base + offset);
}

static void put16(const struct virtio_region *region, u32 offset, u16 value)
{
	*(volatile u16 *)(region->base + offset) = value;
}

static void put32(const struct virtio_region *region, u32 offset, u32 value)
{
	*(volatile u32 *)(region->base + offset) = value;
}

static void put64(const struct virtio_region *region, u32 offset, u64 value)
{
	put32(region, offset, (u32)value);
	put32(region, offset + 4, (u32)(value >> 32));
}

static void add_status(struct virtio *virtio, u8 bits)
{
	virtio->common.base[COMMON_STATUS] =
		virtio_get8(&virtio->common, COMMON_STATUS) | bits;
}

static void map_bar(struct virtio *virtio, u32 index)
{
	u32 slot = slot_alloc();
	u32 page_offset;
	u64 bytes;
	enum status status = pci_bar(&virtio->pci, index, handle_of(slot),
				     &bytes, &page_offset);
	void *base;

	if (status != STATUS_OK)
		component_fail("BAR %u: %s", index, status_text(status));
	bytes = align_up(page_offset + bytes, PAGE_BYTES);
	status = memory_map(handle_of(slot), 0, bytes, MAP_READ | MAP_WRITE,
			    &base);
	if (status != STATUS_OK)
		component_fail("BAR %u: %s", index, status_text(status));
	virtio->bar[index] = (u8 *)base + page_offset;
	virtio->bar_bytes[index] = bytes - page_offset;
}

static struct virtio_region find_region(struct virtio *virtio, u32 type,
					u32 least)
{
	for (u32 i = 0; i < 32; i++) {
		u64 w0, w1, w2, w3;
		u32 length, bar, offset, bytes;

		if (pci_capability(&virtio->pci, VENDOR_CAPABILITY, i, &length,
				   &w0, &w1, &w2, &w3) != STATUS_OK)
			break;
		if (length < 16 || (w0 >> 24 & 0xff) != type)
			continue;
		bar = w0 >> 32 & 0xff;
		offset = (u32)w1;
		bytes = (u32)(w1 >> 32);
		if (bar >= ARRAY_COUNT(virtio->bar) || bytes < least)
			continue;
		if (!virtio->bar[bar])
			map_bar(virtio, bar);
		if (!range_within(offset, bytes, virtio->bar_bytes[bar]))
			continue;
		return (struct virtio_region){(u8 *)virtio->bar[bar] + offset,
					      bytes, (u32)w2};
	}
	component_fail("no configuration of type %u", type);
}

// ---- start

bool virtio_claim(struct virtio *virtio, u32 config_bytes)
{
	const struct startup_cap *pci =
		startup_need("pci", STARTUP_ENDPOINT_CLIENT);
	u32 slot = slot_alloc();
	enum status status = session_open(&virtio->pci, handle_of(pci->handle),
					  0, 0, PCI_VERSION);
	u32 id;

	if (status != STATUS_OK)
		component_fail("pci: %s", status_text(status));
	status = pci_claim(&virtio->pci, handle_of(slot), &id, nullptr, nullptr,
			   &virtio->location);
	if (status == ERR_NODEV)
		return false;
	if (status != STATUS_OK)
		component_fail("claim: %s", status_text(status));
	virtio->dma = handle_of(slot);
	virtio->common = find_region(virtio, TYPE_COMMON, COMMON_BYTES);
	virtio->notify = find_region(virtio, TYPE_NOTIFY, 2);
	virtio->config = find_region(virtio, TYPE_DEVICE, config_bytes);
	return true;
}

static void reset(struct virtio *virtio)
{
	u64 until = clock_ns() + RESET_NS;

	virtio->common.base[COMMON_STATUS] = 0;
	while (virtio_get8(&virtio->common, COMMON_STATUS) != 0)
		if (clock_ns() > until)
			component_fail("the device does not finish its reset");
}

void virtio_negotiate(struct virtio *virtio, u64 needed, u64 wanted)
{
	const struct virtio_region *common = &virtio->common;
	u64 offered;

	reset(virtio);
	add_status(virtio, DEVICE_ACKNOWLEDGE);
	add_status(virtio, DEVICE_DRIVER);
	put32(common, COMMON_FEATURE_SELECT, 0);
	offered = virtio_get32(common, COMMON_FEATURE);
	put32(common, COMMON_FEATURE_SELECT, 1);
	offered |= (u64)virtio_get32(common, COMMON_FEATURE) << 32;
	if ((offered & needed) != needed)
		component_fail("features %lx: too old a device", offered);
	virtio->features = offered & (needed | wanted);
	put32(common, COMMON_DRIVER_SELECT, 0);
	put32(common, COMMON_DRIVER_FEATURE, (u32)virtio->features);
	put32(common, COMMON_DRIVER_SELECT, 1);
	put32(common, COMMON_DRIVER_FEATURE, (u32)(virtio->features >> 32));
	add_status(virtio, DEVICE_FEATURES_OK);
	if (!(virtio_get8(common, COMMON_STATUS) & DEVICE_FEATURES_OK))
		component_fail("the device refuses features %lx",
			       virtio->features);
}

u64 virtio_pin(struct virtio *virtio, struct handle memory, u64 offset)
{
	u64 bus;
	enum status status =
		sys_dma_map(virtio->dma, memory, offset, PAGE_BYTES, &bus);

	if (status != STATUS_OK)
		component_fail("pinning a page at %lu: %s", offset,
			       status_text(status));
	return bus;
}

void *virtio_memory(struct virtio *virtio, u64 bytes, u64 *bus)
{
	u32 slot = slot_alloc();
	void *memory;
	enum status status = sys_object_create(SELF_POOL, OBJECT_MEMORY, bytes,
					       MEMORY_COMMITTED, handle_of(0),
					       SELF_CNODE, slot);

	if (status == STATUS_OK)
		status = memory_map(handle_of(slot), 0, bytes,
				    MAP_READ | MAP_WRITE, &memory);
	if (status != STATUS_OK)
		component_fail("memory of a queue: %s", status_text(status));
	for (u64 i = 0; i < bytes / PAGE_BYTES; i++)
		bus[i] = virtio_pin(virtio, handle_of(slot), i * PAGE_BYTES);
	return memory;
}

void virtio_queue(struct virtio *virtio, u32 index, u64 descriptors,
		  u64 available, u64 used)
{
	const struct virtio_region *common = &virtio->common;

	put16(common, COMMON_QUEUE_SELECT, (u16)index);
	if (get16(common, COMMON_QUEUE_SIZE) < VIRTQUEUE_ENTRIES)
		component_fail("queue of %u entries",
			       get16(common, COMMON_QUEUE_SIZE));
	put16(common, COMMON_QUEUE_SIZE, VIRTQUEUE_ENTRIES);
	put64(common, COMMON_DESCRIPTORS, descriptors);
	put64(common, COMMON_AVAILABLE, available);
	put64(common, COMMON_USED, used);
	virtio->nqueues = MAX(virtio->nqueues, index + 1);
}

static void enable_queue(struct virtio *virtio, u32 index)
{
	const struct virtio_region *common = &virtio->common;
	u32 place;

	put16(common, COMMON_QUEUE_SELECT, (u16)index);
	if (!virtio->wired) {
		put16(common, COMMON_QUEUE_VECTOR, 0);
		if (get16(common, COMMON_QUEUE_VECTOR) != 0)
			component_fail("the device takes no interrupt vector");
	}
	place = get16(common, COMMON_QUEUE_NOTIFY) * virtio->notify.multiplier;
	if (!range_within(place, 2, virtio->notify.bytes))
		component_fail("place of the notification: %u", place);
	virtio->kick[index] = (volatile u16 *)(virtio->notify.base + place);
	put16(common, COMMON_QUEUE_ENABLE, 1);
}

void virtio_start(struct virtio *virtio, u64 bits)
{
	u32 slot = slot_alloc();
	enum status status =
		pci_vector(&virtio->pci, 0, bits, handle_of(SLOT_NOTIFICATION),
			   handle_of(slot), &virtio->wired);

	if (status != STATUS_OK)
		component_fail("interrupt: %s", status_text(status));
	virtio->irq = handle_of(slot);
	if (virtio->wired)
		virtio->interrupt = find_region(virtio, TYPE_INTERRUPT, 1);
	for (u32 i = 0; i < virtio->nqueues; i++)
		enable_queue(virtio, i);
	status = pci_enable(&virtio->pci, true);
	if (status != STATUS_OK)
		component_fail("enable: %s", status_text(status));
	add_status(virtio, DEVICE_DRIVER_OK);
}

void virtio_acknowledge(struct virtio *virtio)
{
	if (virtio->wired)
		(void)virtio_get8(&virtio->interrupt, 0);
	(void)!sys_irq_ack(virtio->irq);
}

bool virtio_needs_reset(struct virtio *virtio)
{
	return virtio_get8(&virtio->common, COMMON_STATUS) & DEVICE_NEEDS_RESET;
}
