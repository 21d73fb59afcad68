// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Message pages: messages of more words than registers carry.
#include "apps/kernel-test/harness/harness.h"

#define PAGE (u64) PAGE_BYTES
#define OWN AREA // the runner's message page
#define OTHER (AREA + PAGE) // the server's

enum { ALL = MESSAGE_PAGE_WORDS };

static struct handle pages_new(void)
{
	struct handle memory = memory_of(2 * PAGE);

	map_at(memory, AREA, 2 * PAGE, MAP_READ | MAP_WRITE);
	return memory;
}

static enum status page_set(u32 thread, struct handle memory, u64 offset)
{
	return sys_thread_message(handle_of(thread), memory, offset);
}

// Answers every word of the page plus 1, with as many words as came.
static void server(struct worker *self)
{
	struct handle gate = handle_of((u32)self->argument[0]);
	struct message message = {};
	enum status status = ipc_recv(gate, &message, 0);

	while (status == STATUS_OK && message.word[0]) {
		self->result[0]++;
		self->result[1] = message.nwords;
		for (u32 i = 0; i < MESSAGE_WORDS; i++)
			message.word[i]++;
		for (u32 i = MESSAGE_WORDS;
		     self->argument[1] && i < message.nwords; i++)
			word_at(OTHER)[i]++;
		if (!self->argument[1]) // has no page
			message.nwords = MESSAGE_WORDS;
		status = ipc_reply_recv(gate, &message, 0);
	}
	self->result[2] = (u64)status;
	(void)!ipc_reply(&message);
}

static struct worker *server_run(struct handle gate, struct handle memory)
{
	struct worker *worker = worker_new(server);

	worker->layer = SERVER_LAYER;
	worker->argument[0] = gate.value;
	worker->argument[1] = memory.value;
	worker_prepare(worker);
	if (memory.value)
		OK(page_set(worker->thread, memory, PAGE));
	worker_start(worker);
	return worker;
}

// The words of the page that the kernel did not write stay as they were.
static void exchange(struct handle gate, u32 nwords, u32 answered)
{
	struct message message = {.nwords = nwords};

	for (u32 i = 0; i < MESSAGE_WORDS; i++)
		message.word[i] = 100 + i;
	for (u32 i = 0; i < PAGE / 8; i++)
		word_at(OWN)[i] = 100 + i;
	OK(ipc_call(gate, &message, 0));
	SAME(message.nwords, answered);
	for (u32 i = 0; i < MESSAGE_WORDS; i++)
		SAME(message.word[i], 101 + i);
	for (u32 i = 0; i < PAGE / 8; i++)
		SAME(word_at(OWN)[i],
		     100 + i + (i >= MESSAGE_WORDS && i < answered));
}

static void finish(struct handle gate, struct worker *worker)
{
	OK(ipc_call(gate, &(struct message){.nwords = 1}, 0));
	worker_join(worker);
}

static void test_lengths(void)
{
	struct handle gate = endpoint(), memory = pages_new();
	struct worker *worker = server_run(gate, memory);

	OK(page_set(SLOT_RUNNER, memory, 0));
	for (u32 n = MESSAGE_WORDS; n <= ALL; n++) {
		if (n % 2) // the receiver waits; else the caller may come first
			worker_wait_state(worker, THREAD_RECEIVING);
		exchange(gate, n, n);
		SAME(worker->result[1], n);
	}
	SAME(worker->result[0], ALL - MESSAGE_WORDS + 1);
	finish(gate, worker);
	OK(page_set(SLOT_RUNNER, NONE, 0));
}

// Nothing goes through a page that is not there, and who sends is told.
static void test_none(void)
{
	struct handle gate = endpoint(), memory = pages_new();
	struct worker *worker = server_run(gate, NONE);
	struct message message = {.nwords = MESSAGE_WORDS + 1, .word = {1}};

	SAME(ipc_call(gate, &message, 0), ERR_ARGUMENT);
	SAME(ipc_send(gate, &message, 0), ERR_ARGUMENT);
	SAME(ipc_reply(&message), ERR_ARGUMENT);
	SAME(ipc_reply_recv(gate, &message, 0), ERR_ARGUMENT);
	OK(page_set(SLOT_RUNNER, memory, 0));
	// The receiver has none: eight words, and the count of those sent.
	exchange(gate, ALL, MESSAGE_WORDS);
	SAME(worker->result[1], ALL);
	SAME(word_at(OTHER)[MESSAGE_WORDS], 0);
	// Beyond the longest: refused by the library, and by the kernel.
	message.nwords = ALL + 1;
	SAME(ipc_call(gate, &message, 0), ERR_ARGUMENT);
	u64 cap = gate.value;
	SAME(arch_message(SYS_CALL | (ALL + 1) << INFO_WORDS_SHIFT, &cap,
			  message.word, 0, 0),
	     ERR_ARGUMENT);
	OK(page_set(SLOT_RUNNER, NONE, 0));
	message.nwords = ALL;
	SAME(ipc_call(gate, &message, 0), ERR_ARGUMENT);
	finish(gate, worker);
}

