// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The driver of a 16550 serial port: a raw stream of bytes both ways, served by
// the protocol of abi/console.idl. Interrupt driven.
//
// Both queues lie in the stash, so bytes that were accepted for output and bytes
// that were received outlive the driver. So that a byte is neither lost nor sent
// twice by a driver that dies around sending it, each write to the port is 16 bits
// wide: the byte, and in the register behind it, which can be read back, a bit
// that changes with every byte (a kill does not come between the halves of one
// system call). A new instance sees by that bit whether the byte in front of the
// queue has gone. For input there is no such trick: a driver that dies in the very
// call that takes a byte from the port loses that byte. What arrives while the queue of input is full stays in the port (its interrupt
// is turned off), so that the sender is held up instead of losing bytes.
//
// A call that moves bytes is committed together with the record of its answer, so
// that a client who has to send it again does not write or read twice.
//
// What a client gave to be signalled is kept in the cnode "keep" where the
// manifest gives one, so that a new instance can wake those who wait for input;
// without one, they are heard of again when they next call.
//
// Registers: National Semiconductor PC16550D data sheet, section 8.
#include "abi/constants.h"
#include "gen/abi/console.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/ipc/server.h"
#include "lib/ipc/session.h"
#include "lib/sys/component.h"

#define QUEUE_BYTES 16384 // a power of two
#define STASH_MAGIC 0x31545241554b0002ull
#define FIFO_BYTES 16
#define NOTIFY_IRQ BIT(32)

enum uart_register {
	UART_DATA = 0, // divisor, low byte, while LINE_DIVISOR
	UART_INTERRUPTS = 1, // divisor, high byte
	UART_IDENTIFY = 2, // read: why it interrupts
	UART_FIFO = 2, // write
	UART_LINE = 3,
	UART_MODEM = 4,
	UART_STATUS = 5,
	UART_MODEM_STATUS = 6,
};
#define INTERRUPT_INPUT 0x01
#define INTERRUPT_OUTPUT 0x02
// Modem status, of which nothing is wanted: the bit that changes with each byte.
#define INTERRUPT_PARITY 0x08
#define FIFO_ENABLE 0xc1 // bytes in the FIFOs stay; trigger at 14 bytes or a pause
#define LINE_8N1 0x03
#define LINE_DIVISOR 0x80
#define MODEM_READY 0x0b // DTR, RTS, and OUT2, which lets the interrupt out
#define STATUS_INPUT 0x01
#define STATUS_OUTPUT_EMPTY 0x20
#define STATUS_IDLE 0x40
#define IDENTIFY_NONE 0x01

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

struct uart {
	struct handle ports, irq;
	u32 base;
	u8 interrupts; // what the port may interrupt for now
	bool starved; // a client found the queue of output full
	struct stash *stash;
	struct handle keep; // cnode, or 0
	u64 keep_slots;
	struct server server;
	u32 notify[SERVER_SESSIONS]; // slot to signal, by session; 0: none
	u32 waiting[SERVER_SESSIONS]; // saved replies of drain
	struct server_session *session; // whose call is being served
	bool moves; // the call moves a position: commit has which, and where to
};

static struct uart uart;

static u8 port_read(enum uart_register index)
{
	u32 value = 0xff;

	if (sys_ioport_access(uart.ports, uart.base + index, 1, false, 0,
			      &value) != STATUS_OK)
		return 0xff;
	return (u8)value;
}

static void port_write_wide(enum uart_register index, u32 width, u32 value)
{
	enum status status = sys_ioport_access(
		uart.ports, uart.base + index, width, true, value, nullptr);

	if (status != STATUS_OK)
		component_fail("port %x: %ld, %s", uart.base + index, (i64)status,
			       status_text(status));
}

static void port_write(enum uart_register index, u8 value)
{
	port_write_wide(index, 1, value);
}

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

// The bit as it stands after byte number n of all output has been sent.
static u8 parity(u64 n)
{
	return n & 1 ? INTERRUPT_PARITY : 0;
}

