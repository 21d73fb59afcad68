// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Channels under random schedules: a client and a server take turns in single
// steps, and either dies at any of them, also between the two halves of an answer.
// Whatever happens: each request gets exactly one answer, of its own content, no
// entry is reused while the server may still work on it, and nothing gets stuck.
// Then the same against a side that writes garbage.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bits.h"
#include "lib/driver/channel.h"
#include "lib/sys/component.h"

#define CHECK(condition)                                                \
	do {                                                            \
		if (!(condition)) {                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__,       \
				__LINE__, #condition);                  \
			abort();                                        \
		}                                                       \
	} while (0)

#define DATA_BYTES (64 * 512)

alignas(4096) static u8 memory[CHANNEL_TABLE_BYTES + DATA_BYTES];
static u64 seed;
static struct channel client, server;
static u64 signals, answered, client_deaths, server_deaths, halves;
static u64 now_ns;

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

// ---- what the library stands on

enum status sys_signal(struct handle self)
{
	(void)self;
	signals++;
	return STATUS_OK;
}

u64 clock_ns(void)
{
	return now_ns += 1000;
}

static void server_step(void);

// The client waits: the server gets a turn.
enum status component_wait(u64 mask, u64 deadline_ns, u64 *bits)
{
	(void)mask;
	*bits = 0;
	now_ns = deadline_ns;
	for (int i = 0; i < 50; i++)
		server_step();
	return ERR_TIMEOUT;
}

enum status memory_map(struct handle handle, u64 offset, u64 length, u32 flags,
		       void **out)
{
	(void)handle;
	(void)offset;
	(void)length;
	(void)flags;
	*out = memory;
	return STATUS_OK;
}

// ---- the server: a disk of 64 words; writing is idempotent

static u64 disk[64];
static u64 taken; // entries it works on
static struct channel_request work[CHANNEL_ENTRIES];

static void server_start(void)
{
	CHECK(channel_adopt(&server, memory, sizeof(memory)) == STATUS_OK);
	taken = 0;
}

static void server_answer(u32 entry)
{
	struct channel_request *r = &work[entry];
	u64 *data = (u64 *)(server.data + r->data);
	enum status status = block_check(r, DATA_BYTES, 64, 0, 1);

	if (status == STATUS_OK && r->operation == BLOCK_WRITE)
		disk[r->position] = *data;
	if (status == STATUS_OK && r->operation == BLOCK_READ)
		*data = disk[r->position];
	taken &= ~BIT(entry);
	if (below(50) == 0) {
		// It dies between the two halves of the answer.
		server.table->request[entry].status = (i32)status;
		__atomic_fetch_or(&server.table->done, BIT(entry),
				  __ATOMIC_ACQ_REL);
		halves++;
		server_deaths++;
		server_start();
		return;
	}
	channel_complete(&server, entry, status, r->count);
}

static void server_step(void)
{
	u64 bits;

	switch (below(4)) {
	case 0:
		bits = channel_take(&server);
		CHECK((bits & taken) == 0);
		taken |= bits;
		for (; bits != 0; bits &= bits - 1)
			channel_read(&server, lowest_bit(bits),
				     &work[lowest_bit(bits)]);
		break;
	case 1 ... 2:
		// Answers come in any order.
		for (u32 tries = 0; tries < 64 && taken != 0; tries++) {
			u32 entry = below(64);

			if (taken & BIT(entry)) {
				server_answer(entry);
				break;
			}
		}
		break;
	case 3:
		if (below(30) == 0) {
			server_deaths++;
			server_start();
		}
	}
}

// ---- the client: writes and reads words, one request per place at a time

struct wanted {
	bool busy, write, invalid;
	u64 value;
};
static struct wanted wanted[CHANNEL_ENTRIES]; // by entry
static u64 content[64]; // what a read must give
static bool place_busy[64];

static void client_submit(void)
{
	struct channel_request r = {.count = 1};
	u32 place = below(64);
	int entry;

	if (place_busy[place])
		return;
	entry = channel_claim(&client);
	if (entry < 0)
		return;
	CHECK(!wanted[entry].busy);
	wanted[entry] = (struct wanted){.busy = true,
					.write = below(2),
					.invalid = below(20) == 0,
					.value = next_random()};
	r.operation = wanted[entry].write ? BLOCK_WRITE : BLOCK_READ;
	r.position = place;
	r.data = (u32)entry * 512;
	r.argument = place;
	if (wanted[entry].invalid)
		r.data = DATA_BYTES;
	if (wanted[entry].write)
		memcpy(client.data + entry * 512, &wanted[entry].value, 8);
	else
		wanted[entry].value = content[place];
	if (wanted[entry].write && !wanted[entry].invalid)
		content[place] = wanted[entry].value;
	place_busy[place] = true;
	channel_submit(&client, (u32)entry, &r);
}

static void client_reap(void)
{
	u64 bits = channel_finished(&client);

	for (; bits != 0; bits &= bits - 1) {
		u32 entry = lowest_bit(bits);
		struct wanted *w = &wanted[entry];
		enum status status;
		u64 value;
		u32 result;

		CHECK(w->busy);
		CHECK(!(taken & BIT(entry)));
		channel_answer(&client, entry, &status, &result);
		CHECK(status == (w->invalid ? ERR_RANGE : STATUS_OK));
		memcpy(&value, client.data + entry * 512, 8);
		if (!w->invalid)
			CHECK(value == w->value);
		place_busy[client.table->request[entry].argument] = false;
		w->busy = false;
		channel_release(&client, entry);
		answered++;
	}
}

