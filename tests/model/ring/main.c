// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Every run, within the bounds printed, of the rings of lib/ipc under a weak memory
// model (machine.h): the real ring.c and msg.c, with only their accesses to shared
// words and contents replaced. Producers send numbers with msg_send, the consumer
// receives all of them with msg_recv or msg_poll; everybody sleeps when there is
// nothing to do and has to be woken. In some setups one side may die at any access,
// and a successor goes on.
//
// Violations: a message lost, changed, out of its producer's order, or twice (but
// for the one that was under way at a death); contents written while read; a sleep
// that nobody ends; an error where there is no reason for one.
//
// Then the same with mistakes built in, one at a time (RING_BUG in lib/ipc and in
// this folder's shared.h): each must be found.
//
//   ring [full [name of the only setup]]
#include "tests/model/ring/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ipc/msg.h"

#define PRODUCERS_MAX 2u
#define CONSUMER PRODUCERS_MAX // its number
#define MEMORY_BYTES 2048

struct setup {
	const char *name;
	u32 producers, messages[PRODUCERS_MAX], slots;
	bool batch, poll;
	bool producer_dies, consumer_dies;
	bool spin; // nobody sleeps: the slots alone
};

// What each side knows, apart from its ring: survives its death.
struct side {
	struct ring ring;
	u64 done; // producer: messages sent for certain
	u64 last[PRODUCERS_MAX]; // consumer: the newest number of each
	u64 deaths;
};

static const struct setup *setup;
static struct side side[PRODUCERS_MAX + 1];
alignas(64) static u8 memory[MEMORY_BYTES];

static struct ring_shape shape(void)
{
	return (struct ring_shape){setup->slots, 8, setup->producers};
}

static u32 number_of_consumer(void)
{
	return setup->producers;
}

// Counters are not part of a state.
static void settle(struct side *me)
{
	memset(&me->ring.counters, 0, sizeof(me->ring.counters));
}

// ---- the threads

static u64 message(u32 producer, u64 number)
{
	return (u64)(producer + 1) << 32 | number;
}

static void produce(void)
{
	u32 self = machine_self();
	struct side *me = &side[self];
	u64 value[2];
	u32 done;

	while (me->done < setup->messages[self]) {
		value[0] = message(self, me->done + 1);
		value[1] = message(self, me->done + 2);
		if (setup->spin) {
			enum status status = ring_put(&me->ring, value, 8);

			MUST(status == STATUS_OK || status == ERR_AGAIN);
			settle(me);
			machine_boundary();
			if (status == ERR_AGAIN)
				continue;
		} else if (setup->batch) {
			MUST(msg_send_many(&me->ring, value, 8, 2, &done, 0) ==
			     STATUS_OK);
			MUST(done == 2);
		} else {
			MUST(msg_send(&me->ring, value, 8, 0) == STATUS_OK);
		}
		settle(me);
		me->done += setup->batch ? 2 : 1;
		machine_boundary();
	}
}

static void produce_again(void)
{
	u32 self = machine_self();
	struct ring_shape s = shape();

	side[self].deaths = 1;
	MUST(ring_attach_producer(&side[self].ring, memory, sizeof(memory), &s,
				  self, (struct handle){number_of_consumer()},
				  1) == STATUS_OK);
	// Alone it knows how many its predecessor has published.
	if (setup->producers == 1)
		side[self].done = side[self].ring.position;
	produce();
}

static void check(struct side *me, u64 value, u32 bytes)
{
	u32 producer = (u32)(value >> 32) - 1;
	u64 number = value & 0xffffffff;
	bool again;

	MUST(bytes == 8);
	MUST(producer < setup->producers);
	again = number == me->last[producer] &&
		((setup->producer_dies && setup->producers > 1) ||
		 setup->consumer_dies);
	if (number != me->last[producer] + 1 && !again)
		machine_violation(number <= me->last[producer]
					  ? "a message came twice"
					  : "a message is missing");
	me->last[producer] = number;
}

static bool all_there(const struct side *me)
{
	for (u32 i = 0; i < setup->producers; i++)
		if (me->last[i] != setup->messages[i])
			return false;
	return true;
}

