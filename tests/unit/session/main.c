// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Sessions against servers that die at the worst moments. A counter service adds
// numbers that arrive in the client's buffer; before and after each step the
// server may die (its table of sessions is lost, its records in the stash stay),
// and a call that it had received ends with PEER_RESTARTED. Every request must
// count exactly once unless the server died between doing it and recording it,
// which the test knows. Slots and mappings must be back at the end. Then damaged
// records, foreign badges, malformed attaches.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/ipc/message.h"
#include "lib/ipc/server.h"
#include "lib/ipc/session.h"
#include "lib/sys/component.h"

#define CHECK(condition)                                                     \
	do {                                                                 \
		if (!(condition)) {                                          \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                             \
		}                                                            \
	} while (0)

#define SLOTS 4096
#define BUFFER_BYTES 4096
enum { OP_ATTACH = 1, OP_ADD = 2, OP_SIZE = 3, OP_FAIL = 4 };

// ---- a world of one address space

const struct startup *startup;
static bool slot_used[SLOTS];
static void *slot_memory[SLOTS]; // what the capability in the slot shows
static u32 nslots, nmapped;
static u64 now = 1000000;
static u32 seed = 1;

static u32 random_next(void)
{
	return (seed = seed * 1664525 + 1013904223) >> 8;
}

u64 clock_ns(void)
{
	return now += 1000;
}

u32 slot_alloc(void)
{
	for (u32 i = SLOT_FIRST_FREE; i < SLOTS; i++)
		if (!slot_used[i]) {
			slot_used[i] = true;
			nslots++;
			return i;
		}
	CHECK(!"out of slots");
	return 0;
}

void slot_free(u32 slot)
{
	if (slot < SLOT_FIRST_FREE || !slot_used[slot])
		return;
	slot_used[slot] = false;
	slot_memory[slot] = nullptr;
	nslots--;
}

enum status sys_object_create(struct handle, u32 type, u64 a, u64,
	struct handle, struct handle, u32 index)
{
	CHECK(type == OBJECT_MEMORY && a == BUFFER_BYTES);
	slot_memory[index] = calloc(1, a);
	return STATUS_OK;
}

enum status sys_memory_info(struct handle self, u64 *size_bytes, u64 *, u64 *,
	u64 *)
{
	if (self.value >= SLOTS || !slot_memory[self.value])
		return ERR_TYPE;
	*size_bytes = BUFFER_BYTES;
	return STATUS_OK;
}

enum status memory_map(struct handle memory, u64, u64, u32, void **out)
{
	*out = slot_memory[memory.value];
	nmapped++;
	return STATUS_OK;
}

void memory_unmap(void *, u64)
{
	nmapped--;
}

void *heap_zalloc(usize size)
{
	return calloc(1, size);
}

enum status sys_poll(struct handle, u64, u64 *)
{
	return ERR_AGAIN;
}

enum status sys_reply_save(struct handle, u32)
{
	return ERR_NOREPLY;
}

u64 component_heartbeat(u64 bits)
{
	return bits;
}

[[noreturn]] void component_fail(const char *, ...)
{
	CHECK(!"component_fail");
	exit(1);
}

enum status ipc_recv(struct handle, struct message *, u64)
{
	return ERR_DEAD;
}

enum status ipc_reply_recv(struct handle, struct message *, u64)
{
	return ERR_DEAD;
}

enum status ipc_reply(const struct message *)
{
	return STATUS_OK;
}

enum status ipc_send(struct handle, const struct message *, u64)
{
	return STATUS_OK;
}

// ---- the server

static struct server server;
static struct server_record stash[SERVER_SESSIONS];
static u64 counter, doubled; // the service's durable state
static u64 last_added;
static u32 instances, detaches;

static enum status dispatch(void *, struct server_session *session,
	struct message *m)
{
	enum status status = STATUS_OK;
	u64 value = 0, packed = m->word[1];

	// As generated decoding does: nobody but attach takes capabilities.
	if (m->ncaps && (m->word[0] & 0xffff) != OP_ATTACH)
		status = ERR_PROTOCOL;
	else switch (m->word[0] & 0xffff) {
	case OP_ADD:
		if (!session) {
			status = ERR_SESSION;
			break;
		}
		if ((packed >> 32) + (u32)packed > session->buffer_bytes ||
			(u32)packed != sizeof(value)) {
			status = ERR_PROTOCOL;
			break;
		}
		memcpy(&value, session->buffer + (packed >> 32), sizeof(value));
		if (value == last_added)
			doubled++;
		last_added = value;
		counter++;
		break;
	case OP_FAIL:
		status = ERR_IO;
		break;
	case OP_SIZE:
		break;
	default:
		status = ERR_NOSYS;
	}
	m->word[0] = (u64)(i64)status;
	m->word[1] = counter;
	m->nwords = status == STATUS_OK ? 2 : 1;
	m->ncaps = 0;
	return status;
}

static void detached(void *, struct server_session *)
{
	detaches++;
}

static void start_server(void)
{
	// What an instance held in its address space is gone with it.
	for (u32 i = 0; i < SERVER_SESSIONS; i++)
		if (server.session[i].attached) {
			slot_free(server.session[i].memory.value);
			nmapped--;
		}
	instances++;
	server.dispatch = dispatch;
	server.detached = detached;
	CHECK(server_init(&server, (struct handle){99}, OP_ATTACH, stash) ==
		STATUS_OK);
}

static u32 die_before, die_after; // one in so many; 0: never
static u64 badge = 5;

