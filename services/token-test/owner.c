// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The side that has objects and exports them: it does what the mail says.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/rights.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/driver/channel.h"
#include "lib/sys/component.h"
#include "services/token-test/mail.h"

#define RING_BIT (1ull << 40)
#define POOL_PAGES 16u
#define FILL_MAX 1024u
#define WAIT_NS 60000000000ull // only when something is broken

struct object {
	u32 pool, memory; // slots
	u64 *word;
};

static struct object object[OBJECTS];
static struct token_ring ring;

static void need(enum status status, const char *what)
{
	if (status != STATUS_OK)
		component_fail("%s: %s", what, status_text(status));
}

static void make(struct object *o, u64 value)
{
	void *at;

	o->pool = slot_alloc();
	o->memory = slot_alloc();
	need(sys_object_create(SELF_POOL, OBJECT_POOL, POOL_PAGES, 0,
			       handle_of(0), SELF_CNODE, o->pool),
	     "pool");
	need(sys_object_create(handle_of(o->pool), OBJECT_MEMORY, PAGE_BYTES,
			       MEMORY_ANON, handle_of(0), SELF_CNODE,
			       o->memory),
	     "memory");
	need(memory_map(handle_of(o->memory), 0, PAGE_BYTES,
			MAP_READ | MAP_WRITE, &at),
	     "map");
	o->word = at;
	*o->word = value;
}

static void destroy(struct object *o)
{
	memory_unmap(o->word, PAGE_BYTES);
	need(sys_pool_destroy(handle_of(o->pool)), "destroy");
	slot_free(o->memory);
	slot_free(o->pool);
}

// With a capability that gives less than the token is to give, or that may not be
// given away at all.
static enum status export_more(struct mail *mail)
{
	u32 slot = slot_alloc();
	struct token token;
	enum status status = sys_cap_mint(
		SELF_CNODE, slot, handle_of(object[0].memory), (u32)mail->b, 0);

	if (status == STATUS_OK)
		status = token_export(&tokens, handle_of(slot),
				      RIGHT_READ | RIGHT_WRITE, 0, 0, &token);
	slot_free(slot);
	return status;
}

static enum status export_times(u64 times, u64 *deaths)
{
	u32 before = tokens.restarts;
	enum status status = STATUS_OK;
	struct token token;

	for (u64 i = 0; i < times && status == STATUS_OK; i++) {
		status = token_export(&tokens, handle_of(object[1].memory),
				      RIGHT_READ, 0, 0, &token);
		if (status == STATUS_OK)
			status = token_revoke(&tokens, &token);
	}
	*deaths = tokens.restarts - before;
	return status;
}

static enum status import(const struct mail *mail)
{
	u32 slot = slot_alloc();
	enum status status = token_import(&tokens, &mail->token[0],
					  (u32)mail->b, handle_of(slot));

	slot_free(slot);
	return status;
}

static enum status fill(u64 *count)
{
	struct token token;
	enum status status = STATUS_OK;

	for (*count = 0; *count < FILL_MAX && status == STATUS_OK; ++*count)
		status = token_export(&tokens, handle_of(object[1].memory),
				      RIGHT_READ, 0, 0, &token);
	--*count;
	return status;
}

static enum status take_messages(u64 *count)
{
	u64 sum = 0, message[8], deadline_ns = clock_ns() + WAIT_NS;
	u32 bytes;

	for (u64 i = 0; i < *count; i++) {
		enum status status =
			msg_recv(&ring.ring, message, sizeof(message), &bytes,
				 deadline_ns);
		if (status != STATUS_OK)
			return status;
		sum += message[0];
	}
	*count = sum;
	ring_release(&ring.ring);
	return STATUS_OK;
}

// The least of eight rounds of eight: others may run in between.
static enum status cost(struct mail *mail)
{
	struct token token[COST_BATCH];
	enum status status = STATUS_OK;

	mail->a = mail->b = ~0ull;
	for (u32 round = 0; round < COST_ROUNDS; round++) {
		u64 start = clock_ns(), middle;

		for (u32 i = 0; i < COST_BATCH && status == STATUS_OK; i++)
			status = token_export(&tokens,
					      handle_of(object[1].memory),
					      RIGHT_READ, 0, 0, &token[i]);
		middle = clock_ns();
		for (u32 i = 0; i < COST_BATCH && status == STATUS_OK; i++)
			status = token_revoke(&tokens, &token[i]);
		mail->b = MIN(mail->b, (clock_ns() - middle) / COST_BATCH);
		mail->a = MIN(mail->a, (middle - start) / COST_BATCH);
	}
	return status;
}

static enum status serve(struct mail *mail)
{
	struct object *o = &object[mail->a % OBJECTS];
	struct token_ring_offer offer = {};
	u32 count;
	enum status status;

	switch (mail->command) {
	case MAIL_EXPORT:
		return token_export(&tokens, handle_of(o->memory), (u32)mail->b,
				    (u32)mail->c, mail->d, &mail->token[0]);
	case MAIL_EXPORT_MORE:
		return export_more(mail);
	case MAIL_EXPORT_TIMES:
		return export_times(mail->a, &mail->a);
	case MAIL_IMPORT:
		return import(mail);
	case MAIL_READ:
		mail->a = *(volatile u64 *)o->word;
		return STATUS_OK;
	case MAIL_REVOKE:
		return token_revoke(&tokens, &mail->token[0]);
	case MAIL_REVOKE_ALL:
		status = token_revoke_all(&tokens, &count);
		mail->a = count;
		return status;
	case MAIL_TAKE_BACK:
		return sys_cap_revoke(SELF_CNODE, o->memory);
	case MAIL_DESTROY:
		destroy(o);
		make(o, mail->a);
		return STATUS_OK;
	case MAIL_FILL:
		return fill(&mail->a);
	case MAIL_RING_OPEN:
		status = token_ring_open(&ring, &tokens, &test_shape, RING_BIT,
					 0, &offer);
		mail->token[0] = offer.memory;
		mail->token[1] = offer.bell;
		return status;
	case MAIL_RING_PEER:
		return token_ring_peer(&ring, &tokens, 0, &mail->token[0]);
	case MAIL_RING_TAKE:
		return take_messages(&mail->a);
	case MAIL_RING_CLOSE:
		token_ring_close(&ring, &tokens);
		return STATUS_OK;
	case MAIL_POOL:
		return sys_pool_info(SELF_POOL, nullptr, nullptr, &mail->a,
				     &mail->b, nullptr);
	case MAIL_COST:
		return cost(mail);
	}
	return ERR_ARGUMENT;
}

[[noreturn]] void owner_main(void)
{
	const struct startup_cap *cap = startup_need("mail", STARTUP_CHANNEL);
	struct channel channel;
	struct mail *mail;
	u32 count;
	u64 bits;

	need(channel_open(&channel, cap), "channel");
	mail = (struct mail *)channel.data;
	for (u32 i = 0; i < OBJECTS; i++)
		make(&object[i], i);
	need(token_revoke_all(&tokens, &count), "tokens of a predecessor");
	log_print("%u tokens of a predecessor ended", count);
	component_ready();
	for (;;) {
		while (__atomic_load_n(&mail->asked, __ATOMIC_ACQUIRE) !=
		       mail->answered) {
			mail->status = serve(mail);
			__atomic_store_n(&mail->answered, mail->asked,
					 __ATOMIC_RELEASE);
			channel_signal(&channel);
		}
		(void)!component_wait(channel.my_bits, 0, &bits);
	}
}
