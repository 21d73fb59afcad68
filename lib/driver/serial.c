// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See serial.h. The line may be edge-triggered at the interrupt controller: a
// reason that comes up while another still holds the line makes no edge. So whoever
// touches the port leaves it only when it has no reason left.
#include "lib/driver/serial.h"

#include "abi/constants.h"
#include "gen/abi/console.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/driver/channel.h"
#include "lib/driver/tap.h"
#include "lib/ipc/server.h"
#include "lib/ipc/session.h"
#include "lib/sys/component.h"

#define QUEUE_BYTES 16384 // a power of two
#define STASH_MAGIC 0x31545241554b0002ull
#define NOTIFY_IRQ BIT(32)
#define QUIET_LOOKS 2000 // at the port: longer than a byte takes to come in

// head and tail count bytes since ever; head - tail are in the queue.
struct queue {
	u64 head, tail;
	u8 byte[QUEUE_BYTES];
};

// A call being committed: the position that moves, and the answer. Applying it
// twice does no harm.
struct commit {
	u64 valid;
	u64 input; // 1: the tail of input moves, 0: the head of output
	u64 position;
	u64 session;
	struct server_record record;
};

struct stash {
	u64 magic;
	struct commit commit;
	struct server_record record[SERVER_SESSIONS];
	struct queue output, input;
};

static struct {
	const struct serial_hooks *hooks;
	struct handle irq;
	bool starved; // a client found the queue of output full
	struct stash *stash;
	struct handle keep; // cnode, or 0
	u64 keep_slots;
	struct server server;
	u32 notify[SERVER_SESSIONS]; // slot to signal, by session; 0: none
	u32 waiting[SERVER_SESSIONS]; // saved replies of drain
	struct server_session *session; // whose call is being served
	bool moves; // the call moves a position: commit has which, and where to
	bool tapped;
	struct channel channel; // of the tap
	struct tap tap;
} serial;

static u64 queue_used(const struct queue *queue)
{
	return queue->head - queue->tail;
}

static u64 queue_room(const struct queue *queue)
{
	return QUEUE_BYTES - queue_used(queue);
}

// The positions count only after the bytes are there.
static void queue_advance(u64 *position, u64 by)
{
	__atomic_store_n(position, *position + by, __ATOMIC_RELEASE);
}

// These two leave the positions to the caller.
static u32 queue_put(struct queue *queue, const u8 *data, u32 bytes)
{
	u32 done = (u32)MIN((u64)bytes, queue_room(queue));

	for (u32 i = 0; i < done; i++)
		queue->byte[(queue->head + i) % QUEUE_BYTES] = data[i];
	return done;
}

static u32 queue_get(const struct queue *queue, u8 *data, u32 bytes)
{
	u32 done = (u32)MIN((u64)bytes, queue_used(queue));

	for (u32 i = 0; i < done; i++)
		data[i] = queue->byte[(queue->tail + i) % QUEUE_BYTES];
	return done;
}

// Send the byte in front of the queue.
static void send_byte(struct queue *output)
{
	serial.hooks->send(output->byte[output->tail % QUEUE_BYTES],
			   output->tail);
	queue_advance(&output->tail, 1);
}

static void signal_clients(void)
{
	for (u32 i = 0; i < SERVER_SESSIONS; i++)
		if (serial.notify[i] != 0)
			(void)!sys_signal(handle_of(serial.notify[i]));
}

static void answer_drains(void)
{
	for (u32 i = 0; i < SERVER_SESSIONS; i++) {
		struct message reply = {};

		if (serial.waiting[i] == 0)
			continue;
		console_drain_reply(&reply, STATUS_OK);
		server_answer(serial.waiting[i], &reply);
		serial.waiting[i] = 0;
	}
}

static void send(void)
{
	struct queue *output = &serial.stash->output;
	u32 room;

	while (queue_used(output) != 0 && (room = serial.hooks->room()) != 0) {
		u32 burst = (u32)MIN(queue_used(output), (u64)room);

		for (u32 i = 0; i < burst; i++)
			send_byte(output);
	}
	if (queue_used(output) == 0)
		answer_drains();
	if (serial.starved && queue_room(output) >= QUEUE_BYTES / 2) {
		serial.starved = false;
		signal_clients();
	}
}

static void receive(void)
{
	struct queue *input = &serial.stash->input;
	bool some = false;
	u8 byte;

	while (queue_room(input) != 0 && serial.hooks->receive(&byte)) {
		queue_advance(&input->head, queue_put(input, &byte, 1));
		some = true;
	}
	if (some)
		signal_clients();
}

static void serve_port(void)
{
	struct queue *output = &serial.stash->output;

	do {
		receive();
		send();
		serial.hooks->allow(queue_room(&serial.stash->input) != 0,
				    queue_used(output) != 0, output->tail);
	} while (serial.hooks->pending());
}

