// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Messages: words, badges, capabilities, deadlines, the death of either side in
// every state, saved replies, donation, layers, notifications.
#include "apps/kernel-test/harness/harness.h"

// What a server does, by word 0 of the message.
enum {
	ECHO = 1, // answers each word + 1
	SLOW = 2, // answers after argument[1] nanoseconds
	NEVER = 3, // stops without an answer
	END = 4,
};

static void server(struct worker *self)
{
	struct handle endpoint = handle_of((u32)self->argument[0]);
	struct message message = {};
	enum status status = ipc_recv(endpoint, &message, 0);

	while (status == STATUS_OK) {
		u64 what = message.word[0];

		self->result[0]++;
		self->result[1] = message.badge;
		self->result[2] = message.nwords;
		if (what == NEVER)
			park();
		if (what == SLOW)
			pause_ns(self->argument[1]);
		for (u32 i = 0; i < message.nwords; i++)
			message.word[i]++;
		message.ncaps = 0;
		memset(message.slot, 0, sizeof(message.slot));
		if (what == END) {
			(void)!ipc_reply(&message);
			return;
		}
		status = ipc_reply_recv(endpoint, &message, 0);
	}
	self->result[3] = (u64)status;
}

static struct worker *server_new(struct handle endpoint)
{
	struct worker *worker = worker_new(server);

	worker->layer = SERVER_LAYER;
	worker->argument[0] = endpoint.value;
	return worker;
}

static struct worker *server_run(struct handle endpoint)
{
	struct worker *worker = server_new(endpoint);

	worker_start(worker);
	return worker;
}

static void client(struct worker *self)
{
	struct message message = {.nwords = 1};

	message.word[0] = self->argument[1];
	self->result[0] = (u64)ipc_call(handle_of((u32)self->argument[0]),
					&message, self->argument[2]);
	self->result[1] = message.word[0];
}

static struct worker *client_run(struct handle endpoint, u64 what, u64 deadline)
{
	struct worker *worker = worker_new(client);

	worker->argument[0] = endpoint.value;
	worker->argument[1] = what;
	worker->argument[2] = deadline;
	worker_start(worker);
	return worker;
}

static enum status call_one(struct handle endpoint, u64 what, u64 deadline)
{
	struct message message = {.nwords = 1, .word = {what}};

	return ipc_call(endpoint, &message, deadline);
}

static void exchange(struct handle endpoint, u32 nwords)
{
	struct message message = {.nwords = nwords};

	for (u32 i = 0; i < MESSAGE_WORDS; i++)
		message.word[i] = i ? 1000 * i : ECHO;
	OK(ipc_call(endpoint, &message, 0));
	SAME(message.nwords, nwords);
	SAME(message.ncaps, 0);
	for (u32 i = 0; i < MESSAGE_WORDS; i++)
		SAME(message.word[i],
		     i >= nwords ? 0 : (i ? 1000 * i : ECHO) + 1);
}

static void test_words(void)
{
	struct handle gate = endpoint();
	struct worker *worker = server_run(gate);

	// First with the receiver waiting, then with the caller in the queue.
	worker_wait_state(worker, THREAD_RECEIVING);
	for (u32 n = 1; n <= MESSAGE_WORDS; n++)
		exchange(gate, n);
	for (u32 n = 1; n <= MESSAGE_WORDS; n++) {
		exchange(gate, n);
		SAME(worker->result[2], n);
	}
	OK(call_one(gate, END, 0));
	worker_join(worker);
	SAME(worker->result[0], 17);
}

static void test_words_queued(void)
{
	struct handle gate = endpoint();
	struct worker *clients[3], *worker;

	for (u32 i = 0; i < 3; i++) {
		clients[i] = client_run(gate, 10 + i, 0);
		worker_wait_state(clients[i], THREAD_SENDING);
	}
	worker = server_run(gate);
	for (u32 i = 0; i < 3; i++) {
		worker_join(clients[i]);
		SAME(clients[i]->result[0], STATUS_OK);
		SAME(clients[i]->result[1], 11 + i);
	}
	OK(call_one(gate, END, 0));
	worker_join(worker);
}

static void test_zero_words(void)
{
	struct handle gate = endpoint();
	struct message message = {};
	struct worker *worker = worker_new(client);

	worker->argument[0] = gate.value;
	worker_start(worker);
	OK(ipc_recv(gate, &message, 0));
	message = (struct message){};
	OK(ipc_reply(&message));
	worker_join(worker);
	SAME(worker->result[0], STATUS_OK);
	SAME(worker->result[1], 0);
	SAME(ipc_call_0(SELF_CNODE), ERR_TYPE);
}

