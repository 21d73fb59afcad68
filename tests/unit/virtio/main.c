// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The virtio driver's queue with a device written from the specification (virtio
// 1.1, 2.6 and 5.2.6) on the other side: it follows available ring, descriptors
// and indirect tables by bus address, checks their form, and answers in random
// order. Then a device that writes garbage into all it may write.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/block/virtio-blk/queue.h"
#include "lib/base/bits.h"

#define CHECK(condition)                                                \
	do {                                                            \
		if (!(condition)) {                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__,       \
				__LINE__, #condition);                  \
			abort();                                        \
		}                                                       \
	} while (0)

#define SECTORS 4096
#define PAGES 256 // of data

static u64 seed;
alignas(4096) static u8 memory[QUEUE_BYTES];
alignas(4096) static u8 data[PAGES * 4096];
static u8 disk[SECTORS * 512], wanted[SECTORS * 512];
static u64 flushes;

static u64 next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static u32 below(u32 limit)
{
	return (u32)(next_random() % limit);
}

// Bus addresses: pages in reverse order, so that nothing follows by itself.
#define QUEUE_BUS 0x100000000ull
#define DATA_BUS 0x500000000ull

static u64 bus_of_queue(u32 page)
{
	return QUEUE_BUS + (QUEUE_PAGES - 1 - page) * 4096ull;
}

static u8 *at_bus(u64 address, u32 bytes)
{
	CHECK(address % 4096 + bytes <= 4096);
	if (address >= DATA_BUS) {
		u64 page = (address - DATA_BUS) / 4096;

		CHECK(page < PAGES);
		return data + page * 4096 + address % 4096;
	}
	CHECK(address >= QUEUE_BUS);
	u64 page = QUEUE_PAGES - 1 - (address - QUEUE_BUS) / 4096;

	CHECK(page < QUEUE_PAGES);
	return memory + page * 4096 + address % 4096;
}

// ---- the device

struct descriptor {
	u64 address;
	u32 bytes;
	u16 flags, next;
};

static u16 device_seen, device_used;
static u16 pending[QUEUE_ENTRIES];
static u32 npending;

static void device_look(void)
{
	u16 *available = (u16 *)(memory + QUEUE_AVAILABLE);

	while (device_seen != available[1]) {
		CHECK(npending < QUEUE_ENTRIES);
		pending[npending++] =
			available[2 + device_seen % QUEUE_ENTRIES];
		device_seen++;
	}
}

// Carry out one request; returns the status byte.
static u8 device_do(u32 head)
{
	struct descriptor d, *table;
	u32 type, count;
	u64 sector;
	u8 *header, *status;

	CHECK(head < QUEUE_ENTRIES);
	memcpy(&d, memory + QUEUE_DESCRIPTORS + head * 16, 16);
	CHECK(d.flags == 4); // indirect, alone
	CHECK(d.bytes % 16 == 0 && d.bytes >= 32 && d.bytes <= 1024);
	count = d.bytes / 16;
	table = (struct descriptor *)at_bus(d.address, d.bytes);
	CHECK(table[0].bytes == 16 && table[0].flags == 1);
	header = at_bus(table[0].address, 16);
	memcpy(&type, header, 4);
	memcpy(&sector, header + 8, 8);
	for (u32 i = 1; i < count; i++)
		CHECK(table[i - 1].flags & 1 && table[i - 1].next == i);
	CHECK(table[count - 1].flags == 2 && table[count - 1].bytes == 1);
	status = at_bus(table[count - 1].address, 1);
	CHECK(*status == 0xff);
	if (type == VIRTIO_BLK_FLUSH) {
		CHECK(count == 2);
		flushes++;
		return *status = 0;
	}
	CHECK(type == VIRTIO_BLK_IN || type == VIRTIO_BLK_OUT);
	for (u32 i = 1; i < count - 1; i++) {
		u8 *piece = at_bus(table[i].address, table[i].bytes);

		CHECK(table[i].bytes % 512 == 0 && table[i].bytes != 0);
		CHECK(table[i].flags == (type == VIRTIO_BLK_IN ? 3 : 1));
		CHECK(sector * 512 + table[i].bytes <= sizeof(disk));
		if (type == VIRTIO_BLK_IN)
			memcpy(piece, disk + sector * 512, table[i].bytes);
		else
			memcpy(disk + sector * 512, piece, table[i].bytes);
		sector += table[i].bytes / 512;
	}
	return *status = below(20) == 0 ? 1 + (u8)below(3) : 0;
}

static u8 answered[QUEUE_ENTRIES]; // status byte by entry