static void notified(void *context, u64 bits)
{
	(void)context;
	if (!(bits & NOTIFY_IRQ))
		return;
	serve_port();
	(void)!sys_irq_ack(serial.irq); // a level holds until it is served
}

// ---- the tap

// Output that was accepted goes to the tap as well.
static void feed_tap(void)
{
	const struct queue *output = &serial.stash->output;

	if (!serial.tapped)
		return;
	while (serial.tap.position != output->head) {
		u64 at = serial.tap.position % QUEUE_BYTES;
		u64 bytes = output->head - serial.tap.position;

		tap_write(&serial.tap, output->byte + at,
			  (u32)MIN(bytes, QUEUE_BYTES - at));
	}
	channel_signal(&serial.channel);
}

// A new instance goes on where the tap ends, if the queue still has what follows.
static void open_tap(void)
{
	const struct startup_cap *cap = startup_find("tap", STARTUP_CHANNEL);
	const struct queue *output = &serial.stash->output;

	if (!cap || channel_open(&serial.channel, cap) != STATUS_OK ||
	    !tap_init(&serial.tap, serial.channel.data,
		      serial.channel.data_bytes))
		return;
	if (output->head - serial.tap.position > QUEUE_BYTES)
		serial.tap.position = output->head;
	serial.tapped = true;
	feed_tap();
}

// ---- the protocol

static void apply_commit(void)
{
	struct stash *stash = serial.stash;
	const struct commit *commit = &stash->commit;
	u64 *position = commit->input ? &stash->input.tail
				      : &stash->output.head;

	__atomic_store_n(position, commit->position, __ATOMIC_RELEASE);
	stash->record[commit->session] = commit->record;
	__atomic_store_n(&stash->commit.valid, 0, __ATOMIC_RELEASE);
}

static void moves(bool input, u64 position)
{
	serial.moves = true;
	serial.stash->commit.input = input;
	serial.stash->commit.position = position;
}

static u32 session_index(void)
{
	return (u32)(serial.session - serial.server.session);
}

static void keep_notify(u32 index, u32 slot)
{
	if (serial.keep.value == 0 || index >= serial.keep_slots)
		return;
	(void)!sys_cap_delete(serial.keep, index);
	(void)!sys_cap_copy(serial.keep, index, handle_of(slot));
}

static enum status op_attach(void *context,
			     const struct console_attach_args *args)
{
	u32 index = session_index();
	u32 slot = args->notify.value; // ours from now on

	(void)context;
	if (serial.notify[index] != 0)
		slot_free(serial.notify[index]);
	serial.notify[index] = slot;
	keep_notify(index, slot);
	if (queue_used(&serial.stash->input) != 0)
		(void)!sys_signal(handle_of(slot));
	return STATUS_OK;
}

static enum status op_write(void *context, const struct console_write_args *args,
			    struct console_write_result *result)
{
	struct queue *output = &serial.stash->output;

	(void)context;
	result->done = queue_put(output, args->data, args->data_bytes);
	if (result->done < args->data_bytes)
		serial.starved = true;
	moves(false, output->head + result->done);
	return STATUS_OK;
}

static enum status op_read(void *context, const struct console_read_args *args,
			   struct console_read_result *result)
{
	const struct queue *input = &serial.stash->input;

	(void)context;
	result->done = queue_get(input, args->data, args->data_bytes);
	moves(true, input->tail + result->done);
	return STATUS_OK;
}

static enum status op_drain(void *context)
{
	u32 index = session_index();

	(void)context;
	serve_port();
	if (queue_used(&serial.stash->output) == 0)
		return STATUS_OK;
	if (serial.waiting[index] != 0)
		return ERR_STATE;
	if (server_defer(&serial.waiting[index]) != STATUS_OK)
		return ERR_STATE;
	return STATUS_DEFERRED;
}

static const struct console_ops ops = {
	.attach = op_attach,
	.write = op_write,
	.read = op_read,
	.drain = op_drain,
};

static enum status dispatch(void *context, struct server_session *session,
			    struct message *message)
{
	struct service_session view;
	u32 id = session_word_id(message->word[0]);
	enum status status;

	if (!session) {
		message->word[0] = (u64)(i64)ERR_SESSION;
		message->nwords = 1;
		message->ncaps = 0;
		return ERR_SESSION;
	}
	view.buffer = session->buffer;
	view.buffer_bytes = (u32)session->buffer_bytes;
	serial.session = session;
	serial.moves = false;
	status = console_dispatch(&ops, context, &view, message);
	if (status == STATUS_OK && serial.moves) {
		struct commit *commit = &serial.stash->commit;

		commit->session = session_index();
		commit->record = (struct server_record){
			.badge = session->badge,
			.lane = session->lane,
			.request_id = id,
			.nwords = message->nwords,
			.valid = 1,
		};
		memcpy(commit->record.word, message->word,
		       sizeof(commit->record.word));
		__atomic_store_n(&commit->valid, 1, __ATOMIC_RELEASE);
		apply_commit();
		feed_tap();
		serve_port();
	}
	return status;
}

