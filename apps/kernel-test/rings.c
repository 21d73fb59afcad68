// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// lib/ipc between processes: rings with one and with several producers, deaths in
// the middle, a peer that spoils the memory, and large data by share, move and
// clone. A process here is this program in an address space and a capability space
// of its own; dying is being stopped for good, wherever it is.
#include "abi/message.h"
#include "apps/kernel-test/harness/harness.h"
#include "lib/base/bits.h"
#include "lib/ipc/bulk.h"
#include "lib/ipc/msg.h"

#define RW (MAP_READ | MAP_WRITE)
#define CNODE_BITS 8
#define RING_AT(n) (AREA + (u64)(n) * 0x100000)
#define RING_ROOM 0x80000ull
#define SLOT_PEER 20u // and further ones, in each process: whom to signal
#define NUMBERS 8 // words of a message

#define EACH_WAY 1000000u
#define PRODUCERS 4u
#define OF_EACH 250000u

struct process {
	struct worker *worker;
	struct handle aspace, cnode, bell;
	u32 cpu;
};

static struct process process[PRODUCERS + 1];

static void give(struct process *p, u32 index, struct handle cap)
{
	OK(sys_cap_copy(p->cnode, index, cap));
}

static void process_new(struct process *p, u32 number)
{
	*p = (struct process){.aspace = space_new(),
			      .cnode = make(OBJECT_CNODE, CNODE_BITS, 0),
			      .bell = notification(),
			      .cpu = number % cpus_online()};
	give(p, SLOT_CNODE, p->cnode);
	give(p, SLOT_ASPACE, p->aspace);
	give(p, SLOT_POOL, CASE_POOL);
	give(p, SLOT_NOTIFICATION, p->bell);
}

static struct worker *process_run(struct process *p, void (*run)(struct worker *))
{
	struct worker *worker = worker_new(run);

	worker->aspace = p->aspace;
	worker->cspace = p->cnode;
	worker->cpus = BIT(p->cpu);
	worker_prepare(worker);
	give(p, worker->thread, handle_of(worker->thread)); // to park
	p->worker = worker;
	return worker;
}

// It stops where it is, and never goes on.
static void process_die(struct process *p)
{
	OK(sys_thread_stop(handle_of(p->worker->thread)));
	OK(sys_cap_delete(p->cnode, p->worker->thread));
	OK(slot_delete(handle_of(p->worker->thread)));
	OK(slot_delete(handle_of(p->worker->bell)));
	p->worker->stack = 0; // for its successor
}

// A capability space that has itself in it would stay for ever.
static void processes_end(u32 count)
{
	for (u32 i = 0; i < count; i++) {
		OK(slot_revoke(handle_of(process[i].worker->thread)));
		OK(slot_revoke(process[i].cnode));
	}
}

// Memory for a ring, mapped in so many processes and here.
static struct handle ring_memory(u32 index, u32 processes)
{
	struct handle memory = memory_of(RING_ROOM);

	for (u32 i = 0; i < processes; i++)
		OK(sys_aspace_map(process[i].aspace, memory, 0, RING_AT(index),
				  RING_ROOM, RW));
	map_at(memory, RING_AT(index), RING_ROOM, RW);
	return memory;
}

// On a process of its own, which has a notification to wait on.
static void run_alone(void (*run)(struct worker *))
{
	process_new(&process[0], 0);
	ring_memory(0, 1);
	worker_start(process_run(&process[0], run));
	worker_join(process[0].worker);
	processes_end(1);
}

// In `of`, slot SLOT_PEER + number signals bits on the bell of `whom`.
static void give_bell(struct process *of, u32 number, const struct process *whom,
		      u64 bits)
{
	give(of, SLOT_PEER + number, with_badge(whom->bell, bits));
}

static void produce_on(struct ring *ring, u32 index,
		       const struct ring_shape *shape, u32 producer, u32 peer,
		       u64 my_bits)
{
	OK(ring_attach_producer(ring, (void *)RING_AT(index), RING_ROOM, shape,
				producer, handle_of(SLOT_PEER + peer),
				my_bits));
}

static void consume_on(struct ring *ring, u32 index,
		       const struct ring_shape *shape, u32 peer, u64 my_bits)
{
	OK(ring_attach_consumer(ring, (void *)RING_AT(index), RING_ROOM, shape,
				handle_of(SLOT_PEER + peer), my_bits));
	for (u32 i = 1; i < shape->producers; i++)
		ring_peer(ring, i, handle_of(SLOT_PEER + peer + i));
}