// The kernel's part: carry the message over, or fail as a dead server does.
enum status ipc_call(struct handle, struct message *message, u64)
{
	struct message inside = *message;

	if (die_before && random_next() % die_before == 0) {
		start_server();
		return ERR_PEER_RESTARTED;
	}
	inside.badge = badge;
	for (u32 i = 0; i < message->ncaps; i++) {
		u32 slot = slot_alloc();
		slot_memory[slot] = slot_memory[message->slot[i]];
		inside.slot[i] = (u16)slot;
	}
	CHECK(server_handle(&server, &inside));
	if (die_after && random_next() % die_after == 0) {
		start_server();
		return ERR_PEER_RESTARTED;
	}
	memcpy(message->word, inside.word, sizeof(inside.word));
	message->nwords = inside.nwords;
	message->ncaps = 0;
	return STATUS_OK;
}

// ---- tests

static enum status add(struct session *session, u64 value)
{
	struct message m = {.word = {OP_ADD}, .nwords = 2};

	session->used = 0;
	CHECK(session_put(session, &value, sizeof(value), &m.word[1]) ==
		STATUS_OK);
	return session_call(session, &m);
}

static void open_session(struct session *session, u32 lane)
{
	CHECK(session_open(session, (struct handle){99}, 100, OP_ATTACH, 1) ==
		STATUS_OK);
	session->lane = lane;
}

static void close_session(struct session *session)
{
	u8 *buffer = session->buffer;

	session_close(session);
	free(buffer);
}

static void test_deaths(void)
{
	struct session a, b;
	u64 value = 0, sent = 0;

	start_server();
	open_session(&a, 0);
	open_session(&b, 3);
	CHECK(a.buffer_bytes == BUFFER_BYTES);
	die_before = 5;
	die_after = 4;
	for (u32 round = 0; round < 20000; round++) {
		CHECK(add(round & 1 ? &a : &b, ++value) == STATUS_OK);
		sent++;
		CHECK(counter == sent);
	}
	CHECK(doubled == 0 && instances > 5000);
	CHECK(a.restarts > 1000 && b.restarts > 1000);
	die_before = die_after = 0;
	close_session(&a);
	close_session(&b);
	start_server();
	CHECK(nslots == 0 && nmapped == 0);
}

static void test_errors(void)
{
	struct session s;
	struct message m;
	u64 packed;
	u8 *at;

	memset(stash, 0, sizeof(stash));
	start_server();
	open_session(&s, 1);
	m = (struct message){.word = {OP_FAIL}, .nwords = 1};
	CHECK(session_call(&s, &m) == ERR_IO);
	m = (struct message){.word = {77}, .nwords = 1};
	CHECK(session_call(&s, &m) == ERR_NOSYS);
	CHECK(session_reserve(&s, BUFFER_BYTES + 1, &packed, &at) == ERR_RANGE);
	CHECK(session_reserve(&s, ~0ull, &packed, &at) == ERR_RANGE);
	s.used = 0;
	CHECK(session_reserve(&s, BUFFER_BYTES, &packed, &at) == STATUS_OK);
	CHECK(packed == BUFFER_BYTES && at == s.buffer);
	CHECK(session_reserve(&s, 1, &packed, &at) == ERR_RANGE);
	CHECK(session_reserve(&s, 0, &packed, &at) == STATUS_OK && packed == 0);
	close_session(&s);
}

// A client that lies, straight at the server.
static void test_hostile(void)
{
	static u8 shared[BUFFER_BYTES];
	struct message m;
	u32 before;

	memset(stash, 0, sizeof(stash));
	start_server();
	before = nslots;
	for (u32 i = 0; i < 20000; i++) {
		m = (struct message){.badge = random_next() % 9,
			.nwords = random_next() % 9};
		for (u32 k = 0; k < 8; k++)
			m.word[k] = (u64)random_next() << 40 | random_next();
		m.word[0] = random_next() % 6 | (u64)random_next() << 32;
		if (random_next() % 2) {
			m.word[1] = random_next() % 20;
			m.nwords = 2;
		}
		u32 ncaps = random_next() % 3;
		for (u32 k = 0; k < ncaps; k++) {
			m.slot[k] = (u16)slot_alloc();
			if (random_next() % 2)
				slot_memory[m.slot[k]] = shared;
		}
		m.ncaps = ncaps;
		if (server_handle(&server, &m))
			CHECK(m.nwords >= 1 && m.nwords <= 8);
	}
	u32 sessions = 0;
	for (u32 i = 0; i < SERVER_SESSIONS; i++)
		sessions += server.session[i].attached;
	CHECK(sessions <= SERVER_SESSIONS && nmapped == sessions);
	// Everything else that came was deleted.
	CHECK(nslots == before + sessions);
}

static void test_damaged_stash(void)
{
	struct session s;

	for (u32 round = 0; round < 500; round++) {
		for (usize i = 0; i < sizeof(stash); i++)
			((u8 *)stash)[i] = (u8)random_next();
		for (u32 i = 0; i < SERVER_SESSIONS; i++)
			stash[i].valid = random_next() % 3;
		memset(server.session, 0, sizeof(server.session));
		nmapped = 0;
		start_server();
		for (u32 i = 0; i < SERVER_SESSIONS; i++)
			CHECK(!server.session[i].attached);
		open_session(&s, 2);
		u64 before = counter;
		CHECK(add(&s, 1000000 + round) == STATUS_OK);
		CHECK(counter == before + 1);
		close_session(&s);
	}
}

int main(void)
{
	test_deaths();
	test_errors();
	test_hostile();
	test_damaged_stash();
	puts("session: ok");
	return 0;
}