// A new client waits for what its predecessor began, and starts empty.
static void client_restart(void)
{
	client_deaths++;
	CHECK(channel_adopt(&client, memory, sizeof(memory)) == STATUS_OK);
	CHECK(channel_resume_client(&client, 0) == STATUS_OK);
	CHECK(client.table->submitted == 0 && client.table->done == 0);
	memset(wanted, 0, sizeof(wanted));
	memset(place_busy, 0, sizeof(place_busy));
	CHECK(memcmp(content, disk, sizeof(disk)) == 0);
}

static void test_schedules(u32 steps)
{
	struct startup_cap cap = {.a = sizeof(memory), .b = 1};

	CHECK(channel_open(&client, &cap) == STATUS_OK);
	server_start();
	CHECK(channel_wait_ready(&client, now_ns + 1000) == ERR_TIMEOUT);
	channel_publish(&server, 0, 64, 1, 1);
	CHECK(channel_wait_ready(&client, 0) == STATUS_OK);
	for (u32 i = 0; i < steps; i++) {
		if (below(2))
			server_step();
		else if (below(2))
			client_submit();
		else
			client_reap();
		if (below(3000) == 0)
			client_restart();
	}
	for (u32 i = 0; i < 100000 && client.taken != 0; i++) {
		server_step();
		client_reap();
	}
	CHECK(client.taken == 0);
	CHECK(memcmp(content, disk, sizeof(disk)) == 0);
}

// ---- a hostile other side

static void test_garbage(u32 rounds)
{
	for (u32 i = 0; i < rounds; i++) {
		struct channel_request r;
		enum status status;
		u64 bits;
		u32 result;

		for (u32 k = 64; k < sizeof(struct channel_table); k += 8) {
			u64 word = next_random();

			memcpy(memory + k, &word, 8);
		}
		memset(&client.taken, 0, sizeof(client.taken));
		(void)channel_claim(&client);
		bits = channel_finished(&client);
		CHECK((bits & ~client.taken) == 0);
		for (; bits != 0; bits &= bits - 1) {
			channel_answer(&client, lowest_bit(bits), &status,
				       &result);
			CHECK(status <= 0);
		}
		server.taken = 0;
		for (bits = channel_take(&server); bits != 0; bits &= bits - 1) {
			u32 entry = lowest_bit(bits);

			channel_read(&server, entry, &r);
			if (block_check(&r, DATA_BYTES, 64, CHANNEL_READONLY,
					8) == STATUS_OK &&
			    r.operation != BLOCK_FLUSH) {
				CHECK(r.operation == BLOCK_READ);
				CHECK(r.count >= 1 && r.count <= 8);
				CHECK(r.data % 512 == 0 &&
				      r.data + r.count * 512ul <= DATA_BYTES);
				CHECK(r.position + r.count <= 64);
			}
			channel_complete(&server, entry, ERR_IO, 0);
		}
	}
	memory[0] ^= 1;
	CHECK(channel_adopt(&client, memory, sizeof(memory)) == ERR_CORRUPT);
	CHECK(channel_adopt(&client, memory, CHANNEL_TABLE_BYTES) == ERR_RANGE);
}

static void test_check(void)
{
	struct channel_request r = {.operation = BLOCK_WRITE, .count = 8};

	CHECK(block_check(&r, 4096, 8, 0, 8) == STATUS_OK);
	CHECK(block_check(&r, 4095, 8, 0, 8) == ERR_RANGE);
	CHECK(block_check(&r, 4096, 7, 0, 8) == ERR_RANGE);
	CHECK(block_check(&r, 4096, 8, 0, 7) == ERR_ARGUMENT);
	CHECK(block_check(&r, 4096, 8, CHANNEL_READONLY, 8) == ERR_READONLY);
	r.data = 256;
	CHECK(block_check(&r, 8192, 8, 0, 8) == ERR_ARGUMENT);
	r = (struct channel_request){.operation = BLOCK_READ,
				     .count = 1,
				     .position = ~0ull};
	CHECK(block_check(&r, 4096, 8, 0, 8) == ERR_RANGE);
	r.count = 0;
	CHECK(block_check(&r, 4096, 8, 0, 8) == ERR_ARGUMENT);
	r.operation = 9;
	CHECK(block_check(&r, 4096, 8, 0, 8) == ERR_ARGUMENT);
}

int main(void)
{
	const char *text = getenv("KOCHAB_TEST_SEED");

	seed = text ? strtoull(text, nullptr, 10) * 2654435761u + 1 : 12345;
	test_check();
	test_schedules(1000000);
	test_garbage(2000);
	printf("NOTE %lu answers; deaths: server %lu (%lu inside an answer), client %lu\n",
	       answered, server_deaths, halves, client_deaths);
	CHECK(answered > 10000 && halves > 100 && client_deaths > 10);
	return 0;
}