static void test_info_refused(void)
{
	struct handle gate = endpoint();
	u64 word[8] = {}, cap = gate.value;

	SAME(arch_message(SYS_CALL | 9 << INFO_WORDS_SHIFT, &cap, word, 0, 0),
	     ERR_ARGUMENT);
	cap = gate.value;
	SAME(arch_message(SYS_CALL | 255 << INFO_WORDS_SHIFT, &cap, word, 0, 0),
	     ERR_ARGUMENT);
	cap = gate.value;
	SAME(arch_message(SYS_CALL | 5 << INFO_CAPS_SHIFT | INFO_CAPS, &cap,
			  word, 0, 0),
	     ERR_ARGUMENT);
	SAME(ipc_try_send(gate, &(struct message){}), ERR_AGAIN);
	SAME(ipc_try_recv(gate, &(struct message){}), ERR_AGAIN);
}

static void test_badge(void)
{
	struct handle gate = endpoint();
	struct handle named = with_badge(gate, 0xfeedface12345678);
	struct worker *worker = server_run(gate);

	OK(call_one(named, ECHO, 0));
	SAME(worker->result[1], 0xfeedface12345678);
	OK(call_one(gate, ECHO, 0));
	SAME(worker->result[1], 0);
}

static void sender(struct worker *self)
{
	struct message message = {.nwords = 2, .word = {5, 6}};

	self->result[0] = (u64)ipc_send(handle_of((u32)self->argument[0]),
					&message, self->argument[1]);
}

static void test_send(void)
{
	struct handle gate = endpoint();
	struct worker *worker = worker_run(sender, gate.value, 0);
	struct message message = {};

	worker_wait_state(worker, THREAD_SENDING);
	OK(ipc_recv(gate, &message, 0));
	SAME(message.word[1], 6);
	worker_join(worker);
	SAME(worker->result[0], STATUS_OK);
	// There is nobody to answer.
	SAME(ipc_reply(&message), ERR_NOREPLY);
	SAME(ipc_send(gate, &message, clock_ns() + 3 * MS), ERR_TIMEOUT);
	worker = worker_run(sender, gate.value, 0);
	worker_wait_state(worker, THREAD_SENDING);
	OK(sys_thread_stop(handle_of(worker->thread)));
	OK(sys_thread_start(handle_of(worker->thread), 0, 0, 0, 0));
	worker_join(worker);
	SAME(worker->result[0], ERR_CANCELED);
	worker = worker_run(sender, gate.value, 0);
	worker_wait_state(worker, THREAD_SENDING);
	OK(slot_delete(gate));
	worker_join(worker);
	SAME(worker->result[0], ERR_DEAD);
}

static void test_timeouts(void)
{
	struct handle gate = endpoint(), bell = notification();
	u64 start = clock_ns(), limit = start + 5 * MS;
	struct message message = {};

	SAME(call_one(gate, ECHO, limit), ERR_TIMEOUT);
	CHECK(clock_ns() >= limit);
	limit = clock_ns() + 5 * MS;
	SAME(ipc_recv(gate, &message, limit), ERR_TIMEOUT);
	CHECK(clock_ns() >= limit);
	limit = clock_ns() + 5 * MS;
	SAME(ipc_reply_recv(gate, &message, limit), ERR_TIMEOUT);
	CHECK(clock_ns() >= limit);
	limit = clock_ns() + 5 * MS;
	SAME(sys_wait(bell, 1, limit, nullptr), ERR_TIMEOUT);
	CHECK(clock_ns() >= limit);
	// A deadline that has passed.
	SAME(sys_wait(bell, 1, 1, nullptr), ERR_TIMEOUT);
	SAME(call_one(gate, ECHO, 1), ERR_TIMEOUT);
	// Received, but not answered in time; the server learns it on replying.
	struct worker *worker = client_run(gate, ECHO, clock_ns() + 20 * MS);

	OK(ipc_recv(gate, &message, 0));
	worker_join(worker);
	SAME(worker->result[0], ERR_TIMEOUT);
	SAME(ipc_reply(&message), ERR_NOREPLY);
}

static void receiver(struct worker *self)
{
	struct message message = {};
	struct handle gate = handle_of((u32)self->argument[0]);

	self->result[0] = self->argument[1]
		? (u64)ipc_reply_recv(gate, &message, 0)
		: (u64)ipc_recv(gate, &message, 0);
}