static void consume(void)
{
	struct side *me = &side[machine_self()];

	while (!all_there(me)) {
		struct msg_poll poll = {&me->ring, false};
		u64 value = 0;
		u32 bytes = 0;

		if (setup->spin) {
			enum status status;

			ring_release(&me->ring);
			status = ring_take(&me->ring, &value, 8, 8, &bytes);
			MUST(status == STATUS_OK || status == ERR_AGAIN);
			settle(me);
			machine_boundary();
			if (status == STATUS_OK)
				check(me, value, bytes);
			continue;
		}
		if (setup->poll) {
			MUST(msg_poll(&poll, 1, 0, nullptr, 0) == STATUS_OK);
			MUST(poll.ready);
		}
		MUST(msg_recv(&me->ring, &value, 8, &bytes,
			      setup->poll ? MSG_NOW : 0) == STATUS_OK);
		settle(me);
		check(me, value, bytes);
		machine_boundary();
	}
}

static void consume_again(void)
{
	struct side *me = &side[machine_self()];
	struct ring_shape s = shape();

	MUST(ring_attach_consumer(&me->ring, memory, sizeof(memory), &s,
				  (struct handle){0}, 1) == STATUS_OK);
	for (u32 i = 1; i < setup->producers; i++)
		ring_peer(&me->ring, i, (struct handle){i});
	settle(me);
	consume();
}

// ---- runs

static void name_words(void)
{
	struct ring_shared *shared = (void *)memory;

	if (!setup->spin)
		machine_word(&shared->consumer_bell);
	for (u32 i = 0; i < setup->producers && !setup->spin; i++)
		machine_word(&shared->producer_bell[i]);
	for (u32 i = 0; i < setup->slots; i++) {
		u8 *slot = memory + sizeof(*shared) + i * 64;

		machine_word((u64 *)slot);
		machine_content((u64 *)slot + 1);
	}
}

static void need(bool condition, const char *text)
{
	if (condition)
		return;
	fprintf(stderr, "%s\n", text);
	abort();
}

static void prepare(const struct setup *what)
{
	static const char *const name[] = {"producer 0", "producer 1"};
	struct ring_shape s;
	u32 consumer;

	setup = what;
	s = shape();
	consumer = number_of_consumer();
	memset(memory, 0, sizeof(memory));
	memset(side, 0, sizeof(side));
	machine_reset();
	for (u32 i = 0; i < setup->producers; i++) {
		need(ring_attach_producer(&side[i].ring, memory, sizeof(memory),
					  &s, i, (struct handle){consumer},
					  1) == STATUS_OK, "attach");
		machine_thread(name[i], produce,
			       setup->producer_dies && i == 0 ? produce_again
							      : nullptr,
			       &side[i], sizeof(side[i]));
	}
	need(ring_attach_consumer(&side[consumer].ring, memory, sizeof(memory),
				  &s, (struct handle){0}, 1) == STATUS_OK,
	     "attach");
	for (u32 i = 1; i < setup->producers; i++)
		ring_peer(&side[consumer].ring, i, (struct handle){i});
	machine_thread("consumer", consume,
		       setup->consumer_dies ? consume_again : nullptr,
		       &side[consumer], sizeof(side[consumer]));
	name_words();
}

static void describe(const struct setup *what)
{
	printf("%s: %u messages", what->name, what->messages[0]);
	if (what->producers > 1)
		printf(" and %u", what->messages[1]);
	printf(", %u slots%s%s%s%s", what->slots, what->batch ? ", in twos" : "",
	       what->poll ? ", msg_poll" : what->spin ? ", spinning" : "",
	       what->producer_dies ? ", producer 0 may die once" : "",
	       what->consumer_dies ? ", the consumer may die once" : "");
}

static u64 all_states, all_steps;
static u32 setups;

static bool holds(const struct setup *what)
{
	struct outcome outcome;

	seeded_bug = 0;
	prepare(what);
	outcome = machine_explore(0, true);
	describe(what);
	printf(": %lu states, %lu steps, %lu ends, at most %u accesses\n",
	       outcome.states, outcome.steps, outcome.ends, outcome.deepest);
	fflush(stdout);
	all_states += outcome.states;
	all_steps += outcome.steps;
	setups++;
	if (!outcome.violation && outcome.ends != 0)
		return true;
	printf("violated: %s\n", outcome.violation ? outcome.violation
						   : "no run ends");
	return false;
}