// Message number n of a sender: its length and every word depend on n.
static u32 compose(u64 word[NUMBERS], u64 sender, u64 n)
{
	u32 words = 1 + (u32)(n % (NUMBERS - 1));

	word[0] = sender << 48 | n;
	for (u32 i = 1; i < words; i++)
		word[i] = (word[0] + i) * 0x9e3779b97f4a7c15;
	return words * 8;
}

static void must_be(const u64 *word, u32 bytes, u64 sender, u64 n)
{
	u64 want[NUMBERS];

	SAME(word[0], sender << 48 | n);
	SAME(bytes, compose(want, sender, n));
	CHECK(memcmp(word, want, bytes) == 0);
}

// ---- two processes, both ways at once

static const struct ring_shape pair_shape = {64, NUMBERS * 8, 1};

static void both_ways(struct worker *self)
{
	u64 number = self->argument[0], limit = self->argument[1];
	u64 sent = 0, received = 0, word[NUMBERS];
	struct ring out, in;
	struct msg_poll poll[2] = {{.ring = &in}, {.ring = &out}};
	u32 bytes;

	produce_on(&out, (u32)number, &pair_shape, 0, 0, 1);
	consume_on(&in, (u32)number ^ 1, &pair_shape, 0, 2);
	while (sent < limit || received < limit) {
		enum status status = STATUS_OK;

		while (sent < limit && status == STATUS_OK) {
			bytes = compose(word, number, sent);
			status = msg_send(&out, word, bytes, MSG_NOW);
			sent += status == STATUS_OK;
		}
		CHECK(status == STATUS_OK || status == ERR_AGAIN);
		while ((status = msg_recv(&in, word, sizeof(word), &bytes,
					  MSG_NOW)) == STATUS_OK)
			must_be(word, bytes, number ^ 1, received++);
		SAME(status, ERR_AGAIN);
		if (sent < limit || received < limit)
			OK(msg_poll(poll, sent < limit ? 2 : 1, 0, nullptr, 0));
	}
	self->result[0] = out.counters.signals + in.counters.signals;
	self->result[1] = out.counters.copied_bytes;
}

static void test_both_ways(void)
{
	for (u32 i = 0; i < 2; i++)
		process_new(&process[i], i);
	for (u32 i = 0; i < 2; i++) {
		ring_memory(i, 2);
		// Bit 1 for a ring that has room, 2 for one with messages.
		give_bell(&process[i], 0, &process[i ^ 1], 3);
		process_run(&process[i], both_ways)->argument[0] = i;
		process[i].worker->argument[1] = EACH_WAY;
	}
	for (u32 i = 0; i < 2; i++)
		worker_start(process[i].worker);
	for (u32 i = 0; i < 2; i++)
		worker_join(process[i].worker);
	processes_end(2);
	say("rings: %u messages each way, %lu signals for 1000\n", EACH_WAY,
	    (process[0].worker->result[0] + process[1].worker->result[0]) *
		    500 / EACH_WAY);
}

// ---- several producers

static const struct ring_shape many_shape = {128, NUMBERS * 8, PRODUCERS};

static void produce_many(struct worker *self)
{
	u64 number = self->argument[0], word[NUMBERS];
	struct ring ring;

	produce_on(&ring, 0, &many_shape, (u32)number, 0, 1);
	for (u64 i = 0; i < OF_EACH; i++)
		OK(msg_send(&ring, word, compose(word, number, i), 0));
}

static void consume_many(struct worker *self)
{
	u64 next[PRODUCERS] = {}, word[NUMBERS];
	struct ring ring;
	u32 bytes;

	consume_on(&ring, 0, &many_shape, 0, 1);
	for (u64 i = 0; i < PRODUCERS * OF_EACH; i++) {
		OK(msg_recv(&ring, word, sizeof(word), &bytes, 0));
		CHECK(word[0] >> 48 < PRODUCERS);
		must_be(word, bytes, word[0] >> 48, next[word[0] >> 48]++);
	}
	for (u32 i = 0; i < PRODUCERS; i++)
		SAME(next[i], OF_EACH);
	SAME(msg_recv(&ring, word, sizeof(word), &bytes, MSG_NOW), ERR_AGAIN);
	self->result[0] = ring.counters.signals;
}

// Producers are processes 0 to PRODUCERS - 1, the consumer the last.
static void many_new(void)
{
	for (u32 i = 0; i <= PRODUCERS; i++)
		process_new(&process[i], i);
	ring_memory(0, PRODUCERS + 1);
	for (u32 i = 0; i < PRODUCERS; i++) {
		give_bell(&process[i], 0, &process[PRODUCERS], 1);
		give_bell(&process[PRODUCERS], i, &process[i], 1);
	}
}