static void waiter(struct worker *self)
{
	u64 bits = 0;

	self->result[0] = (u64)sys_wait(handle_of((u32)self->argument[0]),
					self->argument[1], 0, &bits);
	self->result[1] = bits;
}

static void stop_and_go(struct worker *worker)
{
	OK(sys_thread_stop(handle_of(worker->thread)));
	SAME(thread_state(worker->thread), THREAD_STOPPED);
	OK(sys_thread_start(handle_of(worker->thread), 0, 0, 0, 0));
	worker_join(worker);
}

static void test_canceled(void)
{
	struct handle gate = endpoint(), bell = notification();
	struct worker *worker;

	for (u32 i = 0; i < 2; i++) {
		worker = worker_run(receiver, gate.value, i);
		worker_wait_state(worker, THREAD_RECEIVING);
		stop_and_go(worker);
		SAME(worker->result[0], ERR_CANCELED);
	}
	worker = worker_run(waiter, bell.value, 1);
	worker_wait_state(worker, THREAD_WAITING);
	stop_and_go(worker);
	SAME(worker->result[0], ERR_CANCELED);
	worker = client_run(gate, ECHO, 0);
	worker_wait_state(worker, THREAD_SENDING);
	stop_and_go(worker);
	SAME(worker->result[0], ERR_CANCELED);
	// Awaiting a reply.
	struct message message = {};

	worker = client_run(gate, ECHO, 0);
	OK(ipc_recv(gate, &message, 0));
	SAME(thread_state(worker->thread), THREAD_REPLY);
	stop_and_go(worker);
	SAME(worker->result[0], ERR_CANCELED);
	SAME(ipc_reply(&message), ERR_NOREPLY);
}

static void test_dead(void)
{
	struct handle gate = endpoint(), bell = notification();
	struct worker *one = worker_run(receiver, gate.value, 0);
	struct worker *two = worker_run(receiver, gate.value, 1);
	struct worker *three = worker_run(waiter, bell.value, 1);

	worker_wait_state(one, THREAD_RECEIVING);
	worker_wait_state(two, THREAD_RECEIVING);
	worker_wait_state(three, THREAD_WAITING);
	OK(slot_delete(gate));
	OK(slot_delete(bell));
	worker_join(one);
	worker_join(two);
	worker_join(three);
	SAME(one->result[0], ERR_DEAD);
	SAME(two->result[0], ERR_DEAD);
	SAME(three->result[0], ERR_DEAD);
}

static void test_layer(void)
{
	struct handle same = make(OBJECT_ENDPOINT, RUNNER_LAYER, 0);
	struct handle above = make(OBJECT_ENDPOINT, 255, 0);
	struct handle below = make(OBJECT_ENDPOINT, RUNNER_LAYER - 1, 0);
	struct message message = {};

	SAME(call_one(same, ECHO, 1), ERR_LAYER);
	SAME(call_one(above, ECHO, 1), ERR_LAYER);
	SAME(call_one(below, ECHO, 1), ERR_TIMEOUT);
	SAME(ipc_send(same, &message, 1), ERR_LAYER);
	SAME(ipc_send(below, &message, 1), ERR_TIMEOUT);
}

static void test_interrupted(void)
{
	struct handle gate = endpoint(), bell = notification();
	struct worker *worker;
	u64 bits = 0;

	for (u32 i = 0; i < 2; i++) {
		worker = worker_new(receiver);
		worker->argument[0] = gate.value;
		worker->argument[1] = i;
		worker_prepare(worker);
		OK(sys_thread_bind(handle_of(worker->thread), bell));
		worker_start(worker);
		worker_wait_state(worker, THREAD_RECEIVING);
		OK(sys_signal(with_badge(bell, 6)));
		worker_join(worker);
		SAME(worker->result[0], ERR_INTERRUPTED);
		// The bits are still there: recv only said so.
		OK(sys_poll(bell, ~0ull, &bits));
		SAME(bits, 6);
		// Pending before: it does not wait at all.
		OK(sys_signal(bell));
		kill(worker);
		worker = worker_new(receiver);
		worker->argument[0] = gate.value;
		worker->argument[1] = i;
		worker_prepare(worker);
		OK(sys_thread_bind(handle_of(worker->thread), bell));
		worker_start(worker);
		worker_join(worker);
		SAME(worker->result[0], ERR_INTERRUPTED);
		OK(sys_poll(bell, ~0ull, nullptr));
		kill(worker);
	}
}