static void spin(struct worker *self)
{
	while (!self->argument[0])
		self->result[0]++;
}

static void test_refused(void)
{
	struct handle memory = memory_of(2 * PAGE), tiny;
	struct handle weak = with_rights(memory, RIGHT_READ | RIGHT_DERIVE);
	struct worker *worker = worker_run(spin, 0, 0);
	volatile u64 *end = &worker->argument[0];
	struct handle thread;
	enum status status = STATUS_OK;

	SAME(page_set(SLOT_RUNNER, memory, 8), ERR_ARGUMENT);
	SAME(page_set(SLOT_RUNNER, memory, 2 * PAGE), ERR_RANGE);
	SAME(page_set(SLOT_RUNNER, memory, ~0xfffull), ERR_RANGE);
	SAME(page_set(SLOT_RUNNER, weak, 0), ERR_RIGHTS);
	while (!worker->result[0])
		pause_ns(MS);
	SAME(page_set(worker->thread, memory, 0), ERR_STATE);
	*end = 1;
	OK(sys_thread_stop(handle_of(worker->thread)));
	OK(page_set(worker->thread, memory, 0));
	// A pool that is full up to the last page but for the thread itself.
	tiny = make(OBJECT_POOL, 64, 0);
	thread = make_from(tiny, OBJECT_THREAD, 0, 0);
	for (u32 i = 0; i < 64 && status == STATUS_OK; i++)
		status = sys_object_create(tiny, OBJECT_POOL, 1, 0, NONE,
					   SELF_CNODE, slot_new());
	SAME(status, ERR_QUOTA);
	SAME(sys_thread_message(thread, memory, 0), ERR_QUOTA);
}

// The memory goes away under the page: the page stays where it is, and is nobody's.
static void test_lost(void)
{
	struct handle gate = endpoint(), memory = pages_new();
	struct handle copy = with_rights(memory, 0xff);
	struct worker *worker = server_run(gate, memory);
	struct message message = {.nwords = ALL, .word = {1}};

	OK(page_set(SLOT_RUNNER, copy, 0));
	exchange(gate, ALL, ALL);
	OK(slot_revoke(memory)); // the runner's is derived
	SAME(ipc_call(gate, &message, 0), ERR_ARGUMENT);
	message.nwords = MESSAGE_WORDS;
	OK(ipc_call(gate, &message, 0));
	SAME(message.nwords, MESSAGE_WORDS);
	finish(gate, worker);
}

// Its thread dies with the page, while the page is given back and forth.
static void test_dies(void)
{
	struct handle gate = endpoint(), memory = pages_new();

	for (u32 i = 0; i < 20; i++) {
		struct worker *worker = server_run(gate, memory);

		OK(page_set(SLOT_RUNNER, memory, i % 2 ? PAGE : 0));
		if (!(i % 2))
			exchange(gate, ALL, ALL);
		kill(worker);
	}
	OK(page_set(SLOT_RUNNER, NONE, 0));
}

const struct test_case suite_pages[] = {
	{"pages.lengths", test_lengths, "thread_message ok", 0},
	{"pages.none", test_none,
	 "call error ARGUMENT;send error ARGUMENT;reply error ARGUMENT;"
	 "reply_recv error ARGUMENT",
	 0},
	{"pages.refused", test_refused,
	 "thread_message error STATE;thread_message error ARGUMENT;"
	 "thread_message error RANGE;thread_message error RIGHTS;"
	 "thread_message error QUOTA",
	 0},
	{"pages.lost", test_lost, nullptr, 0},
	{"pages.dies", test_dies, nullptr, 0},
	{}};