static void detached(void *context, struct server_session *session)
{
	u32 index = (u32)(session - serial.server.session);

	(void)context;
	if (serial.notify[index] != 0)
		slot_free(serial.notify[index]);
	serial.notify[index] = 0;
}

// ---- start

static bool queue_valid(const struct queue *queue)
{
	return queue_used(queue) <= QUEUE_BYTES;
}

static void open_stash(void)
{
	struct stash *stash = (struct stash *)startup->stash;

	if (!stash || startup->stash_bytes < sizeof(*stash)) {
		log_print("no stash of %lu bytes: a restart will lose what is queued",
			  sizeof(*stash));
		stash = heap_zalloc(sizeof(*stash));
		if (!stash)
			component_fail("no memory for the queues");
	}
	serial.stash = stash;
	if (stash->magic == STASH_MAGIC && stash->commit.valid == 1 &&
	    stash->commit.session < SERVER_SESSIONS)
		apply_commit();
	if (stash->magic == STASH_MAGIC && queue_valid(&stash->output) &&
	    queue_valid(&stash->input))
		return;
	if (stash->magic != 0)
		log_print("stash fails its check: queues are emptied");
	memset(stash, 0, sizeof(*stash));
	stash->magic = STASH_MAGIC;
}

// Those who waited for input when the predecessor died: let them call.
static void wake_kept(void)
{
	const struct startup_cap *keep = startup_find("keep", STARTUP_CNODE);

	if (!keep)
		return;
	serial.keep = handle_of(keep->handle);
	serial.keep_slots = MIN(keep->a, (u64)SERVER_SESSIONS);
	for (u32 i = 0; i < serial.keep_slots; i++) {
		struct handle kept = handle_of(keep->handle << 16 | i);

		(void)!sys_signal(kept);
	}
}

// What was typed before anybody listened is in the port, and a 16550 drops it when
// its FIFOs are switched on.
static void receive_early(void)
{
	const struct queue *input = &serial.stash->input;

	for (u32 looks = 0; looks < QUIET_LOOKS; looks++) {
		u64 before = input->head;

		receive();
		if (input->head != before)
			looks = 0;
	}
}

static void open_port(void)
{
	struct queue *output = &serial.stash->output;
	bool fresh = startup->generation <= 1;
	enum status status;

	if (fresh)
		receive_early();
	if (serial.hooks->open(fresh, output->tail) && !fresh &&
	    queue_used(output) != 0)
		queue_advance(&output->tail, 1);
	serial.hooks->allow(false, false, output->tail);
	status = sys_irq_bind(serial.irq, handle_of(SLOT_NOTIFICATION),
			      NOTIFY_IRQ, nullptr, nullptr);
	if (status != STATUS_OK)
		component_fail("interrupt: %s", status_text(status));
	serve_port();
}

void serial_port_find(const char *name, struct serial_port *port)
{
	const struct startup_cap *memory = startup_find(name, STARTUP_MEMORY);
	const struct startup_cap *ports = startup_find(name, STARTUP_IOPORT);
	char text[STARTUP_NAME];
	const struct startup_cap *kind, *irq;
	enum status status;
	void *address;

	format_text(text, sizeof(text), "%s-kind", name);
	kind = startup_need(text, STARTUP_NUMBER);
	format_text(text, sizeof(text), "%s-irq", name);
	irq = startup_need(text, STARTUP_IRQ);
	*port = (struct serial_port){
		.kind = (u32)kind->a,
		.stride = (u32)kind->b & 0xff,
		.irq = handle_of(irq->handle),
	};
	if (memory) {
		status = memory_map(handle_of(memory->handle), 0, memory->a,
				    MAP_READ | MAP_WRITE, &address);
		if (status != STATUS_OK)
			component_fail("registers: %s", status_text(status));
		port->registers = (volatile u8 *)address + (kind->b >> 8);
		return;
	}
	if (!ports)
		ports = startup_need(name, STARTUP_IOPORT);
	port->ports = handle_of(ports->handle);
	port->base = (u32)ports->a;
}

void serial_main(const struct serial_hooks *hooks, struct handle irq)
{
	const struct startup_cap *endpoint =
		startup_need("console", STARTUP_ENDPOINT_SERVER);
	enum status status;

	serial.hooks = hooks;
	serial.irq = irq;
	open_stash();
	serial.server.dispatch = dispatch;
	serial.server.notified = notified;
	serial.server.detached = detached;
	serial.server.context = &serial;
	status = server_init(&serial.server, handle_of(endpoint->handle),
			     CONSOLE_ATTACH, serial.stash->record);
	if (status != STATUS_OK)
		component_fail("server: %s", status_text(status));
	open_port();
	open_tap();
	wake_kept();
	component_ready();
	server_run(&serial.server);
}