static void test_bind(void)
{
	struct handle bell = notification();
	struct handle mute = with_rights(bell, RIGHT_SIGNAL);
	struct worker *one = worker_new(waiter), *two = worker_new(waiter);

	worker_prepare(one);
	worker_prepare(two);
	OK(sys_thread_bind(handle_of(one->thread), bell));
	SAME(sys_thread_bind(handle_of(two->thread), bell), ERR_OCCUPIED);
	OK(sys_thread_bind(handle_of(one->thread), bell));
	OK(sys_thread_bind(handle_of(one->thread), NONE));
	OK(sys_thread_bind(handle_of(two->thread), bell));
	SAME(sys_thread_bind(handle_of(one->thread), mute), ERR_RIGHTS);
	SAME(sys_thread_bind(handle_of(one->thread), SELF_CNODE), ERR_TYPE);
	SAME(sys_thread_bind(handle_of(one->thread), handle_of(SLOT_NEVER)),
	     ERR_HANDLE);
	kill(two);
	OK(sys_thread_bind(handle_of(one->thread), bell));
	OK(slot_delete(bell)); // while bound
	OK(sys_thread_bind(handle_of(one->thread), NONE));
}

static void test_notification(void)
{
	struct handle bell = notification(), three = with_badge(bell, 3);
	struct worker *worker;
	u64 bits = 0;

	SAME(sys_poll(bell, ~0ull, &bits), ERR_AGAIN);
	OK(sys_signal(bell));
	OK(sys_signal(three));
	OK(sys_signal(with_badge(bell, 1ull << 63)));
	SAME(sys_poll(bell, 4, &bits), ERR_AGAIN);
	OK(sys_poll(bell, 2, &bits));
	SAME(bits, 2);
	OK(sys_wait(bell, ~0ull, 0, &bits));
	SAME(bits, 1ull << 63 | 1);
	worker = worker_run(waiter, bell.value, 2);
	worker_wait_state(worker, THREAD_WAITING);
	SAME(sys_wait(bell, 1, 0, &bits), ERR_OCCUPIED);
	OK(sys_signal(bell)); // bit 0: not what it waits for
	SAME(thread_state(worker->thread), THREAD_WAITING);
	OK(sys_signal(three));
	worker_join(worker);
	SAME(worker->result[0], STATUS_OK);
	SAME(worker->result[1], 2);
	OK(sys_poll(bell, ~0ull, &bits));
	SAME(bits, 1);
}

// ---- capabilities in messages

static void grantee(struct worker *self)
{
	struct handle gate = handle_of((u32)self->argument[0]);
	struct message message = {};

	for (u32 round = 0; round < 32; round++) {
		enum status status;

		for (u32 i = 0; i < MESSAGE_CAPS; i++)
			message.slot[i] = (u16)(self->argument[1] + i);
		message.ncaps = 0;
		message.nwords = 1;
		message.word[0] = self->result[0];
		status = round ? ipc_reply_recv(gate, &message, 0)
			       : ipc_recv(gate, &message, 0);
		if (status != STATUS_OK)
			return;
		self->result[0] = message.ncaps;
		for (u32 i = 0; i < message.ncaps; i++) {
			if (message.slot[i] != self->argument[1] + i)
				self->result[0] = 100 + i;
			if (sys_signal(handle_of(message.slot[i])) != STATUS_OK)
				self->result[0] = 200 + i;
			(void)!slot_delete(handle_of(message.slot[i]));
		}
	}
}

// How many of the given capabilities arrived.
static u64 give(struct handle gate, u32 ncaps, const struct handle cap[4])
{
	struct message message = {.ncaps = ncaps, .nwords = 1};

	for (u32 i = 0; i < ncaps; i++)
		message.slot[i] = (u16)cap[i].value;
	OK(ipc_call(gate, &message, 0));
	return message.word[0];
}