static void set_interrupts(u8 wanted)
{
	if (uart.interrupts == wanted)
		return;
	uart.interrupts = wanted;
	port_write(UART_INTERRUPTS,
		   wanted | parity(uart.stash->output.tail - 1));
}

// Send the byte in front of the queue.
static void send_byte(struct queue *output)
{
	u8 byte = output->byte[output->tail % QUEUE_BYTES];
	u8 control = uart.interrupts | parity(output->tail);

	port_write_wide(UART_DATA, 2, (u32)control << 8 | byte);
	queue_advance(&output->tail, 1);
}

static void signal_clients(void)
{
	for (u32 i = 0; i < SERVER_SESSIONS; i++)
		if (uart.notify[i] != 0)
			(void)!sys_signal(handle_of(uart.notify[i]));
}

static void answer_drains(void)
{
	for (u32 i = 0; i < SERVER_SESSIONS; i++) {
		struct message reply = {};

		if (uart.waiting[i] == 0)
			continue;
		console_drain_reply(&reply, STATUS_OK);
		server_answer(uart.waiting[i], &reply);
		uart.waiting[i] = 0;
	}
}

static void send(void)
{
	struct queue *output = &uart.stash->output;

	while (queue_used(output) != 0 &&
	       (port_read(UART_STATUS) & STATUS_OUTPUT_EMPTY)) {
		u32 burst = (u32)MIN(queue_used(output), (u64)FIFO_BYTES);

		for (u32 i = 0; i < burst; i++)
			send_byte(output);
	}
	if (queue_used(output) == 0)
		answer_drains();
	if (uart.starved && queue_room(output) >= QUEUE_BYTES / 2) {
		uart.starved = false;
		signal_clients();
	}
}

static void receive(void)
{
	struct queue *input = &uart.stash->input;
	bool some = false;

	while (queue_room(input) != 0 &&
	       (port_read(UART_STATUS) & STATUS_INPUT)) {
		u8 byte = port_read(UART_DATA);

		queue_advance(&input->head, queue_put(input, &byte, 1));
		some = true;
	}
	if (some)
		signal_clients();
}

static void serve_once(void)
{
	u8 wanted = 0;

	receive();
	send();
	if (queue_room(&uart.stash->input) != 0)
		wanted |= INTERRUPT_INPUT;
	if (queue_used(&uart.stash->output) != 0)
		wanted |= INTERRUPT_OUTPUT;
	set_interrupts(wanted);
}

// The line is edge-triggered at the interrupt controller: a reason that comes up
// while another still holds the line makes no edge. So whoever touches the port
// leaves it only when it has no reason left.
static void serve_port(void)
{
	do
		serve_once();
	while (!(port_read(UART_IDENTIFY) & IDENTIFY_NONE));
}

static void notified(void *context, u64 bits)
{
	(void)context;
	if (!(bits & NOTIFY_IRQ))
		return;
	(void)!sys_irq_ack(uart.irq);
	serve_port();
}

// ---- the protocol

static void apply_commit(void)
{
	struct stash *stash = uart.stash;
	const struct commit *commit = &stash->commit;
	u64 *position = commit->input ? &stash->input.tail
				      : &stash->output.head;

	__atomic_store_n(position, commit->position, __ATOMIC_RELEASE);
	stash->record[commit->session] = commit->record;
	__atomic_store_n(&stash->commit.valid, 0, __ATOMIC_RELEASE);
}

static void moves(bool input, u64 position)
{
	uart.moves = true;
	uart.stash->commit.input = input;
	uart.stash->commit.position = position;
}

static u32 session_index(void)
{
	return (u32)(uart.session - uart.server.session);
}

static void keep_notify(u32 index, u32 slot)
{
	if (uart.keep.value == 0 || index >= uart.keep_slots)
		return;
	(void)!sys_cap_delete(uart.keep, index);
	(void)!sys_cap_copy(uart.keep, index, handle_of(slot));
}

