// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// hello-token: two components that get a ring between them by tokens
// (lib/token/ring.h). The one with the argument "receive" makes the ring and leaves
// the offer, 80 bytes, in a letter box; the other takes them out, joins, and sends
// the numbers 1, 2, 3 …, a hundred at a time. Here the letter box is memory that both
// have; a file or a line of text would do. docs/book/tokens.md explains it.
//
// Kill the token service: the ring does not notice. Kill the sender: the next one
// finds the tokens in its own page (lib/token/store.h, in its stash), joins again
// and goes on with the next number. Kill the receiver: its ring is gone with it; the
// next one makes another and offers that.
#include "gen/abi/tokens.h"
#include "lib/driver/channel.h"
#include "lib/sys/component.h"
#include "lib/token/ring.h"
#include "lib/token/store.h"

#define BATCH 100u
#define PERIOD_NS 100000000ull
#define SAY_EVERY 1000u
#define RING_BIT (1ull << 40)

// Each side writes its half; a number that has changed says that there is a new one.
struct letter_box {
	u64 offers;
	struct token_ring_offer offer;
	u64 bells;
	struct token bell;
};

static const struct ring_shape shape = {128, sizeof(u64), 1};
static struct session tokens;
static struct channel channel; // its data is the letter box
static struct letter_box *box;
static struct token_ring ring;

static void need(enum status status, const char *what)
{
	if (status != STATUS_OK)
		component_fail("%s: %s", what, status_text(status));
}

static u64 seen(const u64 *number)
{
	return __atomic_load_n(number, __ATOMIC_ACQUIRE);
}

static void changed(u64 *number)
{
	__atomic_store_n(number, *number + 1, __ATOMIC_RELEASE);
	channel_signal(&channel);
}

// ---- the sender

// The tokens of the offer are the only ones in the page, in its first two places.
static bool recall(struct token_store *store, struct token_ring_offer *offer)
{
	if (token_store_open(store) != STATUS_OK)
		(void)token_store_repair(store);
	return token_store_get(store, 0, &offer->memory) == STATUS_OK &&
		token_store_get(store, 1, &offer->bell) == STATUS_OK;
}

static void keep(struct token_store *store,
		 const struct token_ring_offer *offer)
{
	u32 place;

	for (u32 i = 0; i < TOKEN_STORE_PLACES; i++)
		(void)!token_store_remove(store, i);
	need(token_store_add(store, &offer->memory, &place), "keep");
	need(token_store_add(store, &offer->bell, &place), "keep");
}

static bool join(const struct token_ring_offer *offer)
{
	enum status status = token_ring_join(&ring, &tokens, &shape, 0,
					     RING_BIT, offer, &box->bell);

	if (status != STATUS_OK) {
		log_print("not joined: %s", status_text(status));
		return false;
	}
	changed(&box->bells);
	log_print("joined, going on at %lu",
		  (unsigned long)ring.ring.position + 1);
	return true;
}

static void send_numbers(void)
{
	u64 number[BATCH];
	u32 done;

	for (u32 i = 0; i < BATCH; i++)
		number[i] = ring.ring.position + i + 1;
	(void)!msg_send_many(&ring.ring, number, sizeof(u64), BATCH, &done,
			     clock_ns() + PERIOD_NS);
}

[[noreturn]] static void send(struct token_store *store)
{
	struct token_ring_offer offer;
	u64 offers = seen(&box->offers), bits;
	bool joined = recall(store, &offer) && join(&offer);

	component_ready();
	for (;;) {
		if (!joined || seen(&box->offers) != offers) {
			if (joined)
				token_ring_close(&ring, &tokens);
			offers = seen(&box->offers);
			offer = box->offer; // once: it is the other's memory
			joined = offers != 0 && join(&offer);
			if (joined)
				keep(store, &offer);
		}
		if (joined)
			send_numbers();
		(void)!component_wait(channel.my_bits, clock_ns() + PERIOD_NS,
				      &bits);
	}
}

// ---- the receiver

[[noreturn]] static void receive(void)
{
	struct msg_poll poll = {&ring.ring, false};
	u64 number, last = 0, missing = 0, bits, bells = seen(&box->bells);
	u32 bytes;

	need(token_ring_open(&ring, &tokens, &shape, RING_BIT, 0, &box->offer),
	     "ring");
	changed(&box->offers);
	component_ready();
	for (;;) {
		need(msg_poll(&poll, 1, channel.my_bits, &bits, 0), "poll");
		if (seen(&box->bells) != bells) {
			struct token bell = box->bell;
			bells = seen(&box->bells);
			(void)!token_ring_peer(&ring, &tokens, 0, &bell);
		}
		while (msg_recv(&ring.ring, &number, sizeof(number), &bytes,
				MSG_NOW) == STATUS_OK) {
			missing += number - last - 1;
			last = number;
			if (number % SAY_EVERY == 0)
				log_print("received up to %lu, %lu missing",
					  (unsigned long)number,
					  (unsigned long)missing);
		}
	}
}

int component_main(const struct startup *start)
{
	u32 service = startup_need("tokens", STARTUP_ENDPOINT_CLIENT)->handle;
	u32 count;

	need(channel_open(&channel, startup_need("letter", STARTUP_CHANNEL)),
	     "channel");
	box = (struct letter_box *)channel.data;
	need(session_open(&tokens, handle_of(service), 0, 0, TOKENS_VERSION),
	     "session");
	// What a predecessor exported is of no use any more.
	need(token_revoke_all(&tokens, &count), "tokens");
	if (startup_word("receive", nullptr, 0))
		receive();
	if (start->stash_bytes < sizeof(struct token_store))
		component_fail("the manifest gives no stash");
	send((struct token_store *)start->stash);
}
