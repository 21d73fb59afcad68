// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Rows about messages through shared memory (lib/ipc/msg.h) and about large data
// (lib/ipc/bulk.h). The ring rows count both sides; nobody sleeps, so there is no
// system call in them, but for ring-wake.
#include "apps/kernel-bench/bench.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/ipc/bulk.h"
#include "lib/ipc/msg.h"

#define RING_AT (SHARED_AT + 0x1000)
#define RING_ROOM 0xa000ull
// Not of the program itself: each process of the crowd has a copy of its data.
#define buffer ((u8 *)(RING_AT + RING_ROOM)) // the peer's stack is above
#define BATCH_MOST 64u

#define BULK_BYTES (1ull << 20)
#define BULK_ROUNDS 50u
#define SLOT_SERVICE SLOT_ROW
#define SLOT_BULK (SLOT_ROW + 1)
#define SLOT_PEER_POOL (SLOT_ROW + 2)
#define SLOT_CAME 50u // in the peer
#define SLOT_KEPT 51u

static const struct ring_shape small = {128, 64, 1};
static struct ring out, in;
static_assert(0x1000 + RING_ROOM + RING_PAYLOAD_MAX <= SHARED_BYTES / 2);

static void open_ring(const struct ring_shape *shape)
{
	memset((void *)RING_AT, 0, RING_ROOM);
	must(ring_attach_consumer(&in, (void *)RING_AT, RING_ROOM, shape, NONE,
				  1), "a ring's consumer");
	must(ring_attach_producer(&out, (void *)RING_AT, RING_ROOM, shape, 0,
				  ROW, 1), "a ring's producer");
}

static void no_calls(void)
{
	if (out.counters.signals + in.counters.signals + out.counters.waits +
	    in.counters.waits)
		must(ERR_STATE, "a system call in a row without any");
}

static void one_message(void)
{
	u32 bytes;

	(void)!msg_send(&out, buffer, 64, MSG_NOW);
	(void)!msg_recv(&in, buffer, 64, &bytes, MSG_NOW);
}

static u64 ring_1(u64 *)
{
	u64 elapsed;

	open_ring(&small);
	elapsed = MEASURE(one_message());
	no_calls();
	return elapsed;
}

static u64 batches(u32 count, u64 *rounds)
{
	u32 done = 0;
	u64 start;

	open_ring(&small);
	*rounds = ROUNDS / count * count;
	start = ticks();
	for (u64 i = 0; i < *rounds; i += done) {
		(void)!msg_send_many(&out, buffer, 64, count, &done, MSG_NOW);
		(void)!msg_recv_many(&in, buffer, 64, count, &done, MSG_NOW);
	}
	start = ticks() - start;
	no_calls();
	if (done != count)
		must(ERR_STATE, "a batch was cut short");
	return start;
}

static u64 ring_8(u64 *rounds)
{
	return batches(8, rounds);
}

static u64 ring_64(u64 *rounds)
{
	return batches(64, rounds);
}

// Ticks of so many KiB in messages of that size.
static u64 kib(u32 bytes, u32 slots, u64 *rounds)
{
	const struct ring_shape shape = {slots, bytes, 1};
	u64 total = 0, start;
	u32 got;

	open_ring(&shape);
	start = ticks();
	for (u32 i = 0; i < ROUNDS / 100; i++, total += bytes) {
		(void)!msg_send(&out, buffer, bytes, MSG_NOW);
		(void)!msg_recv(&in, buffer, bytes, &got, MSG_NOW);
	}
	start = ticks() - start;
	no_calls();
	*rounds = total >> 10;
	return start;
}

static u64 kib_64(u64 *rounds)
{
	return kib(64, 16, rounds);
}

static u64 kib_1k(u64 *rounds)
{
	return kib(1024, 16, rounds);
}

static u64 kib_16k(u64 *rounds)
{
	return kib(RING_PAYLOAD_MAX, 2, rounds);
}

// ---- a consumer that sleeps each time

static void receive_for_ever(void)
{
	u32 bytes;

	must(ring_attach_consumer(&in, (void *)RING_AT, RING_ROOM, &small, NONE,
				  1), "the peer's side");
	while (msg_recv(&in, buffer, 64, &bytes, 0) == STATUS_OK)
		;
}

// Who waits as a component looks at its startup page.
static void give_startup(void)
{
	u64 bytes = align_up(sizeof(*startup), PAGE_BYTES);
	struct handle copy = handle_of(SLOT_ROW + 2);

	make(copy.value, OBJECT_MEMORY, bytes, MEMORY_COMMITTED);
	must(sys_aspace_map(SELF_ASPACE, copy, 0, AREA, bytes,
			    MAP_READ | MAP_WRITE), "a startup page");
	memcpy((void *)AREA, startup, sizeof(*startup));
	must(sys_aspace_unmap(SELF_ASPACE, AREA, bytes), "unmap");
	must(sys_aspace_map(handle_of(SLOT_PEER_ASPACE), copy, 0, (u64)startup,
			    bytes, MAP_READ), "the peer's startup page");
}

