// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The driver of a virtio block device on PCI (virtio 1.1: 4.1 the bus, 5.2 the
// device), modern interface only. The server side of the channel "blk": requests
// go to the device as they come, answers go back in any order. The device reads
// and writes the channel's data area itself.
//
// Nothing is remembered: a new instance resets the device and does again whatever
// stands unanswered in the channel. A device that answers nonsense, or nothing
// for long, ends this instance, and the next one starts with a reset.
#include "abi/constants.h"
#include "drivers/block/virtio-blk/queue.h"
#include "gen/abi/objects.h"
#include "gen/abi/pci.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/driver/channel.h"
#include "lib/sys/component.h"

#define NOTIFY_IRQ BIT(32)
#define ANSWER_NS 10000000000ull // a request may take so long
#define RESET_NS 1000000000ull
#define PAGES_MAX 4096 // of a channel's data area
#define SECTORS_MAX 256 // of one request: 128 KiB
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

#define DEVICE_ACKNOWLEDGE 1
#define DEVICE_DRIVER 2
#define DEVICE_DRIVER_OK 4
#define DEVICE_FEATURES_OK 8
#define DEVICE_NEEDS_RESET 64

#define FEATURE_SEGMENTS BIT(2)
#define FEATURE_READONLY BIT(5)
#define FEATURE_FLUSH BIT(9)
#define FEATURE_INDIRECT BIT(28)
#define FEATURE_VERSION_1 BIT(32)

// struct virtio_blk_config, 5.2.4.
#define BLOCK_CAPACITY 0
#define BLOCK_SEGMENTS 12

struct region {
	volatile u8 *base;
	u32 bytes;
	u32 multiplier; // of the notify region
};

struct device {
	struct session pci;
	struct handle dma, irq;
	void *bar[6]; // mapped
	u64 bar_bytes[6];
	struct region common, notify, config, interrupt;
	u32 wired; // interrupts by a line, not by messages
	volatile u16 *kick;
	struct queue queue;
	u64 features;
	u64 capacity;
	u32 max_sectors, flags;
	u64 data_bus[PAGES_MAX]; // bus addresses of the data area's pages
	u64 oldest_ns; // when the device last answered, or got work
};

static struct device device;
static struct channel channel;

// ---- registers

static u8 get8(const struct region *region, u32 offset)
{
	return region->base[offset];
}

static u16 get16(const struct region *region, u32 offset)
{
	return *(volatile u16 *)(region->base + offset);
}

static u32 get32(const struct region *region, u32 offset)
{
	return *(volatile u32 *)(region->base + offset);
}

static void put16(const struct region *region, u32 offset, u16 value)
{
	*(volatile u16 *)(region->base + offset) = value;
}

static void put32(const struct region *region, u32 offset, u32 value)
{
	*(volatile u32 *)(region->base + offset) = value;
}

static void put64(const struct region *region, u32 offset, u64 value)
{
	put32(region, offset, (u32)value);
	put32(region, offset + 4, (u32)(value >> 32));
}

static void add_status(u8 bits)
{
	device.common.base[COMMON_STATUS] =
		get8(&device.common, COMMON_STATUS) | bits;
}

static void map_bar(u32 index)
{
	u32 slot = slot_alloc();
	u32 page_offset;
	u64 bytes;
	enum status status = pci_bar(&device.pci, index, handle_of(slot),
				     &bytes, &page_offset);
	void *base;

	if (status != STATUS_OK)
		component_fail("BAR %u: %s", index, status_text(status));
	bytes = align_up(page_offset + bytes, PAGE_BYTES);
	status = memory_map(handle_of(slot), 0, bytes, MAP_READ | MAP_WRITE,
			    &base);
	if (status != STATUS_OK)
		component_fail("BAR %u: %s", index, status_text(status));
	device.bar[index] = (u8 *)base + page_offset;
	device.bar_bytes[index] = bytes - page_offset;
}