static const struct setup quick[] = {
	{.name = "alone", .producers = 1, .messages = {4}, .slots = 2},
	{.name = "room", .producers = 1, .messages = {4}, .slots = 4},
	{.name = "in twos", .producers = 1, .messages = {4},
	 .slots = 2, .batch = true},
	{.name = "polling", .producers = 1, .messages = {3},
	 .slots = 2, .poll = true},
	{.name = "together", .producers = 2, .messages = {1, 1}, .slots = 2},
	{.name = "a death before", .producers = 1, .messages = {3},
	 .slots = 2, .producer_dies = true},
	{.name = "a death behind", .producers = 1, .messages = {3},
	 .slots = 2, .consumer_dies = true},
	{.name = "a claim left behind", .producers = 2, .messages = {2, 0},
	 .slots = 2, .producer_dies = true},
	{.name = "slots alone", .producers = 2, .messages = {3, 3},
	 .slots = 2, .spin = true},
	{.name = "slots and a death", .producers = 2, .messages = {2, 2},
	 .slots = 2, .spin = true, .producer_dies = true},
	{},
};
static const struct setup full[] = {
	{.name = "longer", .producers = 1, .messages = {8}, .slots = 2},
	{.name = "quarters", .producers = 1, .messages = {12}, .slots = 8},
	{.name = "a death before", .producers = 1, .messages = {5},
	 .slots = 2, .producer_dies = true},
	{.name = "a death behind", .producers = 1, .messages = {5},
	 .slots = 2, .consumer_dies = true},
	{.name = "slots alone", .producers = 2, .messages = {4, 4},
	 .slots = 2, .spin = true},
	{.name = "more slots", .producers = 2, .messages = {4, 4},
	 .slots = 4, .spin = true},
	{.name = "slots and a death", .producers = 2, .messages = {3, 2},
	 .slots = 2, .spin = true, .producer_dies = true},
	{.name = "slots, a death behind", .producers = 2, .messages = {3, 3},
	 .slots = 2, .spin = true, .consumer_dies = true},
	{},
};

static const struct {
	u32 number;
	const char *what;
	u32 setup; // of quick, that finds it
} bugs[] = {
	{1, "looks before it says that it sleeps", 0},
	{2, "no fence between saying that it sleeps and looking", 0},
	{3, "a late waker marks whatever sleep it finds", 4},
	{4, "no fence between publishing and looking who sleeps", 0},
	{5, "a free slot is claimed whatever its lap", 4},
	{6, "claimed by a store instead of a swap", 4},
	{7, "a full ring taken for one with room", 0},
	{8, "published before it is written", 0},
	{9, "given back before it is copied", 0},
	{10, "a dead producer's claim stays", 7},
	{11, "a successor does not wake who waits", 5},
	{12, "loads relaxed instead of acquire", 0},
	{13, "published relaxed instead of release", 0},
	{14, "given back relaxed instead of release", 0},
	{15, "those that wait for room woken too seldom", 0},
	{20, "a dead producer's claim given back without a fence", 9},
};

static bool caught(u32 index)
{
	struct outcome outcome;

	seeded_bug = bugs[index].number;
	prepare(&quick[bugs[index].setup]);
	outcome = machine_explore(0, getenv("RING_TRACE") != nullptr);
	printf("mistake %u, %s: %s (%lu states)\n", bugs[index].number,
	       bugs[index].what,
	       outcome.violation ? outcome.violation : "NOT FOUND",
	       outcome.states);
	return outcome.violation;
}

int main(int argc, char **argv)
{
	bool whole = argc > 1 && strcmp(argv[1], "full") == 0, good = true;
	const char *only = argc > 2 ? argv[2] : nullptr;
	u32 found = 0, nbugs = sizeof(bugs) / sizeof(bugs[0]);

	for (const struct setup *s = quick; s->name && good && !only; s++)
		good = holds(s);
	for (const struct setup *s = full; whole && s->name && good; s++)
		good = (only && strcmp(only, s->name) != 0) || holds(s);
	for (u32 i = 0; i < nbugs; i++)
		found += caught(i);
	printf("NOTE %u setups, %lu states, %lu steps; %u of %u mistakes "
	       "found\n", setups, all_states, all_steps, found, nbugs);
	return good && found == nbugs ? 0 : 1;
}