static u64 ring_wake_row(u64 *)
{
	u64 elapsed;

	make(SLOT_ROW, OBJECT_NOTIFICATION, 0, 0);
	must(sys_cap_copy(handle_of(SLOT_PEER_CNODE), SLOT_NOTIFICATION, ROW),
	     "the peer's notification");
	must(sys_cap_mint(SELF_CNODE, SLOT_ROW + 1, ROW, ~0u, 1), "a badge");
	give_startup();
	memset((void *)RING_AT, 0, RING_ROOM);
	must(ring_attach_producer(&out, (void *)RING_AT, RING_ROOM, &small, 0,
				  ROW_2, 1), "a ring's producer");
	peer_run(receive_for_ever, PRIORITY + 1);
	elapsed = MEASURE((void)!msg_send(&out, buffer, 64, MSG_NOW));
	if (out.counters.signals < ROUNDS)
		must(ERR_STATE, "the consumer did not sleep");
	must(sys_aspace_unmap(handle_of(SLOT_PEER_ASPACE), (u64)startup,
			      align_up(sizeof(*startup), PAGE_BYTES)), "unmap");
	return elapsed;
}

// ---- a mebibyte at once

static void receive_bulk(void)
{
	for (;;) {
		struct message message = {.slot = {SLOT_CAME}};
		enum status status;
		u64 bytes;

		if (ipc_recv(handle_of(SLOT_SERVICE), &message, 0) != STATUS_OK)
			return;
		status = bulk_receive(&message, handle_of(SLOT_PEER_POOL),
				      SLOT_KEPT, &bytes);
		must(status, "bulk_receive");
		(void)!sys_cap_delete(SELF_CNODE, SLOT_KEPT);
		(void)!ipc_reply(&message);
	}
}

static void bulk_new(void)
{
	make(SLOT_BULK, OBJECT_MEMORY, BULK_BYTES, MEMORY_COMMITTED);
	must(sys_aspace_map(SELF_ASPACE, handle_of(SLOT_BULK), 0, AREA,
			    BULK_BYTES, MAP_READ | MAP_WRITE), "bulk memory");
	for (u64 i = 0; i < BULK_BYTES; i += PAGE_BYTES)
		*(volatile u8 *)(AREA + i) = 1;
}

// What is used up, is made again outside of the time.
static u64 bulk_row(enum bulk_way way, u64 *rounds)
{
	u64 elapsed = 0;

	// The slots below are this program's, given by number.
	while (slot_alloc() < SLOT_ROW_END)
		;
	make(SLOT_SERVICE, OBJECT_ENDPOINT, SERVER_LAYER, 0);
	must(sys_cap_copy(SELF_CNODE, SLOT_PEER_POOL, SELF_POOL), "a pool");
	peer_give(SLOT_SERVICE);
	peer_give(SLOT_PEER_POOL);
	peer_run(receive_bulk, PRIORITY + 1);
	bulk_new();
	for (*rounds = 0; *rounds < BULK_ROUNDS; ++*rounds) {
		u64 start = ticks();

		must(bulk_send(handle_of(SLOT_SERVICE), way,
			       handle_of(SLOT_BULK), (void *)AREA, BULK_BYTES,
			       0), "bulk_send");
		elapsed += ticks() - start;
		if (way == BULK_MOVE)
			bulk_new();
	}
	if (bulk_counters.copied_bytes)
		must(ERR_STATE, "bytes were copied");
	must(sys_aspace_unmap(SELF_ASPACE, AREA, BULK_BYTES), "unmap");
	return elapsed;
}

static u64 share_1m(u64 *rounds)
{
	return bulk_row(BULK_SHARE, rounds);
}

static u64 move_1m(u64 *rounds)
{
	return bulk_row(BULK_MOVE, rounds);
}

static u64 clone_1m(u64 *rounds)
{
	return bulk_row(BULK_CLONE, rounds);
}

const struct row ring_rows[] = {{"ring-1", ring_1},
				{"ring-8", ring_8},
				{"ring-64", ring_64},
				{"ring-wake", ring_wake_row},
				{"share-1m", share_1m},
				{"move-1m", move_1m},
				{"clone-1m", clone_1m},
				{}};
const struct row kib_rows[] = {{"ring-kib-64", kib_64},
			       {"ring-kib-1k", kib_1k},
			       {"ring-kib-16k", kib_16k},
			       {}};