static struct region find_region(u32 type, u32 least)
{
	for (u32 i = 0; i < 32; i++) {
		u64 w0, w1, w2, w3;
		u32 length, bar, offset, bytes;

		if (pci_capability(&device.pci, VENDOR_CAPABILITY, i, &length,
				   &w0, &w1, &w2, &w3) != STATUS_OK)
			break;
		if (length < 16 || (w0 >> 24 & 0xff) != type)
			continue;
		bar = w0 >> 32 & 0xff;
		offset = (u32)w1;
		bytes = (u32)(w1 >> 32);
		if (bar >= ARRAY_COUNT(device.bar) || bytes < least)
			continue;
		if (!device.bar[bar])
			map_bar(bar);
		if (!range_within(offset, bytes, device.bar_bytes[bar]))
			continue;
		return (struct region){(u8 *)device.bar[bar] + offset, bytes,
				       (u32)w2};
	}
	component_fail("no configuration of type %u", type);
}

// ---- start

static void reset(void)
{
	u64 until = clock_ns() + RESET_NS;

	device.common.base[COMMON_STATUS] = 0;
	while (get8(&device.common, COMMON_STATUS) != 0)
		if (clock_ns() > until)
			component_fail("the device does not finish its reset");
}

static void negotiate(void)
{
	u64 offered;
	u64 wanted = FEATURE_VERSION_1 | FEATURE_INDIRECT | FEATURE_FLUSH |
		     FEATURE_READONLY | FEATURE_SEGMENTS;

	add_status(DEVICE_ACKNOWLEDGE);
	add_status(DEVICE_DRIVER);
	put32(&device.common, COMMON_FEATURE_SELECT, 0);
	offered = get32(&device.common, COMMON_FEATURE);
	put32(&device.common, COMMON_FEATURE_SELECT, 1);
	offered |= (u64)get32(&device.common, COMMON_FEATURE) << 32;
	if (!(offered & FEATURE_VERSION_1) || !(offered & FEATURE_INDIRECT))
		component_fail("features %lx: too old a device", offered);
	device.features = offered & wanted;
	put32(&device.common, COMMON_DRIVER_SELECT, 0);
	put32(&device.common, COMMON_DRIVER_FEATURE, (u32)device.features);
	put32(&device.common, COMMON_DRIVER_SELECT, 1);
	put32(&device.common, COMMON_DRIVER_FEATURE,
	      (u32)(device.features >> 32));
	add_status(DEVICE_FEATURES_OK);
	if (!(get8(&device.common, COMMON_STATUS) & DEVICE_FEATURES_OK))
		component_fail("the device refuses features %lx",
			       device.features);
}

static u64 pin(struct handle memory, u64 offset)
{
	u64 bus;
	enum status status =
		sys_dma_map(device.dma, memory, offset, PAGE_BYTES, &bus);

	if (status != STATUS_OK)
		component_fail("pinning a page at %lu: %s", offset,
			       status_text(status));
	return bus;
}

static void open_queue(void)
{
	u32 slot = slot_alloc();
	u64 bus[QUEUE_PAGES];
	void *memory;
	enum status status = sys_object_create(
		SELF_POOL, OBJECT_MEMORY, QUEUE_BYTES, MEMORY_COMMITTED,
		handle_of(0), SELF_CNODE, slot);

	if (status == STATUS_OK)
		status = memory_map(handle_of(slot), 0, QUEUE_BYTES,
				    MAP_READ | MAP_WRITE, &memory);
	if (status != STATUS_OK)
		component_fail("memory of the queue: %s", status_text(status));
	for (u32 i = 0; i < QUEUE_PAGES; i++)
		bus[i] = pin(handle_of(slot), i * (u64)PAGE_BYTES);
	queue_init(&device.queue, memory, bus);
	put16(&device.common, COMMON_QUEUE_SELECT, 0);
	if (get16(&device.common, COMMON_QUEUE_SIZE) < QUEUE_ENTRIES)
		component_fail("queue of %u entries",
			       get16(&device.common, COMMON_QUEUE_SIZE));
	put16(&device.common, COMMON_QUEUE_SIZE, QUEUE_ENTRIES);
	put64(&device.common, COMMON_DESCRIPTORS,
	      queue_bus(&device.queue, QUEUE_DESCRIPTORS));
	put64(&device.common, COMMON_AVAILABLE,
	      queue_bus(&device.queue, QUEUE_AVAILABLE));
	put64(&device.common, COMMON_USED, queue_bus(&device.queue, QUEUE_USED));
}

