// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Pairs that call each other, a client of this process and a server of the other one,
// each with an endpoint of its own: first one pair on one processor, then one on each
// of two. The clock counts the instructions of all processors, of which each executes
// half: were they executed at the same time, two pairs would have done twice the work
// in that half. The row says how much more work in the same time that is than one
// pair's: 2, less what a processor executes more because of the other, such as
// waiting for locks and interrupts. Nothing else that slows processors down on
// hardware shows.
#include "apps/kernel-bench/bench.h"

#define CALLS 200000
#define STACKS (SHARED_AT + SHARED_BYTES) // one below the other, the peer's first
#define STACK 0x4000ull

#define SLOT_OTHER_ROW (SLOT_ROW + 1) // the second pair's endpoint
#define SLOT_START (SLOT_ROW + 2)
#define SLOT_DONE (SLOT_ROW + 3)
#define SLOT_THREADS (SLOT_ROW + 4) // two servers, the second client

static void serve(struct handle endpoint)
{
	struct message message = {};
	u64 badge;

	must(ipc_recv(endpoint, &message, 0), "recv");
	while (ipc_reply_recv_0(endpoint, &badge) == 0)
		;
}

[[noreturn]] static void server(u64 slot)
{
	serve(handle_of((u32)slot));
	for (;;)
		(void)!sys_yield();
}

static void call_all(struct handle endpoint, u32 calls)
{
	for (u32 i = 0; i < calls; i++)
		if (ipc_call_0(endpoint) != 0)
			must(ERR_STATE, "a call of a pair");
}

[[noreturn]] static void other_client(u64)
{
	call_all(handle_of(SLOT_OTHER_ROW), WARM_UP);
	for (;;) {
		(void)!sys_signal(handle_of(SLOT_DONE));
		(void)!sys_wait(handle_of(SLOT_START), ~0ull, 0, nullptr);
		call_all(handle_of(SLOT_OTHER_ROW), CALLS);
	}
}

static void thread(u32 number, bool peer, void (*run)(u64), u64 argument,
		   u32 priority, u64 cpu)
{
	u32 slot = SLOT_THREADS + number;

	make(slot, OBJECT_THREAD, 0, 0);
	must(sys_thread_configure(
		     handle_of(slot),
		     peer ? handle_of(SLOT_PEER_ASPACE) : SELF_ASPACE,
		     peer ? handle_of(SLOT_PEER_CNODE) : SELF_CNODE, NONE,
		     PEER_LAYER, 0),
	     "thread_configure");
	must(sys_thread_schedule(handle_of(slot), SCHED, priority, 100,
				 1ull << cpu),
	     "thread_schedule");
	must(sys_thread_start(handle_of(slot), (u64)run,
			      STACKS - number * STACK - 8, argument, 0),
	     "thread_start");
}

void pairs_measure(void)
{
	u64 one, two, start;

	make(SLOT_ROW, OBJECT_ENDPOINT, SERVER_LAYER, 0);
	make(SLOT_OTHER_ROW, OBJECT_ENDPOINT, SERVER_LAYER, 0);
	make(SLOT_START, OBJECT_NOTIFICATION, 0, 0);
	make(SLOT_DONE, OBJECT_NOTIFICATION, 0, 0);
	peer_give(SLOT_ROW);
	peer_give(SLOT_OTHER_ROW);
	thread(0, true, server, SLOT_ROW, PRIORITY + 1, 0);
	thread(1, true, server, SLOT_OTHER_ROW, PRIORITY + 1, 1);
	thread(2, false, other_client, 0, PRIORITY, 1);
	must(sys_wait(handle_of(SLOT_DONE), ~0ull, 0, nullptr), "wait");
	call_all(ROW, WARM_UP);
	start = ticks();
	call_all(ROW, CALLS);
	one = ticks() - start;
	start = ticks();
	must(sys_signal(handle_of(SLOT_START)), "signal");
	call_all(ROW, CALLS);
	must(sys_wait(handle_of(SLOT_DONE), ~0ull, 0, nullptr), "wait");
	two = ticks() - start;
	say("BENCH throughput-2cpu ratio %lu.%03lu\n", 4 * one / two,
	    4000 * one / two % 1000);
}
