// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Every run, within the bounds printed, of the block devices' channel
// (lib/driver/channel.c, as it is) under the weak memory model of
// tests/model/ring/machine.h: a client keeps one or two requests under way, a server
// answers them, both sleep when there is nothing to do. In some setups one of them
// may die at any access, and its successor goes on as the header says.
//
// Violations: an answer that is not the request's; an entry written while the other
// side may use it; a request that is never answered; a sleep that nobody ends.
// Then mistakes are built in, and must be found.
//
//   channel [full]
#include "lib/driver/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bits.h"
#include "lib/sys/component.h"
#include "tests/model/ring/fake/lib/ipc/shared.h"
#include "tests/model/ring/machine.h"

enum { CLIENT, SERVER, SIDES };
#define WINDOW_MAX 2u

struct setup {
	const char *name;
	u32 requests, window; // at most so many under way
	bool server_dies, client_dies;
};

// What each side knows; survives its death.
struct side {
	struct channel channel;
	u64 done; // requests answered
	u64 next; // requests submitted
	u64 wanted[WINDOW_MAX]; // by entry; 0: free
};

static const struct setup *setup;
static struct side side[SIDES];
alignas(4096) static u8 memory[CHANNEL_TABLE_BYTES + 4096];

// ---- what the library stands on; never reached, or of no account

u64 clock_ns(void)
{
	return 0;
}

enum status memory_map(struct handle handle, u64 offset, u64 length, u32 flags,
		       void **out)
{
	(void)handle, (void)offset, (void)length, (void)flags, (void)out;
	return ERR_NOSYS;
}

// ---- the threads

static u64 result_of(u64 request)
{
	return request * 3;
}

static void submit_one(struct side *me)
{
	struct channel_request request = {.operation = BLOCK_READ,
					  .position = me->next + 1};
	int entry = channel_claim(&me->channel);

	MUST(entry >= 0 && entry < (int)WINDOW_MAX);
	MUST(me->wanted[entry] == 0);
	me->wanted[entry] = ++me->next;
	channel_submit(&me->channel, (u32)entry, &request);
}

static void collect_one(struct side *me, u32 entry)
{
	enum status status;
	u32 result;

	channel_answer(&me->channel, entry, &status, &result);
	MUST(status == STATUS_OK);
	if (result != result_of(me->wanted[entry]))
		machine_violation("an answer to another request");
	me->wanted[entry] = 0;
	channel_release(&me->channel, entry);
	me->done++;
}

static void client(void)
{
	struct side *me = &side[CLIENT];
	u64 bits;

	while (me->done < setup->requests) {
		if (me->next < setup->requests &&
		    me->next - me->done < setup->window) {
			submit_one(me);
			machine_boundary();
			continue;
		}
		bits = channel_finished(&me->channel);
		MUST(bits < BIT(WINDOW_MAX));
		for (u32 i = 0; i < WINDOW_MAX; i++)
			if (bits & BIT(i))
				collect_one(me, i);
		if (bits == 0) {
			if (!channel_arm(&me->channel, CHANNEL_CLIENT))
				MUST(component_wait(1, 0, &bits) == STATUS_OK);
			channel_woken(&me->channel, CHANNEL_CLIENT);
		}
		machine_boundary();
	}
}

static void client_again(void)
{
	struct side *me = &side[CLIENT];

	MUST(channel_adopt(&me->channel, memory, sizeof(memory)) == STATUS_OK);
	MUST(channel_resume_client(&me->channel, 0) == STATUS_OK);
	me->next = me->done;
	memset(me->wanted, 0, sizeof(me->wanted));
	client();
}

static void serve_one(struct side *me, u32 entry)
{
	struct channel_request request;

	channel_read(&me->channel, entry, &request);
	MUST(request.position >= 1 && request.position <= setup->requests);
	channel_complete(&me->channel, entry, STATUS_OK,
			 (u32)result_of(request.position));
}

static void server(void)
{
	struct side *me = &side[SERVER];
	u64 bits;

	for (;;) {
		bits = channel_take(&me->channel);
		MUST(bits < BIT(WINDOW_MAX));
		for (u32 i = 0; i < WINDOW_MAX; i++)
			if (bits & BIT(i))
				serve_one(me, i);
		if (!channel_arm(&me->channel, CHANNEL_SERVER))
			MUST(component_wait(1, 0, &bits) == STATUS_OK);
		channel_woken(&me->channel, CHANNEL_SERVER);
		machine_boundary();
	}
}