static void open_interrupt(void)
{
	u32 slot = slot_alloc();
	enum status status = pci_vector(&device.pci, 0, NOTIFY_IRQ,
					handle_of(SLOT_NOTIFICATION),
					handle_of(slot), &device.wired);
	u32 place;

	if (status != STATUS_OK)
		component_fail("interrupt: %s", status_text(status));
	device.irq = handle_of(slot);
	put16(&device.common, COMMON_QUEUE_SELECT, 0);
	if (device.wired) {
		device.interrupt = find_region(TYPE_INTERRUPT, 1);
	} else {
		put16(&device.common, COMMON_QUEUE_VECTOR, 0);
		if (get16(&device.common, COMMON_QUEUE_VECTOR) != 0)
			component_fail("the device takes no interrupt vector");
	}
	place = get16(&device.common, COMMON_QUEUE_NOTIFY) *
		device.notify.multiplier;
	if (!range_within(place, 2, device.notify.bytes))
		component_fail("place of the notification: %u", place);
	device.kick = (volatile u16 *)(device.notify.base + place);
	put16(&device.common, COMMON_QUEUE_ENABLE, 1);
}

static void read_config(void)
{
	u32 segments = QUEUE_SEGMENTS;

	device.capacity = get32(&device.config, BLOCK_CAPACITY) |
			  (u64)get32(&device.config, BLOCK_CAPACITY + 4) << 32;
	if (device.features & FEATURE_SEGMENTS)
		segments = MIN(get32(&device.config, BLOCK_SEGMENTS), segments);
	if (segments < 2)
		component_fail("requests of %u segments", segments);
	// Pages that do not touch, and the first begins in its middle.
	device.max_sectors = MIN((segments - 1) * 8, (u32)SECTORS_MAX);
	if (device.features & FEATURE_READONLY)
		device.flags |= CHANNEL_READONLY;
}

static void pin_data(void)
{
	u64 pages = channel.data_bytes / PAGE_BYTES;

	if (pages == 0 || pages > PAGES_MAX)
		component_fail("data area of %lu bytes", channel.data_bytes);
	channel.data_bytes = pages * PAGE_BYTES;
	for (u64 i = 0; i < pages; i++)
		device.data_bus[i] = pin(channel.memory, CHANNEL_TABLE_BYTES +
								 i * PAGE_BYTES);
}

static bool open_device(void)
{
	const struct startup_cap *pci =
		startup_need("pci", STARTUP_ENDPOINT_CLIENT);
	u32 slot = slot_alloc();
	enum status status =
		session_open(&device.pci, handle_of(pci->handle), 0, 0,
			     PCI_VERSION);
	u32 id, location;

	if (status != STATUS_OK)
		component_fail("pci: %s", status_text(status));
	status = pci_claim(&device.pci, handle_of(slot), &id, nullptr, nullptr,
			   &location);
	if (status == ERR_NODEV)
		return false;
	if (status != STATUS_OK)
		component_fail("claim: %s", status_text(status));
	device.dma = handle_of(slot);
	device.common = find_region(TYPE_COMMON, 56);
	device.notify = find_region(TYPE_NOTIFY, 2);
	device.config = find_region(TYPE_DEVICE, 16);
	reset();
	negotiate();
	read_config();
	open_queue();
	open_interrupt();
	pin_data();
	status = pci_enable(&device.pci, true);
	if (status != STATUS_OK)
		component_fail("enable: %s", status_text(status));
	add_status(DEVICE_DRIVER_OK);
	log_print("%02x:%02x.%x: %lu sectors%s", location >> 8,
		  location >> 3 & 31, location & 7, device.capacity,
		  device.flags & CHANNEL_READONLY ? ", read-only" : "");
	return true;
}

// ---- work

static u32 segments_of(const struct channel_request *request,
		       struct segment *segment)
{
	u64 at = request->data;
	u64 left = request->count * 512ull;
	u32 count = 0;