static void test_many(void)
{
	many_new();
	for (u32 i = 0; i < PRODUCERS; i++)
		process_run(&process[i], produce_many)->argument[0] = i;
	process_run(&process[PRODUCERS], consume_many);
	for (u32 i = 0; i <= PRODUCERS; i++)
		worker_start(process[i].worker);
	for (u32 i = 0; i <= PRODUCERS; i++)
		worker_join(process[i].worker);
	processes_end(PRODUCERS + 1);
	say("rings: %u messages from %u producers, %lu signals to them\n",
	    PRODUCERS * OF_EACH, PRODUCERS,
	    process[PRODUCERS].worker->result[0]);
}

// ---- deaths. What a producer or the consumer knows for certain is in shared
// memory, as a component's stash: number of messages sent, next number expected.

#define SENT(n) shared->number[n]
#define NEXT(n) shared->number[8 + (n)]
#define AGAIN_COUNT shared->number[16]
#define DEATHS 24u

static void produce_for_ever(struct worker *self)
{
	u32 number = (u32)self->argument[0];
	u64 word[NUMBERS];
	struct ring ring;

	produce_on(&ring, 0, self->argument[1] ? &many_shape : &pair_shape,
		   number, 0, 1);
	if (!self->argument[1])
		SENT(number) = ring.position; // exactly what was published
	for (;;) {
		OK(msg_send(&ring, word, compose(word, number, SENT(number)),
			    0));
		SENT(number)++;
	}
}

// Each message once, in order; the last ones again after a death.
static void consume_for_ever(struct worker *self)
{
	u64 word[NUMBERS];
	struct ring ring;
	u32 bytes;

	consume_on(&ring, 0, self->argument[1] ? &many_shape : &pair_shape, 0,
		   1);
	for (;;) {
		u64 sender, n;

		OK(msg_recv(&ring, word, sizeof(word), &bytes, 0));
		sender = word[0] >> 48;
		n = word[0] & (BIT(48) - 1);
		CHECK(sender < PRODUCERS);
		must_be(word, bytes, sender, n);
		if (n + 1 == NEXT(sender))
			AGAIN_COUNT++;
		else
			SAME(n, NEXT(sender));
		NEXT(sender) = n + 1;
	}
}

static u64 taken_in_all(void)
{
	u64 sum = 0;

	for (u32 i = 0; i < PRODUCERS; i++)
		sum += NEXT(i);
	return sum;
}

// So many more messages must come through.
static void flows(u64 more)
{
	u64 want = taken_in_all() + more, end = clock_ns() + 60 * SECOND;

	while (taken_in_all() < want && !shared->failed) {
		if (clock_ns() > end)
			FAIL("stuck: %lu messages, %lu wanted", taken_in_all(),
			     want);
		pause_ns(MS);
	}
}

static void run_as(u32 number, u32 consumer, bool many)
{
	process_run(&process[number], number == consumer ? consume_for_ever
							 : produce_for_ever);
	process[number].worker->argument[0] = number;
	process[number].worker->argument[1] = many;
	worker_start(process[number].worker);
}

static void die_and_go_on(u32 producers, bool many)
{
	u64 random = 1;

	for (u32 i = 0; i <= producers; i++)
		run_as(i, producers, many);
	for (u32 i = 0; i < DEATHS && !shared->failed; i++) {
		u32 victim = (u32)(random_next(&random) % (producers + 1));

		flows(100 + random_next(&random) % 1000);
		process_die(&process[victim]);
		pause_ns(random_next(&random) % (2 * MS));
		run_as(victim, producers, many);
	}
	flows(1000);
	CHECK(AGAIN_COUNT <= DEATHS);
	say("rings: %u deaths among %lu messages, %lu came again\n", DEATHS,
	    taken_in_all(), AGAIN_COUNT);
	for (u32 i = 0; i <= producers; i++)
		OK(sys_thread_stop(handle_of(process[i].worker->thread)));
	processes_end(producers + 1);
}

static void test_deaths(void)
{
	for (u32 i = 0; i < 2; i++)
		process_new(&process[i], i);
	ring_memory(0, 2);
	give_bell(&process[0], 0, &process[1], 1);
	give_bell(&process[1], 0, &process[0], 1);
	die_and_go_on(1, false);
}

static void test_deaths_of_many(void)
{
	many_new();
	die_and_go_on(PRODUCERS, true);
}

