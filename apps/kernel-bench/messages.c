// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Rows with two processes: calls, signals, yields.
#include "apps/kernel-bench/bench.h"
#include "lib/ipc/arch/message_arch.h"

#define SLOT_GIFT (SLOT_ROW + 2)
#define SLOT_ARRIVES 40 // in the peer

static void good(i64 status, const char *what)
{
	must(status < 0 ? (enum status)status : STATUS_OK, what);
}

// ---- calls

static void server_start(void (*run)(void))
{
	make(SLOT_ROW, OBJECT_ENDPOINT, SERVER_LAYER, 0);
	peer_give(SLOT_ROW);
	peer_run(run, PRIORITY + 1);
}

static void first_message(void)
{
	struct message message = {};

	must(ipc_recv(ROW, &message, 0), "recv");
}

static void serve_0(void)
{
	u64 badge;

	first_message();
	while (ipc_reply_recv_0(ROW, &badge) == 0)
		;
}

static u64 call_0(u64 *)
{
	server_start(serve_0);
	good(ipc_call_0(ROW), "call");
	return MEASURE((void)ipc_call_0(ROW));
}

static void serve_4(void)
{
	u64 badge, a = 0, b = 0, c = 0, d = 0;

	first_message();
	while (ipc_reply_recv_4(ROW, &badge, &a, &b, &c, &d) == 0)
		;
}

static u64 call_32(u64 *)
{
	u64 a = 1, b = 2, c = 3, d = 4;

	server_start(serve_4);
	good(ipc_call_4(ROW, &a, &b, &c, &d), "call");
	return MEASURE((void)ipc_call_4(ROW, &a, &b, &c, &d));
}

static void serve_8(void)
{
	u64 badge, word[MESSAGE_WORDS] = {};

	first_message();
	while (ipc_reply_recv_8(ROW, &badge, word) == 0)
		;
}

static u64 call_64(u64 *)
{
	u64 word[MESSAGE_WORDS] = {1, 2, 3, 4, 5, 6, 7, 8};

	server_start(serve_8);
	good(ipc_call_8(ROW, word), "call");
	return MEASURE((void)ipc_call_8(ROW, word));
}

// 960 bytes: eight words in registers, the rest through message pages, which are made
// by who calls and which both sides fill and read.
#define LONG_WORDS 120
#define SLOT_PAGE (SLOT_ROW + 3)

static void page_set(u32 thread, u32 page, u64 offset)
{
	must(sys_thread_message(handle_of(thread), handle_of(page), offset),
	     "thread_message");
}

[[gnu::always_inline]] static inline i64 long_exchange(u64 number, u64 *badge,
						       u64 word[MESSAGE_WORDS])
{
	return arch_message(number | LONG_WORDS << INFO_WORDS_SHIFT, badge,
			    word, 0, 0);
}

static void serve_long(void)
{
	u64 badge = SLOT_ROW, word[MESSAGE_WORDS] = {};

	first_message();
	while (long_exchange(SYS_REPLY_RECV, &badge, word) >= 0)
		badge = SLOT_ROW;
}

static void call_long_once(void)
{
	u64 cap = SLOT_ROW, word[MESSAGE_WORDS] = {1, 2, 3, 4, 5, 6, 7, 8};

	good(long_exchange(SYS_CALL, &cap, word), "call");
}

static u64 call_960(u64 *)
{
	u64 elapsed;

	make(SLOT_PAGE, OBJECT_MEMORY, 2 * PAGE_BYTES, 0);
	make(SLOT_ROW, OBJECT_ENDPOINT, SERVER_LAYER, 0);
	peer_give(SLOT_ROW);
	peer_prepare();
	page_set(SLOT_THREAD, SLOT_PAGE, 0);
	page_set(SLOT_PEER_THREAD, SLOT_PAGE, PAGE_BYTES);
	peer_start(serve_long, PRIORITY + 1);
	call_long_once();
	elapsed = MEASURE(call_long_once());
	page_set(SLOT_THREAD, 0, 0);
	return elapsed;
}

static void serve_fpu(void)
{
	u64 badge;

	first_message();
	do
		touch_fpu();
	while (ipc_reply_recv_0(ROW, &badge) == 0);
}

static u64 call_fpu(u64 *)
{
	server_start(serve_fpu);
	good(ipc_call_0(ROW), "call");
	return MEASURE((touch_fpu(), (void)ipc_call_0(ROW)));
}

// The capability that came is deleted before the answer.
static void serve_gift(void)
{
	u64 word[MESSAGE_WORDS] = {}, cap = SLOT_ROW;
	i64 result;

	result =
		arch_message(SYS_RECV | INFO_CAPS, &cap, word, 0, SLOT_ARRIVES);
	while (result >= 0) {
		shared->count += result >> INFO_CAPS_SHIFT & 0xf;
		(void)!sys_cap_delete(SELF_CNODE, SLOT_ARRIVES);
		cap = SLOT_ROW;
		result = arch_message(SYS_REPLY_RECV | INFO_CAPS, &cap, word, 0,
				      SLOT_ARRIVES);
	}
}