	while (left != 0) {
		u64 offset = at % PAGE_BYTES;
		u64 step = MIN(left, PAGE_BYTES - offset);
		u64 bus = device.data_bus[at / PAGE_BYTES] + offset;

		if (count != 0 && segment[count - 1].address +
					  segment[count - 1].bytes == bus)
			segment[count - 1].bytes += (u32)step;
		else
			segment[count++] = (struct segment){bus, (u32)step};
		at += step;
		left -= step;
	}
	return count;
}

// False: answered at once, the device does not hear of it.
static bool start(u32 entry)
{
	struct segment segment[QUEUE_SEGMENTS];
	struct channel_request request;
	enum status status;

	channel_read(&channel, entry, &request);
	status = block_check(&request, channel.data_bytes, device.capacity,
			     device.flags, device.max_sectors);
	if (status != STATUS_OK) {
		channel.table->faults++;
		channel_complete(&channel, entry, status, 0);
		return false;
	}
	if (request.operation == BLOCK_FLUSH &&
	    !(device.features & FEATURE_FLUSH)) {
		channel_complete(&channel, entry, STATUS_OK, 0);
		return false;
	}
	if (device.queue.under_way == 0)
		device.oldest_ns = clock_ns();
	if (request.operation == BLOCK_FLUSH)
		queue_offer(&device.queue, entry, VIRTIO_BLK_FLUSH, 0, segment,
			    0);
	else
		queue_offer(&device.queue, entry,
			    request.operation == BLOCK_READ ? VIRTIO_BLK_IN
							    : VIRTIO_BLK_OUT,
			    request.position, segment,
			    segments_of(&request, segment));
	return true;
}

static void submit(void)
{
	u64 bits = channel_take(&channel);
	bool some = false;

	while (bits != 0) {
		u32 entry = lowest_bit(bits);

		bits &= bits - 1;
		some |= start(entry);
	}
	if (!some)
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*device.kick = 0;
}

static void reap(void)
{
	enum status status, result;
	u32 entry;

	while ((status = queue_next(&device.queue, &entry, &result)) ==
	       STATUS_OK) {
		device.oldest_ns = clock_ns();
		channel_complete(&channel, entry, result, 0);
	}
	if (status != ERR_EMPTY)
		component_fail("the device's answers make no sense");
	if (get8(&device.common, COMMON_STATUS) & DEVICE_NEEDS_RESET)
		component_fail("the device asks for a reset");
}

[[noreturn]] static void refuse_all(void)
{
	channel_publish(&channel, CHANNEL_ABSENT, 0, 1, startup->generation);
	component_ready();
	for (;;) {
		u64 bits = channel_take(&channel);

		while (bits != 0) {
			channel_complete(&channel, lowest_bit(bits), ERR_NODEV,
					 0);
			bits &= bits - 1;
		}
		(void)!component_wait(channel.my_bits, 0, &bits);
	}
}

int component_main(const struct startup *page)
{
	enum status status = channel_open(
		&channel, startup_need("blk", STARTUP_CHANNEL));

	if (status != STATUS_OK)
		component_fail("channel: %s", status_text(status));
	if (!open_device()) {
		log_print("no such device on the bus");
		refuse_all();
	}
	channel_publish(&channel, device.flags, device.capacity,
			device.max_sectors, page->generation);
	component_ready();
	for (;;) {
		u64 bits = 0;

		submit();
		status = component_wait(channel.my_bits | NOTIFY_IRQ,
					clock_ns() + ANSWER_NS / 10, &bits);
		if (status != STATUS_OK && status != ERR_TIMEOUT)
			component_fail("wait: %s", status_text(status));
		reap();
		if (bits & NOTIFY_IRQ) {
			if (device.wired)
				(void)get8(&device.interrupt, 0);
			(void)!sys_irq_ack(device.irq);
			reap();
		}
		if (device.queue.under_way != 0 &&
		    clock_ns() - device.oldest_ns > ANSWER_NS)
			component_fail("the device does not answer");
	}
}