// ---- a peer that writes what it wants

#define CANARY 0x5a5a5a5a5a5a5a5aull

#define ENDED shared->number[0]
#define SPOILING shared->number[1]
#define PAUSED shared->number[2]

static void spoil_word(u64 *random)
{
	u64 value = random_next(random), words = ring_bytes(&pair_shape) / 8;
	u64 at = random_next(random) % words;

	// Garbage, or words that could be right.
	if (value & 1)
		at = (sizeof(struct ring_shared) / 8 + at / 16 * 16) % words;
	word_at(RING_AT(0))[at] =
		value & 2 ? value
			  : (value >> 8 & 0xff) << RING_TAG_BITS |
				    (value >> 16 & 0x10ff);
	if ((value & 0x3f0) == 0)
		(void)!sys_yield();
}

static void scribble(struct worker *self)
{
	u64 random = self->argument[0];

	for (; !ENDED; self->result[0] += SPOILING) {
		PAUSED = !SPOILING;
		if (SPOILING)
			spoil_word(&random);
		else
			(void)!sys_yield();
	}
}

struct guarded {
	u64 before;
	u64 word[NUMBERS];
	u64 behind;
};

static void allowed(enum status status)
{
	CHECK(status == STATUS_OK || status == ERR_AGAIN ||
	      status == ERR_PROTOCOL || status == ERR_RANGE ||
	      status == ERR_TIMEOUT);
}

struct counts {
	u32 good, protocol, corrupt;
};

static void use_spoilt(struct ring *in, struct ring *out, struct counts *counts)
{
	struct guarded buffer = {CANARY, {}, CANARY};
	u32 bytes, done;

	for (u32 i = 0; i < 100; i++) {
		enum status status = msg_recv(in, buffer.word,
					      sizeof(buffer.word), &bytes,
					      MSG_NOW);

		allowed(status);
		CHECK(status != STATUS_OK || bytes <= sizeof(buffer.word));
		counts->good += status == STATUS_OK;
		counts->protocol += status == ERR_PROTOCOL;
		allowed(msg_recv_many(in, buffer.word, 8, NUMBERS, &done,
				      MSG_NOW));
		CHECK(done <= NUMBERS);
		allowed(msg_recv(in, buffer.word, 8, &bytes, clock_ns() + 100));
		allowed(msg_send(out, buffer.word, 1 + i % 64, MSG_NOW));
		CHECK(buffer.before == CANARY && buffer.behind == CANARY);
	}
}

static void attach_spoilt(struct counts *counts)
{
	struct ring ring;
	enum status status;

	// The header is right, or nobody would come past it.
	*word_at(RING_AT(0)) = 0;
	*word_at(RING_AT(0) + 8) = 0;
	status = ring_attach_consumer(&ring, (void *)RING_AT(0), RING_ROOM,
				      &pair_shape, NONE, 1);
	CHECK(status == STATUS_OK || status == ERR_CORRUPT);
	counts->corrupt += status == ERR_CORRUPT;
	status = ring_attach_producer(&ring, (void *)RING_AT(0), RING_ROOM,
				      &pair_shape, 0, NONE, 1);
	CHECK(status == STATUS_OK || status == ERR_CORRUPT);
}

static void wait_until(volatile u64 *word, u64 least)
{
	u64 end = clock_ns() + 60 * SECOND;

	while (*word < least) {
		if (clock_ns() > end)
			FAIL("the scribbler stands still");
		(void)!sys_yield();
	}
}

// One round: a good ring is spoilt while it is used, and then attached to.
static void one_spoiling(volatile u64 *spoilt, struct counts *counts)
{
	struct ring in, out;

	SPOILING = PAUSED = 0;
	wait_until(&PAUSED, 1);
	memset((void *)RING_AT(0), 0, ring_bytes(&pair_shape));
	OK(ring_attach_consumer(&in, (void *)RING_AT(0), RING_ROOM, &pair_shape,
				NONE, 1));
	OK(ring_attach_producer(&out, (void *)RING_AT(0), RING_ROOM,
				&pair_shape, 0, NONE, 1));
	SPOILING = 1;
	use_spoilt(&in, &out, counts);
	wait_until(spoilt, *spoilt + 100);
	use_spoilt(&in, &out, counts);
	attach_spoilt(counts);
}