[[gnu::always_inline]] static inline i64 give(void)
{
	u64 word[MESSAGE_WORDS] = {}, cap = SLOT_ROW;

	return arch_message(SYS_CALL | INFO_CAPS | 1 << INFO_CAPS_SHIFT, &cap,
			    word, 0, SLOT_GIFT);
}

static u64 call_gift(u64 *)
{
	u64 elapsed;

	shared->count = 0;
	make(SLOT_GIFT, OBJECT_NOTIFICATION, 0, 0);
	server_start(serve_gift);
	good(give(), "call");
	elapsed = MEASURE((void)give());
	if (shared->count != ROUNDS + WARM_UP + 1)
		must(ERR_STATE, "a capability did not arrive");
	return elapsed;
}

// ---- signals

static void wait_and_stamp(void)
{
	u64 now;

	while (sys_wait(ROW, ~0ull, 0, nullptr) == STATUS_OK) {
		now = ticks();
		shared->sum += now - shared->stamp;
	}
}

// The counter of some machines moves once in many instructions. Stamps that are
// taken at every distance from such a move in turn let these errors cancel out.
static void change_phase(u32 round)
{
	u64 now = bench_counter();

	if (TICK_INSTRUCTIONS == 1)
		return;
	while (bench_counter() == now)
		;
	for (u32 i = round % TICK_INSTRUCTIONS; i; i--)
		__asm__ volatile("" ::: "memory");
}

// From the stamp before the signal to the one behind the wait. What two stamps
// with nothing between them are apart is subtracted.
static u64 signal_wake(u64 *rounds)
{
	u64 none = 0;

	for (u32 i = 0; i < ROUNDS; i++) {
		change_phase(i);
		shared->stamp = ticks();
		none += ticks() - shared->stamp;
	}
	make(SLOT_ROW, OBJECT_NOTIFICATION, 0, 0);
	peer_give(SLOT_ROW);
	peer_run(wait_and_stamp, PRIORITY + 1);
	shared->sum = 0;
	for (u32 i = 0; i < ROUNDS; i++) {
		u64 before = shared->sum;

		change_phase(i);
		shared->stamp = ticks();
		(void)!sys_signal(ROW);
		if (samples)
			samples[i] = (u32)(shared->sum - before);
	}
	*rounds = ROUNDS;
	return shared->sum - none;
}

static void signal_back(void)
{
	while (sys_wait(ROW, ~0ull, 0, nullptr) == STATUS_OK)
		(void)!sys_signal(ROW_2);
}

static void ping(void)
{
	(void)!sys_signal(ROW);
	(void)!sys_wait(ROW_2, ~0ull, 0, nullptr);
}

static u64 signal_pingpong(u64 *)
{
	make(SLOT_ROW, OBJECT_NOTIFICATION, 0, 0);
	make(SLOT_ROW + 1, OBJECT_NOTIFICATION, 0, 0);
	peer_give(SLOT_ROW);
	peer_give(SLOT_ROW + 1);
	peer_run(signal_back, PRIORITY);
	return MEASURE(ping());
}

// ---- an interrupt
#define TIMER handle_of(SLOT_ROW + 2)
#define TIMER_AHEAD_NS 5000

static void note_interrupt(void)
{
	while (sys_wait(ROW, ~0ull, 0, nullptr) == STATUS_OK) {
		u64 now = ticks();

		shared->sum += now - shared->stamp;
		shared->count = 1;
	}
}

// From the last stamp of a loop that the timer interrupts to the first instruction
// of the more urgent thread that waits for it. The deadlines differ, so that the
// moment lies at every distance from a move of the counter.
static u64 irq_wake(u64 *rounds)
{
	make(SLOT_ROW, OBJECT_NOTIFICATION, 0, 0);
	make(SLOT_ROW + 2, OBJECT_TIMER, 0, 0);
	peer_give(SLOT_ROW);
	peer_run(note_interrupt, PRIORITY + 1);
	shared->sum = 0;
	for (u32 i = 0; i < ROUNDS; i++) {
		u64 before = shared->sum;

		shared->count = 0;
		must(sys_timer_set(TIMER, ROW, 1,
				   clock_ns() + TIMER_AHEAD_NS + i % 997, 0),
		     "timer_set");
		while (!shared->count)
			shared->stamp = ticks();
		if (samples)
			samples[i] = (u32)(shared->sum - before);
	}
	*rounds = ROUNDS;
	return shared->sum;
}

// ---- yields

static void yield_for_ever(void)
{
	for (;;)
		(void)!sys_yield();
}

static u64 yield_pair(u64 *)
{
	peer_run(yield_for_ever, PRIORITY);
	return MEASURE((void)!sys_yield());
}

const struct row message_rows[] = {{"call-reply-0", call_0},
				   {"call-reply-32", call_32},
				   {"call-reply-64", call_64},
				   {"call-reply-960", call_960},
				   {"call-reply-fpu", call_fpu},
				   {"call-cap-transfer", call_gift},
				   {"signal-wake", signal_wake},
				   {"signal-pingpong", signal_pingpong},
				   {"irq-wake", irq_wake},
				   {"yield-pair", yield_pair},
				   {}};
