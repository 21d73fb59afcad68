// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// hello-ring: two components and a ring between them (lib/ipc/msg.h). The one
// with the argument "send" sends the numbers 1, 2, 3 …, a hundred at a time; the
// other receives them and says in the log how far it has come. Kill either: no
// number is ever missing, and at most those that the receiver had not finished
// come again. docs/book/messages.md explains why.
//
// The sender keeps nothing: the ring says how many were published. The receiver
// keeps the last number in its stash.
#include "lib/driver/channel.h"
#include "lib/ipc/msg.h"
#include "lib/sys/component.h"

#define BATCH 100u
#define PERIOD_NS 100000000ull
#define SAY_EVERY 1000u

static const struct ring_shape shape = {128, sizeof(u64), 1};
static struct channel channel; // gives the memory and the other's notification
static struct ring ring;

// What outlives the receiver; found again it is input, so it is checked.
struct stash {
	u64 last, inverted;
	u64 again, missing;
};

static void need(enum status status, const char *what)
{
	if (status != STATUS_OK)
		component_fail("%s: %s", what, status_text(status));
}

[[noreturn]] static void send(void)
{
	u64 number[BATCH];
	u32 done;

	need(ring_attach_producer(&ring, channel.data, channel.data_bytes,
				  &shape, 0, channel.peer, channel.my_bits),
	     "ring");
	log_print("instance %u goes on at %lu", startup->generation,
		  (unsigned long)ring.position + 1);
	component_ready();
	for (u64 next = clock_ns();; next += PERIOD_NS) {
		u64 bits;

		for (u32 i = 0; i < BATCH; i++)
			number[i] = ring.position + i + 1;
		need(msg_send_many(&ring, number, sizeof(u64), BATCH, &done, 0),
		     "send");
		(void)!component_wait(NOTIFY_PEER, next + PERIOD_NS, &bits);
	}
}

static void receive_one(struct stash *stash)
{
	u64 number;
	u32 bytes;

	need(msg_recv(&ring, &number, sizeof(number), &bytes, 0), "receive");
	if (bytes != sizeof(number))
		component_fail("a message of %u bytes", bytes);
	if (number <= stash->last) {
		stash->again++;
		return;
	}
	stash->missing += number - stash->last - 1;
	stash->inverted = ~number; // die between these: last does not count
	stash->last = number;
	if (number % SAY_EVERY == 0)
		log_print("received up to %lu, %lu again, %lu missing",
			  (unsigned long)number, (unsigned long)stash->again,
			  (unsigned long)stash->missing);
}

int component_main(const struct startup *start)
{
	struct stash *stash = (struct stash *)start->stash;
	const struct startup_cap *cap =
		startup_need("numbers", STARTUP_CHANNEL);

	need(channel_open(&channel, cap), "channel");
	if (startup_word("send", nullptr, 0))
		send();
	if (start->stash_bytes < sizeof(*stash))
		component_fail("the manifest gives no stash");
	need(ring_attach_consumer(&ring, channel.data, channel.data_bytes,
				  &shape, channel.peer, channel.my_bits),
	     "ring");
	// The ring knows what was dealt with; the stash, when it is whole, one more.
	if (stash->inverted != ~stash->last)
		stash->last = ring.position;
	component_ready();
	for (;;)
		receive_one(stash);
}