// Behind the ring nothing is touched, and its own buffers stay whole.
static void endure(struct worker *self)
{
	volatile u64 *behind = word_at(RING_AT(0) + ring_bytes(&pair_shape));
	struct counts counts = {};

	for (u32 i = 0; i < 512; i++)
		behind[i] = CANARY;
	for (u32 round = 0; round < 200; round++)
		one_spoiling((volatile u64 *)self->argument[0], &counts);
	for (u32 i = 0; i < 512; i++)
		SAME(behind[i], CANARY);
	CHECK(counts.protocol > 0 && counts.corrupt > 0);
	self->result[0] = counts.good;
	self->result[1] = counts.protocol;
	self->result[2] = counts.corrupt;
}

// Spoilt stays spoilt, until it is cleared.
static void clear_and_use(struct worker *)
{
	u64 word = 7, value = 0;
	struct ring in, out;
	u32 got;

	memset((void *)RING_AT(0), 0, ring_bytes(&pair_shape));
	OK(ring_attach_consumer(&in, (void *)RING_AT(0), RING_ROOM, &pair_shape,
				NONE, 1));
	*word_at(RING_AT(0) + sizeof(struct ring_shared)) = RING_FULL + 65;
	for (u32 i = 0; i < 2; i++)
		SAME(msg_recv(&in, &value, 8, &got, 0), ERR_PROTOCOL);
	ring_clear(&in);
	OK(ring_attach_producer(&out, (void *)RING_AT(0), RING_ROOM,
				&pair_shape, 0, NONE, 1));
	OK(msg_send(&out, &word, 8, MSG_NOW));
	OK(msg_recv(&in, &value, 8, &got, MSG_NOW));
	SAME(value, 7);
}

static void test_hostile(void)
{
	struct worker *scribbler = worker_new(scribble), *victim;

	process_new(&process[0], 0);
	ring_memory(0, 1);
	scribbler->argument[0] = 12345;
	scribbler->cpus = BIT(cpus_online() - 1);
	worker_start(scribbler);
	victim = process_run(&process[0], endure);
	victim->argument[0] = (u64)&scribbler->result[0];
	worker_start(victim);
	worker_join(victim);
	ENDED = 1;
	worker_join(scribbler);
	say("rings: %lu words spoilt; %lu messages came, %lu said PROTOCOL, "
	    "%lu CORRUPT\n", scribbler->result[0], victim->result[0],
	    victim->result[1], victim->result[2]);
	processes_end(1);
}

static void test_cleared(void)
{
	run_alone(clear_and_use);
}

// ---- the calls, one by one, on one thread

static void pair_new(struct ring *out, struct ring *in)
{
	OK(ring_attach_consumer(in, (void *)RING_AT(0), RING_ROOM, &pair_shape,
				NONE, 1));
	OK(ring_attach_producer(out, (void *)RING_AT(0), RING_ROOM, &pair_shape,
				0, NONE, 1));
}

static void calls(struct worker *)
{
	u64 word[NUMBERS + 1], many[80];
	struct ring out, in;
	struct msg_poll poll[2] = {{.ring = &in}, {.ring = &out}};
	u32 bytes, done;

	pair_new(&out, &in);
	SAME(msg_send(&out, word, sizeof(word), 0), ERR_RANGE);
	SAME(msg_recv(&in, word, 64, &bytes, MSG_NOW), ERR_AGAIN);
	SAME(msg_recv(&in, word, 64, &bytes, clock_ns() + MS), ERR_TIMEOUT);
	SAME(msg_poll(poll, 1, 0, nullptr, MSG_NOW), ERR_AGAIN);
	CHECK(!poll[0].ready);
	SAME(msg_poll(poll, 1, 0, nullptr, clock_ns() + MS), ERR_TIMEOUT);
	SAME(msg_poll(poll, 0, 0, nullptr, 0), ERR_ARGUMENT);
	OK(msg_poll(poll, 2, 0, nullptr, 0));
	CHECK(!poll[0].ready && poll[1].ready);
	// A message of no bytes, and one that is longer than there is room.
	OK(msg_send(&out, nullptr, 0, MSG_NOW));
	OK(msg_recv(&in, word, 0, &bytes, MSG_NOW));
	SAME(bytes, 0);
	OK(msg_send(&out, "abcdefghijk", 11, MSG_NOW));
	SAME(msg_recv(&in, word, 10, &bytes, 0), ERR_RANGE);
	SAME(bytes, 11);
	OK(msg_recv(&in, word, 11, &bytes, 0));
	CHECK(memcmp(word, "abcdefghijk", 11) == 0);
	OK(msg_poll(poll, 2, 0, nullptr, MSG_NOW));
	// As many as there is room for; others have to wait.
	for (u32 i = 0; i < ARRAY_COUNT(many); i++)
		many[i] = i;
	SAME(msg_send_many(&out, many, 8, 80, &done, MSG_NOW), ERR_AGAIN);
	SAME(done, 64);
	SAME(msg_send(&out, word, 8, MSG_NOW), ERR_AGAIN);
	SAME(msg_send(&out, word, 8, clock_ns() + MS), ERR_TIMEOUT);
	OK(msg_poll(poll, 2, 0, nullptr, 0));
	CHECK(poll[0].ready && !poll[1].ready);
	memset(many, 0, sizeof(many));
	OK(msg_recv_many(&in, many, 8, 80, &done, 0));
	SAME(done, 64);
	for (u32 i = 0; i < 64; i++)
		SAME(many[i], i);
	// They are given back when the next is asked for.
	SAME(msg_send(&out, word, 8, MSG_NOW), ERR_AGAIN);
	SAME(msg_recv_many(&in, many, 8, 80, &done, MSG_NOW), ERR_AGAIN);
	SAME(done, 0);
	OK(msg_send(&out, word, 9, MSG_NOW));
	OK(msg_send(&out, word, 8, MSG_NOW));
	SAME(msg_recv_many(&in, many, 8, 80, &done, 0), ERR_RANGE);
	OK(msg_recv(&in, many, 9, &bytes, 0));
	OK(msg_recv_many(&in, many, 8, 80, &done, 0));
	SAME(done, 1);
}