static enum status op_attach(void *context,
			     const struct console_attach_args *args)
{
	u32 index = session_index();
	u32 slot = args->notify.value; // ours from now on

	(void)context;
	if (uart.notify[index] != 0)
		slot_free(uart.notify[index]);
	uart.notify[index] = slot;
	keep_notify(index, slot);
	if (queue_used(&uart.stash->input) != 0)
		(void)!sys_signal(handle_of(slot));
	return STATUS_OK;
}

static enum status op_write(void *context, const struct console_write_args *args,
			    struct console_write_result *result)
{
	struct queue *output = &uart.stash->output;

	(void)context;
	result->done = queue_put(output, args->data, args->data_bytes);
	if (result->done < args->data_bytes)
		uart.starved = true;
	moves(false, output->head + result->done);
	return STATUS_OK;
}

static enum status op_read(void *context, const struct console_read_args *args,
			   struct console_read_result *result)
{
	const struct queue *input = &uart.stash->input;

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
	if (queue_used(&uart.stash->output) == 0)
		return STATUS_OK;
	if (uart.waiting[index] != 0)
		return ERR_STATE;
	if (server_defer(&uart.waiting[index]) != STATUS_OK)
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
	uart.session = session;
	uart.moves = false;
	status = console_dispatch(&ops, context, &view, message);
	if (status == STATUS_OK && uart.moves) {
		struct commit *commit = &uart.stash->commit;

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
		serve_port();
	}
	return status;
}

static void detached(void *context, struct server_session *session)
{
	u32 index = (u32)(session - uart.server.session);

	(void)context;
	if (uart.notify[index] != 0)
		slot_free(uart.notify[index]);
	uart.notify[index] = 0;
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
	uart.stash = stash;
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
	uart.keep = handle_of(keep->handle);
	uart.keep_slots = MIN(keep->a, (u64)SERVER_SESSIONS);
	for (u32 i = 0; i < uart.keep_slots; i++) {
		struct handle kept = handle_of(keep->handle << 16 | i);

		(void)!sys_signal(kept);
	}
}

static void open_port(void)
{
	struct queue *output = &uart.stash->output;
	enum status status;

	if (startup->generation <= 1) {
		port_write(UART_LINE, LINE_DIVISOR | LINE_8N1);
		port_write(UART_DATA, 1); // 115,200 bit/s
		port_write(UART_INTERRUPTS, 0);
		port_write(UART_LINE, LINE_8N1);
	} else if (queue_used(output) != 0 &&
		   (port_read(UART_INTERRUPTS) & INTERRUPT_PARITY) ==
			   parity(output->tail)) {
		queue_advance(&output->tail, 1); // it had been sent
	}
	port_write(UART_INTERRUPTS, parity(output->tail - 1));
	port_write(UART_FIFO, FIFO_ENABLE);
	port_write(UART_MODEM, MODEM_READY);
	status = sys_irq_bind(uart.irq, handle_of(SLOT_NOTIFICATION), NOTIFY_IRQ,
			      nullptr, nullptr);
	if (status != STATUS_OK)
		component_fail("interrupt: %s", status_text(status));
	(void)port_read(UART_IDENTIFY);
	uart.interrupts = 0;
	serve_port();
}

int component_main(const struct startup *page)
{
	const struct startup_cap *endpoint =
		startup_need("console", STARTUP_ENDPOINT_SERVER);
	const struct startup_cap *ports = startup_need("ports", STARTUP_IOPORT);
	const struct startup_cap *irq = startup_need("irq", STARTUP_IRQ);
	enum status status;

	(void)page;
	uart.ports = handle_of(ports->handle);
	uart.base = (u32)ports->a;
	uart.irq = handle_of(irq->handle);
	open_stash();
	uart.server.dispatch = dispatch;
	uart.server.notified = notified;
	uart.server.detached = detached;
	uart.server.context = &uart;
	status = server_init(&uart.server, handle_of(endpoint->handle),
			     CONSOLE_ATTACH, uart.stash->record);
	if (status != STATUS_OK)
		component_fail("server: %s", status_text(status));
	open_port();
	wake_kept();
	component_ready();
	server_run(&uart.server);
}