static void device_step(void)
{
	u16 *used = (u16 *)(memory + QUEUE_USED);
	u32 *ring = (u32 *)(memory + QUEUE_USED + 4);
	u32 which;

	device_look();
	if (npending == 0)
		return;
	which = below(npending);
	answered[pending[which]] = device_do(pending[which]);
	ring[device_used % QUEUE_ENTRIES * 2] = pending[which];
	ring[device_used % QUEUE_ENTRIES * 2 + 1] = 1;
	used[1] = ++device_used;
	pending[which] = pending[--npending];
}

// ---- the driver's side: entry i owns pages 4i to 4i+3 and 32 sectors

struct order {
	enum virtio_blk_type type;
	u32 sectors;
};
static struct order order[QUEUE_ENTRIES];

static void offer(struct queue *queue)
{
	struct segment segment[QUEUE_SEGMENTS];
	u32 entry = below(QUEUE_ENTRIES);
	struct order *o = &order[entry];
	u32 left, count = 0;
	u8 *mine = data + entry * 4 * 4096;

	if (queue->rings.under_way & BIT(entry))
		return;
	o->type = below(10) == 0 ? VIRTIO_BLK_FLUSH
		  : below(2)     ? VIRTIO_BLK_IN
				 : VIRTIO_BLK_OUT;
	o->sectors = o->type == VIRTIO_BLK_FLUSH ? 0 : 1 + below(32);
	left = o->sectors * 512;
	for (u32 i = 0; i < left; i += 8) {
		u64 word = next_random();

		memcpy(mine + i, &word, 8);
	}
	if (o->type == VIRTIO_BLK_OUT)
		memcpy(wanted + entry * 32 * 512, mine, left);
	for (; left != 0; count++) {
		u32 step = MIN(left, 4096u);

		segment[count] = (struct segment){
			DATA_BUS + (entry * 4ull + count) * 4096, step};
		left -= step;
	}
	queue_offer(queue, entry, o->type, entry * 32, segment, count);
}

static u64 reap(struct queue *queue)
{
	enum status status, result;
	u64 count = 0;
	u32 entry;

	while ((status = queue_next(queue, &entry, &result)) == STATUS_OK) {
		struct order *o = &order[entry];

		count++;
		CHECK(result == (answered[entry] == 0   ? STATUS_OK
				 : answered[entry] == 2 ? ERR_UNSUPPORTED
							: ERR_IO));
		if (o->type == VIRTIO_BLK_IN)
			CHECK(memcmp(data + entry * 4 * 4096,
				     wanted + entry * 32 * 512,
				     o->sectors * 512) == 0);
	}
	CHECK(status == ERR_EMPTY);
	return count;
}

static void start(struct queue *queue)
{
	u64 bus[QUEUE_PAGES];

	memset(memory, 0, sizeof(memory));
	for (u32 i = 0; i < QUEUE_PAGES; i++)
		bus[i] = bus_of_queue(i);
	queue_init(queue, memory, bus);
	device_seen = device_used = 0;
	npending = 0;
}

static void test_device(u32 rounds)
{
	struct queue queue;
	u64 count = 0;

	start(&queue);
	for (u32 i = 0; i < rounds; i++) {
		if (below(2))
			offer(&queue);
		else if (below(3))
			device_step();
		else
			count += reap(&queue);
	}
	while (queue.rings.under_way != 0) {
		device_step();
		count += reap(&queue);
	}
	CHECK(memcmp(disk, wanted, sizeof(disk)) == 0);
	printf("NOTE %lu requests, %lu flushes\n", count, flushes);
	CHECK(count > 66000 && flushes != 0); // the ring's indices wrapped
}

static void test_garbage(u32 rounds)
{
	struct queue queue;
	u64 refused = 0;

	for (u32 i = 0; i < rounds; i++) {
		u64 before, seen = 0;

		start(&queue);
		for (u32 k = 0; k < 40; k++)
			offer(&queue);
		before = queue.rings.under_way;
		for (u32 k = 0; k < 4 + 8 * QUEUE_ENTRIES; k++)
			memory[QUEUE_USED + k] =
				below(3) ? 0 : (u8)next_random();
		memory[QUEUE_USED + 2] = (u8)below(70);
		memory[QUEUE_USED + 3] = below(4) == 0;
		for (;;) {
			enum status status, result;
			u32 entry;

			status = queue_next(&queue, &entry, &result);
			if (status == ERR_CORRUPT)
				refused++;
			if (status != STATUS_OK)
				break;
			// Each only once, and only what was under way.
			CHECK(before & BIT(entry) && !(seen & BIT(entry)));
			seen |= BIT(entry);
			CHECK(result == ERR_IO);
		}
	}
	CHECK(refused > rounds / 4);
}

int main(void)
{
	const char *text = getenv("KOCHAB_TEST_SEED");

	seed = text ? strtoull(text, nullptr, 10) * 2654435761u + 1 : 12345;
	test_device(500000);
	test_garbage(5000);
	return 0;
}