// Nobody sleeps: not one system call, and each byte copied once by each side.
static void no_calls(struct worker *)
{
	u64 word[NUMBERS] = {};
	struct ring out, in;
	u32 bytes;

	pair_new(&out, &in);
	out.counters = in.counters = (struct ring_counters){};
	for (u32 i = 0; i < 10000; i++) {
		for (u32 j = 0; j < 48; j++)
			OK(msg_send(&out, word, 64, 0));
		for (u32 j = 0; j < 48; j++)
			OK(msg_recv(&in, word, 64, &bytes, 0));
		OK(msg_send(&out, word, 0, 0));
		OK(msg_recv(&in, word, 0, &bytes, 0));
	}
	SAME(out.counters.signals + in.counters.signals, 0);
	SAME(out.counters.waits + in.counters.waits, 0);
	SAME(out.counters.messages, 490000);
	SAME(out.counters.copied_bytes, 480000 * 64);
	SAME(in.counters.copied_bytes, 480000 * 64);
}

static void test_calls(void)
{
	run_alone(calls);
}

static void test_no_calls(void)
{
	run_alone(no_calls);
}

static void test_attach(void)
{
	const struct ring_shape odd[] = {{63, 8, 1}, {1, 8, 1}, {64, 0, 1},
					 {64, 8, 0}, {64, 8, 16},
					 {64, RING_PAYLOAD_MAX + 1, 1},
					 {RING_SLOTS_MAX * 2, 8, 1}};
	struct ring_shape other = pair_shape;
	struct handle memory = memory_of(RING_ROOM), less;
	void *at = (void *)RING_AT(0);
	struct ring ring;

	map_at(memory, RING_AT(0), RING_ROOM, RW);
	for (u32 i = 0; i < ARRAY_COUNT(odd); i++)
		SAME(ring_attach_consumer(&ring, at, RING_ROOM, &odd[i], NONE,
					  1), ERR_ARGUMENT);
	SAME(ring_attach_consumer(&ring, at, ring_bytes(&pair_shape) - 1,
				  &pair_shape, NONE, 1), ERR_RANGE);
	SAME(ring_attach_producer(&ring, at, RING_ROOM, &pair_shape, 1, NONE,
				  1), ERR_ARGUMENT);
	OK(ring_attach_consumer(&ring, at, RING_ROOM, &pair_shape, NONE, 1));
	other.slots = 32;
	SAME(ring_attach_producer(&ring, at, RING_ROOM, &other, 0, NONE, 1),
	     ERR_CORRUPT);
	// The capability is the right to attach: without WRITE there is no side.
	less = with_rights(memory, RIGHT_READ);
	SAME(sys_aspace_map(SELF_ASPACE, less, 0, RING_AT(1), RING_ROOM, RW),
	     ERR_RIGHTS);
}

// ---- large data: 4 MiB from process 0 to process 1

#define BULK_BYTES (4ull << 20)
#define BULK_PAGES (BULK_BYTES / PAGE_BYTES)
#define FROM (AREA + 0x10000000)
#define TO (AREA + 0x20000000)
#define SLOT_BULK (SLOT_PEER + 1) // the sender's memory
#define SLOT_SERVICE (SLOT_PEER + 2)
#define SLOT_CAME (SLOT_PEER + 3)
#define SLOT_KEPT (SLOT_PEER + 4)
#define PHASE shared->number[0]