static void server_again(void)
{
	struct side *me = &side[SERVER];

	MUST(channel_adopt(&me->channel, memory, sizeof(memory)) == STATUS_OK);
	channel_publish(&me->channel, 0, 64, 8, 2);
	server();
}

// ---- runs

static void prepare(const struct setup *what)
{
	struct channel_table *table = (void *)memory;

	setup = what;
	memset(memory, 0, sizeof(memory));
	memset(side, 0, sizeof(side));
	for (u32 i = 0; i < SIDES; i++) {
		if (channel_adopt(&side[i].channel, memory, sizeof(memory)) !=
		    STATUS_OK)
			abort();
		side[i].channel.peer = (struct handle){1 - i};
	}
	machine_reset();
	channel_publish(&side[SERVER].channel, 0, 64, 8, 1);
	machine_thread("client", client,
		       what->client_dies ? client_again : nullptr,
		       &side[CLIENT], sizeof(side[0]));
	machine_thread("server", server,
		       what->server_dies ? server_again : nullptr,
		       &side[SERVER], sizeof(side[0]));
	machine_servant();
	machine_word(&table->submitted);
	machine_word(&table->done);
	machine_word(&table->server_bell);
	machine_word(&table->client_bell);
	for (u32 i = 0; i < what->window; i++) {
		machine_content(&table->request[i].position);
		machine_content((u64 *)&table->request[i].status);
	}
}

static u64 all_states, all_steps;
static u32 setups;

static bool holds(const struct setup *what)
{
	struct outcome outcome;

	seeded_bug = 0;
	prepare(what);
	outcome = machine_explore(0, true);
	printf("%s: %u requests, %u under way%s%s: %lu states, %lu steps, "
	       "%lu ends, at most %u accesses\n",
	       what->name, what->requests, what->window,
	       what->server_dies ? ", the server may die once" : "",
	       what->client_dies ? ", the client may die once" : "",
	       outcome.states, outcome.steps, outcome.ends, outcome.deepest);
	fflush(stdout);
	all_states += outcome.states;
	all_steps += outcome.steps;
	setups++;
	if (outcome.violation)
		printf("violated: %s\n", outcome.violation);
	return !outcome.violation;
}

static const struct setup quick[] = {
	{"one", 3, 1, false, false},
	{"two", 2, 2, false, false},
	{"a dead server", 2, 1, true, false},
	{"a dead client", 1, 1, false, true},
	{},
};
static const struct setup full[] = {
	{"one", 6, 1, false, false},
	{"two", 3, 2, false, false},
	{"a dead server", 3, 1, true, false},
	{"a dead client", 2, 1, false, true},
	{},
};

static const struct {
	u32 number;
	const char *what;
	u32 setup; // of quick, that finds it
} bugs[] = {
	{2, "no fence between saying that it sleeps and looking", 0},
	{12, "loads relaxed instead of acquire", 0},
	{16, "no fence between submitting or answering and looking who sleeps",
	 0},
	{17, "an answer counts before its request is off", 2},
	{18, "a request is off before its answer is on", 2},
	{19, "a new client does not wake the server", 3},
};

static bool caught(u32 index)
{
	struct outcome outcome;

	seeded_bug = bugs[index].number;
	prepare(&quick[bugs[index].setup]);
	outcome = machine_explore(0, getenv("CHANNEL_TRACE") != nullptr);
	printf("mistake %u, %s: %s (%lu states)\n", bugs[index].number,
	       bugs[index].what,
	       outcome.violation ? outcome.violation : "NOT FOUND",
	       outcome.states);
	return outcome.violation;
}

int main(int argc, char **argv)
{
	bool whole = argc > 1 && strcmp(argv[1], "full") == 0, good = true;
	u32 found = 0, nbugs = sizeof(bugs) / sizeof(bugs[0]);

	for (const struct setup *s = quick; s->name && good; s++)
		good = holds(s);
	for (const struct setup *s = full; whole && s->name && good; s++)
		good = holds(s);
	for (u32 i = 0; i < nbugs; i++)
		found += caught(i);
	printf("NOTE %u setups, %lu states, %lu steps; %u of %u mistakes "
	       "found\n", setups, all_states, all_steps, found, nbugs);
	return good && found == nbugs ? 0 : 1;
}
