// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The driver of a virtio block device on PCI (virtio 1.1, 5.2; lib/driver/virtio.h
// has the bus). The server side of the channel "blk": requests go to the device as
// they come, answers go back in any order. The device reads and writes the
// channel's data area itself.
//
// Nothing is remembered: a new instance resets the device and does again whatever
// stands unanswered in the channel. A device that answers nonsense, or nothing
// for long, ends this instance, and the next one starts with a reset.
#include "abi/constants.h"
#include "drivers/block/virtio-blk/queue.h"
#include "lib/base/bits.h"
#include "lib/driver/channel.h"
#include "lib/driver/virtio.h"
#include "lib/sys/component.h"

#define NOTIFY_IRQ BIT(32)
#define PAST 1ull
#define ANSWER_NS 10000000000ull // a request may take so long
#define PAGES_MAX 4096 // of a channel's data area
#define SECTORS_MAX 256 // of one request: 128 KiB

#define FEATURE_SEGMENTS BIT(2)
#define FEATURE_READONLY BIT(5)
#define FEATURE_FLUSH BIT(9)

// struct virtio_blk_config, 5.2.4.
#define BLOCK_CAPACITY 0
#define BLOCK_SEGMENTS 12
#define BLOCK_BYTES 16

struct device {
	struct virtio virtio;
	struct queue queue;
	u64 capacity;
	u32 max_sectors, flags;
	u64 data_bus[PAGES_MAX]; // bus addresses of the data area's pages
	u64 oldest_ns; // when the device last answered, or got work
};

static struct device device;
static struct channel channel;

// ---- start

static void open_queue(void)
{
	u64 bus[QUEUE_PAGES];
	u8 *memory = virtio_memory(&device.virtio, QUEUE_BYTES, bus);

	queue_init(&device.queue, memory, bus);
	virtio_queue(&device.virtio, 0,
		     queue_bus(&device.queue, QUEUE_DESCRIPTORS),
		     queue_bus(&device.queue, QUEUE_AVAILABLE),
		     queue_bus(&device.queue, QUEUE_USED));
}

static void read_config(void)
{
	const struct virtio_region *config = &device.virtio.config;
	u32 segments = QUEUE_SEGMENTS;

	device.capacity = virtio_get32(config, BLOCK_CAPACITY) |
			  (u64)virtio_get32(config, BLOCK_CAPACITY + 4) << 32;
	if (device.virtio.features & FEATURE_SEGMENTS)
		segments = MIN(virtio_get32(config, BLOCK_SEGMENTS), segments);
	if (segments < 2)
		component_fail("requests of %u segments", segments);
	// Pages that do not touch, and the first begins in its middle.
	device.max_sectors = MIN((segments - 1) * 8, (u32)SECTORS_MAX);
	if (device.virtio.features & FEATURE_READONLY)
		device.flags |= CHANNEL_READONLY;
}

static void pin_data(void)
{
	u64 pages = channel.data_bytes / PAGE_BYTES;

	if (pages == 0 || pages > PAGES_MAX)
		component_fail("data area of %lu bytes", channel.data_bytes);
	channel.data_bytes = pages * PAGE_BYTES;
	for (u64 i = 0; i < pages; i++)
		device.data_bus[i] =
			virtio_pin(&device.virtio, channel.memory,
				   CHANNEL_TABLE_BYTES + i * PAGE_BYTES);
}

static bool open_device(void)
{
	u32 location;

	if (!virtio_claim(&device.virtio, BLOCK_BYTES))
		return false;
	virtio_negotiate(&device.virtio,
			 VIRTIO_FEATURE_VERSION_1 | VIRTIO_FEATURE_INDIRECT,
			 FEATURE_FLUSH | FEATURE_READONLY | FEATURE_SEGMENTS);
	read_config();
	open_queue();
	pin_data();
	virtio_start(&device.virtio, NOTIFY_IRQ);
	location = device.virtio.location;
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
	    !(device.virtio.features & FEATURE_FLUSH)) {
		channel_complete(&channel, entry, STATUS_OK, 0);
		return false;
	}
	if (device.queue.rings.under_way == 0)
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
	if (some)
		virtio_kick(&device.virtio, 0);
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
	if (virtio_needs_reset(&device.virtio))
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
		u64 bits = 0, until = clock_ns() + ANSWER_NS / 10;

		submit();
		if (channel_arm(&channel, CHANNEL_SERVER))
			until = PAST;
		status = component_wait(channel.my_bits | NOTIFY_IRQ, until,
					&bits);
		channel_woken(&channel, CHANNEL_SERVER);
		if (status != STATUS_OK && status != ERR_TIMEOUT)
			component_fail("wait: %s", status_text(status));
		reap();
		if (bits & NOTIFY_IRQ) {
			virtio_acknowledge(&device.virtio);
			reap();
		}
		if (device.queue.rings.under_way != 0 &&
		    clock_ns() - device.oldest_ns > ANSWER_NS)
			component_fail("the device does not answer");
	}
}