static void phase_wait(u64 phase)
{
	while (PHASE < phase)
		(void)!sys_yield();
}

static u64 pattern(u64 page, enum bulk_way way)
{
	return (page + way) * 0x9e3779b97f4a7c15;
}

static void bulk_sender(struct worker *self)
{
	enum bulk_way way = (enum bulk_way)self->argument[0];

	OK(bulk_send(handle_of(SLOT_SERVICE), way, handle_of(SLOT_BULK),
		     (void *)FROM, BULK_BYTES, clock_ns() + 30 * SECOND));
	self->result[0] = bulk_counters.shared_bytes;
	self->result[1] = bulk_counters.moved_bytes;
	self->result[2] = bulk_counters.cloned_bytes;
	self->result[3] = bulk_counters.copied_bytes;
	PHASE = 1;
	phase_wait(2);
	if (way != BULK_MOVE)
		for (u64 i = 0; i < BULK_PAGES; i += 100)
			SAME(*word_at(FROM + i * PAGE_BYTES),
			     way == BULK_SHARE ? i : pattern(i, way));
	*word_at(FROM) = 1; // faults after a move
	PHASE = 3;
}

static void bulk_receiver(struct worker *self)
{
	enum bulk_way way = (enum bulk_way)self->argument[0];
	struct message message = {.slot = {SLOT_CAME}};
	u32 slot = way == BULK_SHARE ? SLOT_CAME : SLOT_KEPT;
	u64 bytes;

	OK(ipc_recv(handle_of(SLOT_SERVICE), &message, clock_ns() + 30 * SECOND));
	OK(bulk_receive(&message, SELF_POOL, slot, &bytes));
	SAME(bytes, BULK_BYTES);
	OK(ipc_reply(&message));
	SAME(slot_full(handle_of(SLOT_CAME)), way == BULK_SHARE);
	self->result[3] = bulk_counters.copied_bytes;
	OK(sys_aspace_map(SELF_ASPACE, handle_of(slot), 0, TO, bytes, RW));
	phase_wait(1);
	for (u64 i = 0; i < BULK_PAGES; i++)
		SAME(*word_at(TO + i * PAGE_BYTES), pattern(i, way));
	self->result[4] = 1;
	while (!self->argument[1]) // until the pages have been counted
		(void)!sys_yield();
	for (u64 i = 0; i < BULK_PAGES; i += 100)
		*word_at(TO + i * PAGE_BYTES) = i;
	PHASE = 2;
	if (way != BULK_MOVE)
		phase_wait(3);
	SAME(*word_at(TO), way == BULK_SHARE ? 1 : 0);
}

static u64 present_pages(struct handle memory)
{
	u64 pages;

	OK(sys_memory_info(memory, nullptr, &pages, nullptr, nullptr));
	return pages;
}

static void bulk_prepare(struct handle memory, enum bulk_way way)
{
	struct handle service = endpoint();

	for (u32 i = 0; i < 2; i++) {
		process_new(&process[i], i);
		give(&process[i], SLOT_SERVICE, service);
	}
	give(&process[0], SLOT_BULK, memory);
	map_at(memory, FROM, BULK_BYTES, RW);
	for (u64 i = 0; i < BULK_PAGES; i++)
		*word_at(FROM + i * PAGE_BYTES) = pattern(i, way);
	unmap(FROM, BULK_BYTES);
	OK(sys_aspace_map(process[0].aspace, memory, 0, FROM, BULK_BYTES, RW));
}