static void test_grant(void)
{
	struct handle gate = endpoint(), bell = notification(), cap[4];
	struct handle no_grant = with_rights(gate, 0xff & ~RIGHT_GRANT);
	struct handle fast = with_rights(bell, 0xff & ~RIGHT_DERIVE);
	struct worker *worker = worker_new(grantee);
	u32 arrive = slots_new(4);
	u64 bits;

	worker->layer = SERVER_LAYER;
	worker->argument[0] = gate.value;
	worker->argument[1] = arrive;
	worker_start(worker);
	for (u32 i = 0; i < 4; i++)
		cap[i] = with_badge(bell, 1ull << i);
	for (u32 n = 0; n <= 4; n++) {
		SAME(give(gate, n, cap), n);
		bits = 0;
		(void)!sys_poll(bell, ~0ull, &bits);
		SAME(bits, (1ull << n) - 1);
	}
	SAME(give(no_grant, 4, cap), 0);
	// Without DERIVE it is not given, nor what stands behind it.
	SAME(give(gate, 3, (struct handle[4]){cap[0], fast, cap[1]}), 1);
	SAME(give(gate, 1, (struct handle[4]){handle_of(SLOT_NEVER)}), 0);
	// The receiver's slot is not empty.
	OK(sys_cap_copy(SELF_CNODE, arrive + 1, bell));
	SAME(give(gate, 4, cap), 1);
	OK(slot_delete(handle_of(arrive + 1)));
	SAME(give(gate, 4, cap), 4);
	// What was given is derived from what was sent.
	for (u32 i = 0; i < 4; i++)
		CHECK(!slot_full(handle_of(arrive + i)));
}

static void giver(struct worker *self)
{
	struct handle gate = handle_of((u32)self->argument[0]);
	struct message message = {};

	if (ipc_recv(gate, &message, 0) != STATUS_OK)
		return;
	message.ncaps = 2;
	message.nwords = 0;
	message.slot[0] = message.slot[1] = (u16)self->argument[1];
	message.slot[2] = message.slot[3] = 0;
	(void)!ipc_reply(&message);
}

static void test_grant_reply(void)
{
	struct handle gate = endpoint(), bell = notification();
	u32 arrive = slots_new(2);
	struct message message = {.slot = {(u16)arrive, (u16)(arrive + 1)}};
	struct worker *worker = worker_new(giver);

	worker->layer = SERVER_LAYER;
	worker->argument[0] = gate.value;
	worker->argument[1] = bell.value;
	worker_start(worker);
	OK(ipc_call(gate, &message, 0));
	SAME(message.ncaps, 2);
	SAME(message.slot[0], arrive);
	OK(sys_signal(handle_of(arrive)));
	OK(sys_poll(handle_of(arrive + 1), 1, nullptr));
	OK(slot_revoke(bell));
	CHECK(!slot_full(handle_of(arrive)) &&
	      !slot_full(handle_of(arrive + 1)));
}

// Between cspaces: what is sent is found in the sender's, put into the other's.
static void stranger(struct worker *self)
{
	struct message message = {.slot = {9, 10, 0, 0}};
	u32 type = 0;

	self->result[0] = (u64)ipc_recv(handle_of(5), &message, 0);
	self->result[1] = message.ncaps;
	self->result[2] = (u64)sys_signal(handle_of(9));
	self->result[3] =
		(u64)sys_cap_info(handle_of(10), &type, nullptr, nullptr);
	self->result[4] = type;
	message.nwords = message.ncaps = 0;
	self->result[5] = (u64)ipc_reply(&message);
}

static void test_grant_spaces(void)
{
	struct handle gate = endpoint(), bell = notification();
	struct handle cnode = make(OBJECT_CNODE, 4, 0);
	struct worker *worker = worker_new(stranger);
	struct message message = {.ncaps = 2,
				  .slot = {(u16)bell.value, SLOT_TIME}};

	worker->layer = SERVER_LAYER;
	worker->aspace = space_new();
	worker->cspace = cnode;
	worker_prepare(worker);
	OK(sys_cap_copy(cnode, 5, gate));
	OK(sys_cap_copy(cnode, 3, handle_of(worker->thread)));
	worker_start(worker);
	OK(ipc_call(gate, &message, 0));
	SAME(worker->result[0], STATUS_OK);
	SAME(worker->result[1], 2);
	SAME(worker->result[2], STATUS_OK);
	SAME(worker->result[3], STATUS_OK);
	SAME(worker->result[4], OBJECT_MEMORY);
	OK(sys_poll(bell, 1, nullptr));
	OK(slot_revoke(bell));
	CHECK(!slot_full(handle_of(cnode.value << 16 | 9)));
	CHECK(slot_full(handle_of(cnode.value << 16 | 10)));
	// A thread whose last capability lies in its own cspace would stay.
	OK(sys_cap_delete(cnode, 3));
}

// ---- deferred answers

