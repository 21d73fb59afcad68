// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Rings under random schedules on one thread, in memory that is exactly as large as
// it has to be: all shapes, lengths that are no multiple of a word, buffers that are
// not aligned, laps beyond their 48 bits, sides that begin anew. Then against memory
// that is spoilt at random: nothing beside the ring and the buffers may be touched
// (the sanitizers watch), and only documented errors may come.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bits.h"
#include "lib/ipc/msg.h"
#include "lib/sys/component.h"

#define CHECK(condition)                                                \
	do {                                                            \
		if (!(condition)) {                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__,       \
				__LINE__, #condition);                  \
			abort();                                        \
		}                                                       \
	} while (0)

#define BYTES_MAX 100u

static u64 seed, messages, restarts, spoilt, protocol;
static struct ring_shape shape;
static u8 *memory;
static u64 memory_bytes;
static struct ring producer[RING_PRODUCERS], consumer;
static const struct handle nobody = {0};

static u32 below(u32 limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (u32)((seed >> 11) % limit);
}

// ---- what the library stands on

enum status sys_signal(struct handle self)
{
	(void)self;
	return STATUS_OK;
}

enum status component_wait(u64 mask, u64 deadline_ns, u64 *bits)
{
	(void)mask, (void)deadline_ns, (void)bits;
	return ERR_TIMEOUT;
}

// ----

static void new_ring(void)
{
	shape = (struct ring_shape){.slots = 2u << below(5),
				    .payload_bytes = 1 + below(BYTES_MAX),
				    .producers = 1 + below(4)};
	memory_bytes = ring_bytes(&shape);
	CHECK(memory_bytes != 0);
	free(memory);
	memory = aligned_alloc(64, memory_bytes);
	CHECK(memory);
	memset(memory, 0, memory_bytes);
}

static enum status attach_producer(u32 number)
{
	return ring_attach_producer(&producer[number], memory, memory_bytes,
				    &shape, number, nobody, 1);
}

static enum status attach_consumer(void)
{
	return ring_attach_consumer(&consumer, memory, memory_bytes, &shape,
				    nobody, 1);
}

static void attach_all(void)
{
	CHECK(attach_consumer() == STATUS_OK);
	for (u32 i = 0; i < shape.producers; i++)
		CHECK(attach_producer(i) == STATUS_OK);
}

// A ring that has been used for very long.
static void late_lap(void)
{
	u64 lap = below(2) ? BIT(48) - 1 : below(1000);

	for (u32 i = 0; i < shape.slots; i++)
		*(u64 *)(memory + sizeof(struct ring_shared) +
			 i * align_up(8 + shape.payload_bytes, 64)) =
			lap << RING_TAG_BITS;
}

static u8 byte_of(u64 number, u32 i)
{
	return (u8)(number * 31 + i * 7 + (number >> 8));
}

static u32 length_of(u64 number)
{
	return (u32)(number * 13 % (shape.payload_bytes + 1));
}

static u64 sent, received;

static void send_one(void)
{
	u8 buffer[BYTES_MAX + 8], *from = buffer + below(8);
	u32 bytes = length_of(sent);
	enum status status;

	for (u32 i = 0; i < bytes; i++)
		from[i] = byte_of(sent, i);
	status = msg_send(&producer[below(shape.producers)], from, bytes,
			  MSG_NOW);
	CHECK(status == STATUS_OK || status == ERR_AGAIN);
	if (status == ERR_AGAIN)
		CHECK(sent - received >= shape.slots - 1);
	sent += status == STATUS_OK;
}

static void receive_one(void)
{
	u8 buffer[BYTES_MAX + 8], *to = buffer + below(8);
	u32 bytes = 0;
	enum status status = msg_recv(&consumer, to, shape.payload_bytes,
				      &bytes, MSG_NOW);

	CHECK(status == (sent == received ? ERR_AGAIN : STATUS_OK));
	if (status != STATUS_OK)
		return;
	CHECK(bytes == length_of(received));
	for (u32 i = 0; i < bytes; i++)
		CHECK(to[i] == byte_of(received, i));
	received++;
	messages++;
}

static void test_schedules(void)
{
	for (u32 round = 0; round < 400; round++) {
		new_ring();
		if (below(2))
			late_lap();
		attach_all();
		sent = received = 0;
		for (u32 i = 0; i < 600; i++) {
			if (below(2))
				send_one();
			else
				receive_one();
			if (below(100) == 0) {
				ring_release(&consumer);
				attach_all();
				restarts++;
			}
		}
	}
}

static void allowed(enum status status)
{
	CHECK(status == STATUS_OK || status == ERR_AGAIN ||
	      status == ERR_PROTOCOL || status == ERR_RANGE);
	protocol += status == ERR_PROTOCOL;
}

static void spoil(void)
{
	for (u32 n = 1 + below(4); n != 0; n--) {
		u64 word = (u64)below(~0u) << 32 | below(~0u), at;

		at = below((u32)(memory_bytes / 8));
		if (below(2)) // a slot's word
			at = (sizeof(struct ring_shared) +
			      below(shape.slots) *
				      align_up(8 + shape.payload_bytes, 64)) / 8;
		if (below(2)) // that might be
			word = (u64)below(3) << RING_TAG_BITS |
				(word & 1 ? RING_FULL + below(120) : below(20));
		((u64 *)memory)[at] = word;
		spoilt++;
	}
	// The header is right, or nobody would come past it.
	((u64 *)memory)[0] = ((u64 *)memory)[1] = 0;
}

static void test_spoilt(void)
{
	u8 buffer[BYTES_MAX];
	u32 bytes, done;

	for (u32 round = 0; round < 3000; round++) {
		new_ring();
		attach_all();
		for (u32 i = 0; i < 40; i++) {
			struct ring *out = &producer[below(shape.producers)];

			if (below(4) == 0)
				spoil();
			allowed(msg_send(out, buffer, below(BYTES_MAX),
					 MSG_NOW));
			allowed(msg_recv(&consumer, buffer, BYTES_MAX, &bytes,
					 MSG_NOW));
			allowed(msg_recv_many(&consumer, buffer, 10, 10, &done,
					      MSG_NOW));
			CHECK(done <= 10);
			(void)ring_ready(out);
			(void)ring_ready(&consumer);
			if (below(10) == 0 && attach_consumer() != STATUS_OK)
				break;
			if (below(10) == 0 &&
			    attach_producer(below(shape.producers)) != STATUS_OK)
				break;
		}
		((u64 *)memory)[0] = ((u64 *)memory)[1] = 0;
		ring_clear(&consumer);
		attach_all();
		sent = received = 0;
		send_one();
		receive_one();
		CHECK(received == 1);
	}
}

int main(void)
{
	const char *text = getenv("KOCHAB_TEST_SEED");

	seed = text ? strtoull(text, nullptr, 10) * 2654435761u + 1 : 12345;
	test_schedules();
	test_spoilt();
	printf("NOTE %lu messages, %lu restarts; %lu words spoilt, %lu times "
	       "PROTOCOL\n", messages, restarts, spoilt, protocol);
	CHECK(messages > 10000 && restarts > 100 && protocol > 1000);
	free(memory);
	return 0;
}