static void bulk(enum bulk_way way)
{
	struct handle memory = memory_of(BULK_BYTES), faults = endpoint();
	struct worker *sender, *receiver;
	struct usage before, after;
	struct fault fault;

	bulk_prepare(memory, way);
	sender = process_run(&process[0], bulk_sender);
	receiver = process_run(&process[1], bulk_receiver);
	receiver->layer = SERVER_LAYER;
	OK(sys_thread_configure(handle_of(sender->thread), sender->aspace,
				sender->cspace, faults, WORKER_LAYER, 0));
	sender->argument[0] = receiver->argument[0] = way;
	usage_of(CASE_POOL, &before);
	worker_start(receiver);
	worker_start(sender);
	while (!receiver->result[4] && !shared->failed)
		pause_ns(MS);
	usage_of(CASE_POOL, &after);
	// Each page has been read there, and none is there twice.
	if (before.free_frames - after.free_frames > 64)
		FAIL("%lu frames for it",
		     before.free_frames - after.free_frames);
	SAME(present_pages(memory), way == BULK_MOVE ? 0 : BULK_PAGES);
	receiver->argument[1] = 1;
	if (way == BULK_MOVE) {
		CHECK(fault_receive(faults, &fault));
		SAME(fault.kind, FAULT_ACCESS);
		SAME(fault.address, FROM);
		CHECK(fault.code & FAULT_CODE_WRITE);
	} else {
		worker_join(sender);
	}
	worker_join(receiver);
	SAME(sender->result[way - BULK_SHARE], BULK_BYTES);
	SAME(sender->result[0] + sender->result[1] + sender->result[2],
	     BULK_BYTES);
	SAME(sender->result[3] + receiver->result[3], 0);
	processes_end(2);
	say("rings: way %u: %llu bytes, 0 copied, %lu frames used\n", way,
	    BULK_BYTES, before.free_frames - after.free_frames);
}

static void test_share(void)
{
	bulk(BULK_SHARE);
}

static void test_move(void)
{
	bulk(BULK_MOVE);
}

static void test_clone(void)
{
	bulk(BULK_CLONE);
}

// What is no such message is refused, and its capabilities do not stay.
static void test_bulk_refused(void)
{
	struct handle memory = memory_of(PAGE_BYTES), other = notification();
	struct handle came = handle_of(slot_new());
	struct message message;
	u64 bytes;
	const struct {
		u64 way, bytes;
		u32 nwords, ncaps;
		struct handle cap;
	} wrong[] = {
		{0, PAGE_BYTES, 2, 1, memory}, {4, PAGE_BYTES, 2, 1, memory},
		{BULK_SHARE, 0, 2, 1, memory}, {BULK_SHARE, 5, 2, 1, memory},
		{BULK_MOVE, 2 * PAGE_BYTES, 2, 1, memory},
		{BULK_SHARE, PAGE_BYTES, 1, 1, memory},
		{BULK_SHARE, PAGE_BYTES, 2, 1, other},
		{BULK_SHARE, ~0ull << PAGE_BITS, 2, 1, memory},
	};

	for (u32 i = 0; i < ARRAY_COUNT(wrong); i++) {
		OK(sys_cap_copy(SELF_CNODE, came.value, wrong[i].cap));
		message = (struct message){
			.nwords = wrong[i].nwords,
			.ncaps = wrong[i].ncaps,
			.word = {wrong[i].way, wrong[i].bytes},
			.slot = {(u16)came.value}};
		SAME(bulk_receive(&message, CASE_POOL, SLOT_CASE_END - 1,
				  &bytes), ERR_PROTOCOL);
		SAME((i64)message.word[0], ERR_PROTOCOL);
		SAME(message.ncaps, 0);
		CHECK(!slot_full(came));
		CHECK(!slot_full(handle_of(SLOT_CASE_END - 1)));
	}
	// Without WRITE pages cannot be taken away.
	OK(sys_cap_mint(SELF_CNODE, came.value, memory, RIGHT_READ, 0));
	message = (struct message){.nwords = 2, .ncaps = 1,
				   .word = {BULK_MOVE, PAGE_BYTES},
				   .slot = {(u16)came.value}};
	SAME(bulk_receive(&message, CASE_POOL, SLOT_CASE_END - 1, &bytes),
	     ERR_RIGHTS);
	CHECK(!slot_full(handle_of(SLOT_CASE_END - 1)));
	SAME(bulk_send(other, BULK_MOVE, memory, nullptr, 1, 0), ERR_ARGUMENT);
}

const struct test_case suite_rings[] = {
	{"rings.calls", test_calls, nullptr, 0},
	{"rings.attach", test_attach, nullptr, 0},
	{"rings.no-calls", test_no_calls, nullptr, 0},
	{"rings.hostile", test_hostile, nullptr, ONCE},
	{"rings.cleared", test_cleared, nullptr, 0},
	{"rings.both-ways", test_both_ways, nullptr, ONCE},
	{"rings.many", test_many, nullptr, ONCE},
	{"rings.deaths", test_deaths, nullptr, ONCE},
	{"rings.deaths-of-many", test_deaths_of_many, nullptr, ONCE},
	{"rings.share", test_share, nullptr, ONCE},
	{"rings.move", test_move, nullptr, ONCE},
	{"rings.clone", test_clone, nullptr, ONCE},
	{"rings.bulk-refused", test_bulk_refused, nullptr, 0},
	{}};