static void test_saved_reply(void)
{
	struct handle gate = endpoint();
	u32 reply = slots_new(2), type = 0;
	struct worker *one = client_run(gate, 1, 0);
	struct worker *two = client_run(gate, 2, 0);
	struct message message = {};

	SAME(sys_reply_save(SELF_CNODE, reply), ERR_NOREPLY);
	for (u32 i = 0; i < 2; i++) {
		OK(ipc_recv(gate, &message, 0));
		SAME(sys_reply_save(SELF_CNODE, 256), ERR_RANGE);
		SAME(sys_reply_save(SELF_CNODE, SLOT_CNODE), ERR_OCCUPIED);
		OK(sys_reply_save(SELF_CNODE, reply + i));
		SAME(sys_reply_save(SELF_CNODE, reply + i), ERR_NOREPLY);
		SAME(ipc_reply(&message), ERR_NOREPLY);
	}
	OK(sys_cap_info(handle_of(reply), &type, nullptr, nullptr));
	SAME(type, OBJECT_REPLY);
	SAME(thread_state(one->thread), THREAD_REPLY);
	message = (struct message){.nwords = 1, .word = {22}};
	OK(ipc_send(handle_of(reply + 1), &message, 0));
	worker_join(two);
	message.word[0] = 11;
	CHECK(!one->done);
	OK(ipc_send(handle_of(reply), &message, 0));
	worker_join(one);
	SAME(one->result[1] + two->result[1], 33);
	// Only once.
	CHECK(!slot_full(handle_of(reply)));
	SAME(ipc_send(handle_of(reply), &message, 0), ERR_HANDLE);
}

static void test_saved_reply_ends(void)
{
	struct handle gate = endpoint();
	struct handle reply = handle_of(slot_new());
	struct message message = {};
	struct worker *worker;

	// The caller dies, gives up, is stopped; the right is deleted.
	for (u32 how = 0; how < 4; how++) {
		worker = client_run(gate, 1,
				    how == 1 ? clock_ns() + 20 * MS : 0);
		OK(ipc_recv(gate, &message, 0));
		OK(sys_reply_save(SELF_CNODE, reply.value));
		switch (how) {
		case 0:
			kill(worker);
			break;
		case 1:
			worker_join(worker);
			SAME(worker->result[0], ERR_TIMEOUT);
			break;
		case 2:
			stop_and_go(worker);
			SAME(worker->result[0], ERR_CANCELED);
			break;
		default:
			OK(slot_delete(reply));
			worker_join(worker);
			SAME(worker->result[0], ERR_PEER_RESTARTED);
		}
		SAME(ipc_send(reply, &message, 0), ERR_HANDLE);
		CHECK(!slot_full(reply));
	}
	// Moved, it still answers.
	struct handle other = handle_of(slot_new());

	worker = client_run(gate, 1, 0);
	OK(ipc_recv(gate, &message, 0));
	OK(sys_reply_save(SELF_CNODE, reply.value));
	OK(sys_cap_move(SELF_CNODE, other.value, reply));
	message = (struct message){.nwords = 1, .word = {5}};
	OK(ipc_send(other, &message, 0));
	worker_join(worker);
	SAME(worker->result[1], 5);
}

// Sending on a reply capability after its caller is gone by itself.
static void test_noreply(void)
{
	struct handle gate = endpoint();
	struct handle reply = handle_of(slot_new()), copy;
	struct message message = {};
	struct worker *worker = client_run(gate, 1, 0);

	OK(ipc_recv(gate, &message, 0));
	OK(sys_reply_save(SELF_CNODE, reply.value));
	copy = handle_of(slot_new());
	// One-shot: it cannot be copied, for it carries no right to derive.
	SAME(sys_cap_copy(SELF_CNODE, copy.value, reply), ERR_RIGHTS);
	OK(ipc_send(reply, &message, 0));
	worker_join(worker);
	SAME(ipc_reply(&message), ERR_NOREPLY);
}

// ---- death of a peer

static void test_server_dies(void)
{
	struct handle gate = endpoint();
	struct worker *worker, *caller;

	// Before it received: the call waits for the next server.
	worker = server_run(gate);
	worker_wait_state(worker, THREAD_RECEIVING);
	kill(worker);
	caller = client_run(gate, ECHO, 0);
	worker_wait_state(caller, THREAD_SENDING);
	worker = server_run(gate);
	worker_join(caller);
	SAME(caller->result[0], STATUS_OK);
	// After: the caller hears of it at once.
	caller = client_run(gate, NEVER, 0);
	worker_wait_state(caller, THREAD_REPLY);
	kill(worker);
	worker_join(caller);
	SAME(caller->result[0], ERR_PEER_RESTARTED);
	// And so it does when the whole endpoint went meanwhile.
	worker = server_run(gate);
	caller = client_run(gate, NEVER, 0);
	worker_wait_state(caller, THREAD_REPLY);
	OK(slot_delete(gate));
	SAME(thread_state(caller->thread), THREAD_REPLY);
	kill(worker);
	worker_join(caller);
	CHECK((i64)caller->result[0] == ERR_PEER_RESTARTED ||
	      (i64)caller->result[0] == ERR_PEER_GONE);
}

static void test_client_dies(void)
{
	struct handle gate = endpoint();
	struct message message = {};
	struct worker *worker = client_run(gate, ECHO, 0);

	// In the queue: as if it had never called.
	worker_wait_state(worker, THREAD_SENDING);
	kill(worker);
	SAME(ipc_recv(gate, &message, clock_ns() + 3 * MS), ERR_TIMEOUT);
	// While its answer is awaited.
	worker = client_run(gate, ECHO, 0);
	OK(ipc_recv(gate, &message, 0));
	kill(worker);
	SAME(ipc_reply(&message), ERR_NOREPLY);
	// The server goes on.
	worker = client_run(gate, 40, 0);
	OK(ipc_recv(gate, &message, 0));
	OK(ipc_reply(&message));
	worker_join(worker);
	SAME(worker->result[1], 40);
}

// ---- chains and donation

static void link_run(struct worker *self)
{
	struct handle above = handle_of((u32)self->argument[0]);
	struct handle below = handle_of((u32)self->argument[1]);
	struct message message = {};

	if (ipc_recv(above, &message, 0) != STATUS_OK)
		return;
	message = (struct message){.nwords = 1, .word = {message.word[0] + 1}};
	enum status status = ipc_call(below, &message, 0);

	if (status != STATUS_OK)
		message = (struct message){
			.nwords = 2, .word = {(u64)status, self->argument[2]}};
	message.ncaps = 0;
	(void)!ipc_reply(&message);
}

// Calls of many at one endpoint are received by priority, and in the order of
// their arrival among the same.
static void test_by_priority(void)
{
	enum { CALLERS = 9 };
	static const u32 priority[CALLERS] = {7, 3, 9, 0, 7, 15, 3, 9, 0};
	static const u32 order[CALLERS] = {5, 2, 7, 0, 4, 1, 6, 3, 8};
	struct handle gate = endpoint();
	struct worker *caller[CALLERS];
	struct message message = {};

	for (u32 i = 0; i < CALLERS; i++) {
		caller[i] = worker_new(client);
		caller[i]->priority = priority[i];
		caller[i]->argument[0] = gate.value;
		caller[i]->argument[1] = i;
		worker_start(caller[i]);
		worker_wait_state(caller[i], THREAD_SENDING);
	}
	kill(caller[order[3]]); // from the middle
	for (u32 i = 0; i < CALLERS; i++) {
		if (i == 3)
			continue;
		OK(ipc_recv(gate, &message, 0));
		SAME(message.word[0], order[i]);
		OK(ipc_reply(&message));
		worker_join(caller[order[i]]);
	}
}

// Calls that wait for calls: up to sixteen.
static void test_chain(void)
{
	enum { LINKS = 20 };
	struct handle gate[LINKS + 1];
	struct message message = {.nwords = 1, .word = {100}};

	for (u32 i = 0; i <= LINKS; i++)
		gate[i] = make(OBJECT_ENDPOINT, 200 - i, 0);
	for (u32 i = 0; i < LINKS; i++) {
		struct worker *worker = worker_new(link_run);

		worker->layer = 200 - i;
		worker->argument[0] = gate[i].value;
		worker->argument[1] = gate[i + 1].value;
		worker->argument[2] = i + 1;
		worker_start(worker);
	}
	OK(ipc_call(gate[0], &message, 0));
	SAME(message.word[0], ERR_DEPTH);
	// The first call has depth 1, so the sixteenth server cannot call on.
	SAME(message.word[1], 16);
}

static void spinner(struct worker *self)
{
	while (!__atomic_load_n(&shared->number[0], __ATOMIC_RELAXED))
		self->result[0]++;
}

// A server of low priority runs with its caller's: who is between does not hold
// it up.
static void test_donation(void)
{
	struct handle gate = endpoint();
	struct worker *low = server_new(gate), *middle;
	u64 end;

	low->priority = 2;
	low->argument[1] = 0;
	worker_start(low);
	worker_wait_state(low, THREAD_RECEIVING);
	middle = worker_new(spinner);
	middle->priority = 10;
	worker_start(middle);
	end = clock_ns() + 3 * SECOND;
	for (u32 i = 0; i < 100; i++)
		SAME(call_one(gate, ECHO, end), STATUS_OK);
	// Afterwards it has its own priority again: it cannot run.
	struct message message = {.nwords = 1, .word = {SLOW}};

	SAME(middle->done, 0);
	shared->number[0] = 1;
	worker_join(middle);
	OK(ipc_call(gate, &message, 0));
}

// Ping-pong between processors and address spaces.
static void rounds(struct worker *server_thread, u32 count)
{
	struct handle gate = handle_of((u32)server_thread->argument[0]);

	worker_start(server_thread);
	for (u32 i = 0; i < count; i++)
		exchange(gate, 1 + i % 8);
	OK(call_one(gate, END, 0));
	worker_join(server_thread);
}

static void test_cross_cpu(void)
{
	struct worker *worker = server_new(endpoint());

	worker->cpus = 2;
	rounds(worker, 2000);
}

static void test_cross_space(void)
{
	struct worker *worker = server_new(endpoint());

	worker->aspace = space_new();
	rounds(worker, 2000);
}

static void test_cross_both(void)
{
	struct worker *worker = server_new(endpoint());

	worker->cpus = 2;
	worker->aspace = space_new();
	rounds(worker, 500);
}

static void test_state(void)
{
	struct handle gate = endpoint();
	struct message message = {};
	struct worker *worker = client_run(gate, 1, 0);

	OK(ipc_recv(gate, &message, 0));
	// The last caller is owed an answer: saved or given, before the next.
	SAME(ipc_recv(gate, &message, 1), ERR_STATE);
	OK(ipc_reply(&message));
	worker_join(worker);
}

const struct test_case suite_ipc[] = {
	{"ipc.words", test_words, "call ok;recv ok;reply_recv ok", 0},
	{"ipc.words-queued", test_words_queued, nullptr, 0},
	{"ipc.zero-words", test_zero_words, "reply ok", 0},
	{"ipc.info-refused", test_info_refused, nullptr, 0},
	{"ipc.badge", test_badge, nullptr, 0},
	{"ipc.send", test_send,
	 "send ok;send error TIMEOUT;send error CANCELED;send error DEAD;"
	 "reply error NOREPLY",
	 0},
	{"ipc.timeouts", test_timeouts,
	 "call error TIMEOUT;recv error TIMEOUT;reply_recv error TIMEOUT;"
	 "wait error TIMEOUT",
	 0},
	{"ipc.canceled", test_canceled,
	 "call error CANCELED;recv error CANCELED;reply_recv error CANCELED;"
	 "wait error CANCELED",
	 0},
	{"ipc.dead", test_dead,
	 "recv error DEAD;reply_recv error DEAD;wait error DEAD", 0},
	{"ipc.layer", test_layer, "call error LAYER;send error LAYER", 0},
	{"ipc.interrupted", test_interrupted,
	 "recv error INTERRUPTED;reply_recv error INTERRUPTED", 0},
	{"ipc.bind", test_bind, "thread_bind ok;thread_bind error OCCUPIED", 0},
	{"ipc.notification", test_notification,
	 "signal ok;wait ok;wait error OCCUPIED;poll ok;poll error AGAIN", 0},
	{"ipc.grant", test_grant, nullptr, 0},
	{"ipc.grant-reply", test_grant_reply, nullptr, 0},
	{"ipc.grant-spaces", test_grant_spaces, nullptr, 0},
	{"ipc.saved-reply", test_saved_reply,
	 "reply_save ok;reply_save error NOREPLY;reply_save error OCCUPIED;"
	 "reply_save error RANGE",
	 0},
	{"ipc.saved-reply-ends", test_saved_reply_ends, nullptr, 0},
	{"ipc.noreply", test_noreply, nullptr, 0},
	{"ipc.server-dies", test_server_dies, "call error PEER_RESTARTED", 0},
	{"ipc.client-dies", test_client_dies, nullptr, 0},
	{"ipc.by-priority", test_by_priority, nullptr, 0},
	{"ipc.chain", test_chain, "call error DEPTH", 0},
	{"ipc.donation", test_donation, nullptr, 0},
	{"ipc.state", test_state, nullptr, 0},
	{"ipc.cross-space", test_cross_space, nullptr, 0},
	{"ipc.cross-cpu", test_cross_cpu, nullptr, NEEDS_TWO_CPUS},
	{"ipc.cross-both", test_cross_both, nullptr, NEEDS_TWO_CPUS},
	{}};
