// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The side that is given tokens: every test is here. All of them run twice; what is
// in use before the second time is in use after it.
#include <stdarg.h>

#include "abi/constants.h"
#include "gen/abi/engine.h"
#include "gen/abi/objects.h"
#include "gen/abi/rights.h"
#include "gen/abi/syscall_stubs.h"
#include "gen/abi/tokens.h"
#include "lib/base/bits.h"
#include "lib/base/format.h"
#include "lib/base/parse.h"
#include "lib/base/string.h"
#include "lib/driver/channel.h"
#include "lib/ipc/message.h"
#include "lib/sys/component.h"
#include "lib/token/store.h"
#include "services/token-test/mail.h"

#define TEXT_BYTES 65536
#define WAIT_NS 20000000000ull
#define NAP_BIT (1ull << 40)
#define RING_BIT (1ull << 41)
#define READ_WRITE (RIGHT_READ | RIGHT_WRITE)

static struct session admin;
static struct channel channel;
static struct mail *mail;
static char text[TEXT_BYTES];
static u32 npassed, nfailed;
static bool quiet; // the first of two rounds

[[gnu::format(printf, 3, 4)]] static void result(bool good, const char *name,
						 const char *format, ...)
{
	char why[160];
	va_list values;

	va_start(values, format);
	format_string(why, sizeof(why), format, values);
	va_end(values);
	npassed += good;
	nfailed += !good;
	if (!good)
		log_print("FAIL %s: %s", name, why);
	else if (!quiet)
		log_print("PASS %s %s", name, why);
}

static void wanted(const char *name, enum status status, enum status want)
{
	result(status == want, name, "%s", status_text(status));
}

static void nap(u64 ns)
{
	u64 bits;

	(void)!component_wait(NAP_BIT, clock_ns() + ns, &bits);
}

// ---- the owner and the engine

static void start(enum mail_command command, u64 a, u64 b, u64 c, u64 d)
{
	mail->command = command;
	mail->a = a;
	mail->b = b;
	mail->c = c;
	mail->d = d;
	__atomic_store_n(&mail->asked, mail->answered + 1, __ATOMIC_RELEASE);
	channel_signal(&channel);
}

static enum status finish(void)
{
	u64 bits;

	while (__atomic_load_n(&mail->answered, __ATOMIC_ACQUIRE) !=
	       mail->asked)
		(void)!component_wait(channel.my_bits, 0, &bits);
	return mail->status;
}

static enum status ask(enum mail_command command, u64 a, u64 b, u64 c, u64 d)
{
	start(command, a, b, c, d);
	return finish();
}

static struct token export(u64 object, u32 rights, u32 flags, u64 expires_ns)
{
	enum status status =
		ask(MAIL_EXPORT, object, rights, flags, expires_ns);

	if (status != STATUS_OK)
		result(false, "export", "%s", status_text(status));
	return mail->token[0];
}

static enum status revoke(const struct token *token)
{
	mail->token[0] = *token;
	return ask(MAIL_REVOKE, 0, 0, 0, 0);
}

static enum status command(const char *line)
{
	u32 done = 0, total = 0, exit_status = 0;
	enum status status =
		engine_admin(&admin, line, (u32)strlen(line), 0, text,
			     sizeof(text) - 1, &done, &total, &exit_status);

	text[done] = 0;
	return status != STATUS_OK ? status
		: exit_status	   ? ERR_ARGUMENT
				   : STATUS_OK;
}

// How often the component was restarted; false: it is not ready.
static bool restarts(const char *name, u64 *count)
{
	const char *at = text;
	usize bytes;
	struct word row, word;

	if (command("list") != STATUS_OK)
		return false;
	bytes = strlen(text);
	while (parse_line(&at, &bytes, &row)) {
		const char *p = row.text;
		usize n = row.bytes;
		if (!parse_word(&p, &n, &word) || !word_equal(word, name))
			continue;
		(void)parse_word(&p, &n, &word);
		bool ready = word_equal(word, "ready");
		(void)parse_word(&p, &n, &word);
		(void)parse_word(&p, &n, &word);
		return parse_u64(word.text, word.bytes, ~0u, count) ==
			STATUS_OK &&
			ready;
	}
	return false;
}

static bool kill(const char *name)
{
	u64 before = 0, now = 0, end = clock_ns() + WAIT_NS;
	char line[48];

	format_text(line, sizeof(line), "kill %s", name);
	if (!restarts(name, &before) || command(line) != STATUS_OK)
		return false;
	while (clock_ns() < end) {
		if (restarts(name, &now) && now > before)
			return true;
		nap(2000000);
	}
	return false;
}

static u64 number_behind(const char *label)
{
	const char *at = strstr(text, label);
	u64 number = 0;

	if (!at)
		return 0;
	at += strlen(label);
	(void)!parse_u64(at, (usize)(strchr(at, ' ') - at), ~0ull, &number);
	return number;
}

// Free frames of the machine, once they do not change any more.
static u64 free_frames(void)
{
	u64 last = 0, now = 1;

	for (u32 i = 0; i < 20 && now != last; i++) {
		nap(100000000);
		last = now;
		now = command("mem") == STATUS_OK
			? number_behind("free frames ")
			: 0;
	}
	return now;
}

// ---- tests

// Import into a new slot; 0 when refused.
static u32 take(const struct token *token, u32 rights, enum status *status)
{
	u32 slot = slot_alloc();

	*status = token_import(&tokens, token, rights, handle_of(slot));
	if (*status == STATUS_OK)
		return slot;
	slot_free(slot);
	return 0;
}

static enum status try(const struct token *token, u32 rights)
{
	enum status status;
	u32 slot = take(token, rights, &status);

	if (slot)
		slot_free(slot);
	return status;
}

static enum status write_word(u32 slot, u64 value)
{
	void *at;
	enum status status = memory_map(handle_of(slot), 0, PAGE_BYTES,
					MAP_READ | MAP_WRITE, &at);

	if (status != STATUS_OK)
		return status;
	*(volatile u64 *)at = value;
	memory_unmap(at, PAGE_BYTES);
	return STATUS_OK;
}

static void test_import(void)
{
	struct token token = export(0, READ_WRITE, 0, 0);
	enum status status;
	u32 rights = 0, slot = take(&token, READ_WRITE, &status);

	wanted("import", status, STATUS_OK);
	wanted("imported-writes", write_word(slot, 4711), STATUS_OK);
	(void)!ask(MAIL_READ, 0, 0, 0, 0);
	result(mail->a == 4711, "same-memory", "%lu", (unsigned long)mail->a);
	(void)!sys_cap_info(handle_of(slot), nullptr, &rights, nullptr);
	result(rights == (READ_WRITE | RIGHT_DERIVE), "these-rights", "%x",
	       rights);
	slot_free(slot);
	slot = take(&token, RIGHT_READ, &status);
	wanted("import-of-less", status, STATUS_OK);
	wanted("less-does-not-write", write_word(slot, 1), ERR_RIGHTS);
	slot_free(slot);
	wanted("import-of-none", try(&token, 0), STATUS_OK);
	wanted("import-of-more", try(&token, READ_WRITE | RIGHT_EXEC),
	       ERR_RIGHTS);
	wanted("import-of-unknown", try(&token, READ_WRITE | 1u << 20),
	       ERR_RIGHTS);
	wanted("revoke", revoke(&token), STATUS_OK);
	token = export(0, RIGHT_READ, 0, 0);
	wanted("import-of-a-right-the-token-lacks", try(&token, RIGHT_WRITE),
	       ERR_RIGHTS);
	wanted("revoke-unused", revoke(&token), STATUS_OK);
	wanted("export-more-than-held",
	       ask(MAIL_EXPORT_MORE, 0, RIGHT_READ | RIGHT_DERIVE, 0, 0),
	       ERR_RIGHTS);
	wanted("export-without-derive",
	       ask(MAIL_EXPORT_MORE, 0, READ_WRITE, 0, 0), ERR_RIGHTS);
	wanted("export-nothing", ask(MAIL_EXPORT, 0, 0, 0, 0), ERR_ARGUMENT);
	wanted("export-unknown-flag", ask(MAIL_EXPORT, 0, RIGHT_READ, 2, 0),
	       ERR_ARGUMENT);
}

static void test_forged(void)
{
	struct token token = export(0, RIGHT_READ, 0, 0), forged;
	u32 denied = 0;

	for (u32 bit = 0; bit < sizeof(token) * 8; bit++) {
		forged = token;
		((u8 *)&forged)[bit / 8] ^= (u8)(1u << bit % 8);
		denied += try(&forged, RIGHT_READ) == ERR_DENIED;
	}
	result(denied == 320, "forged-each-bit", "%u of 320 refused", denied);
	forged = (struct token){};
	wanted("forged-zero", try(&forged, RIGHT_READ), ERR_DENIED);
	memset(&forged, 0xff, sizeof(forged));
	wanted("forged-ones", try(&forged, RIGHT_READ), ERR_DENIED);
	wanted("revoke-forged", token_revoke(&tokens, &forged), ERR_DENIED);
	wanted("revoke-anothers", token_revoke(&tokens, &token), ERR_DENIED);
	wanted("still-good", try(&token, RIGHT_READ), STATUS_OK);
	wanted("revoke-own", revoke(&token), STATUS_OK);
}

static void test_expired(void)
{
	u64 soon = clock_ns() + 1000000;
	struct token token = export(0, RIGHT_READ, 0, soon);
	struct token later =
		export(0, RIGHT_READ, 0, clock_ns() + 3600000000000ull);

	while (clock_ns() < soon)
		nap(1000000);
	wanted("expired", try(&token, RIGHT_READ), ERR_STALE);
	wanted("not-expired", try(&later, RIGHT_READ), STATUS_OK);
	wanted("revoke-not-expired", revoke(&later), STATUS_OK);
	nap(50000000); // let go: the object is not held by an expired token
	wanted("revoke-expired", revoke(&token), ERR_STALE);
}

static void test_replayed(void)
{
	struct token token = export(0, RIGHT_READ, TOKEN_ONCE, 0);
	enum status status;
	u32 slot;

	wanted("once-wrong-rights", try(&token, RIGHT_WRITE), ERR_RIGHTS);
	slot = take(&token, RIGHT_READ, &status);
	wanted("once", status, STATUS_OK);
	wanted("replayed", try(&token, RIGHT_READ), ERR_STALE);
	mail->token[0] = token;
	wanted("replayed-by-another", ask(MAIL_IMPORT, 0, RIGHT_READ, 0, 0),
	       ERR_STALE);
	wanted("once-still-there",
	       sys_memory_info(handle_of(slot), nullptr, nullptr, nullptr,
			       nullptr),
	       STATUS_OK);
	wanted("revoke-once", revoke(&token), STATUS_OK);
	wanted("once-taken-back",
	       sys_memory_info(handle_of(slot), nullptr, nullptr, nullptr,
			       nullptr),
	       ERR_HANDLE);
	slot_free(slot);
}

static void test_revoked(void)
{
	struct token token = export(1, READ_WRITE, 0, 0), other;
	enum status status;
	u32 one = take(&token, RIGHT_READ, &status);
	u32 two = take(&token, READ_WRITE, &status);

	other = export(1, RIGHT_READ, 0, 0);
	wanted("revoke-imported", revoke(&token), STATUS_OK);
	wanted("revoked-first",
	       sys_memory_info(handle_of(one), nullptr, nullptr, nullptr,
			       nullptr),
	       ERR_HANDLE);
	wanted("revoked-second", write_word(two, 1), ERR_HANDLE);
	wanted("revoked-token", try(&token, RIGHT_READ), ERR_STALE);
	wanted("revoke-again", revoke(&token), ERR_STALE);
	wanted("other-token-stays", try(&other, RIGHT_READ), STATUS_OK);
	slot_free(one);
	slot_free(two);
	wanted("take-back", ask(MAIL_TAKE_BACK, 1, 0, 0, 0), STATUS_OK);
	wanted("taken-back", try(&other, RIGHT_READ), ERR_STALE);
	token = export(2, READ_WRITE, 0, 0);
	one = take(&token, READ_WRITE, &status);
	wanted("destroy", ask(MAIL_DESTROY, 2, 0, 0, 0), STATUS_OK);
	wanted("destroyed-imported", write_word(one, 1), ERR_HANDLE);
	wanted("destroyed-token", try(&token, RIGHT_READ), ERR_STALE);
	slot_free(one);
}

static void test_quota(void)
{
	struct token first = {};
	u32 used = 0;

	wanted("fill", ask(MAIL_FILL, 0, 0, 0, 0), ERR_QUOTA);
	result(mail->a == 256, "quota", "%lu", (unsigned long)mail->a);
	wanted("revoke-all", ask(MAIL_REVOKE_ALL, 0, 0, 0, 0), STATUS_OK);
	result(mail->a == 256, "revoked-all", "%lu", (unsigned long)mail->a);
	// Used tokens make room for new ones; who did not revoke in time is told.
	for (u32 i = 0; i < 300; i++) {
		struct token token = export(1, RIGHT_READ, TOKEN_ONCE, 0);
		if (i == 0)
			first = token;
		used += try(&token, RIGHT_READ) == STATUS_OK;
	}
	result(used == 300, "used-make-room", "%u", used);
	wanted("revoke-too-late", revoke(&first), ERR_STALE);
	(void)!ask(MAIL_REVOKE_ALL, 0, 0, 0, 0);
}

// A page full of tokens, of which each gives what it was made for.
static void test_store(void)
{
	static alignas(PAGE_BYTES) struct token_store store;
	u32 place, good = 0, added = 0;
	struct token token;

	memset(&store, 0, sizeof(store));
	wanted("store", token_store_open(&store), STATUS_OK);
	for (u32 i = 0; i < TOKEN_STORE_PLACES; i++) {
		token = export(i, RIGHT_READ, 0, 0);
		added += token_store_add(&store, &token, &place) == STATUS_OK &&
			place == i;
	}
	result(added == 102, "store-holds-102", "%u", added);
	token = export(0, RIGHT_READ, 0, 0);
	wanted("store-103rd", token_store_add(&store, &token, &place),
	       ERR_NOSPACE);
	wanted("store-again", token_store_open(&store), STATUS_OK);
	for (u32 i = 0; i < TOKEN_STORE_PLACES; i++)
		good += token_store_get(&store, i, &token) == STATUS_OK &&
			try(&token, RIGHT_READ) == STATUS_OK &&
			token_store_remove(&store, i) == STATUS_OK;
	result(good == 102, "store-gives-102", "%u", good);
	wanted("store-revoke", ask(MAIL_REVOKE_ALL, 0, 0, 0, 0), STATUS_OK);
}

static enum status join(struct token_ring *ring,
			const struct token_ring_offer *offer)
{
	return token_ring_join(ring, &tokens, &test_shape, 0, RING_BIT, offer,
			       &mail->token[0]);
}

static void test_ring(void)
{
	static struct token_ring ring;
	struct token_ring_offer offer, bad;
	u64 message[8] = {}, sum = 0;

	wanted("ring-open", ask(MAIL_RING_OPEN, 0, 0, 0, 0), STATUS_OK);
	offer = (struct token_ring_offer){mail->token[0], mail->token[1]};
	bad = offer;
	bad.memory.mac[5] ^= 1;
	wanted("ring-forged", join(&ring, &bad), ERR_DENIED);
	bad = offer;
	bad.memory = export(0, RIGHT_READ, 0, 0);
	wanted("ring-wrong-rights", join(&ring, &bad), ERR_RIGHTS);
	wanted("ring-wrong-revoke", revoke(&bad.memory), STATUS_OK);
	bad = (struct token_ring_offer){export(0, READ_WRITE, 0, 0),
					offer.bell};
	wanted("ring-too-small", join(&ring, &bad), ERR_RANGE);
	wanted("ring-too-small-revoke", revoke(&bad.memory), STATUS_OK);
	bad = (struct token_ring_offer){offer.bell, offer.bell};
	wanted("ring-bell-as-memory", join(&ring, &bad), ERR_RIGHTS);
	bad = (struct token_ring_offer){offer.memory, offer.memory};
	wanted("ring-memory-as-bell", join(&ring, &bad), ERR_RIGHTS);
	wanted("ring-join", join(&ring, &offer), STATUS_OK);
	wanted("ring-peer", ask(MAIL_RING_PEER, 0, 0, 0, 0), STATUS_OK);
	wanted("ring-peer-replayed", ask(MAIL_RING_PEER, 0, 0, 0, 0),
	       ERR_STALE);
	for (u64 i = 1; i <= 12; i++) {
		message[0] = i * i;
		sum += i * i;
		if (msg_send(&ring.ring, message, sizeof(message), 0) !=
		    STATUS_OK)
			sum = 0;
	}
	wanted("ring-take", ask(MAIL_RING_TAKE, 12, 0, 0, 0), STATUS_OK);
	result(mail->a == sum, "ring-messages", "%lu", (unsigned long)mail->a);
	result(ring.ring.counters.waits + ring.ring.counters.signals == 0,
	       "ring-no-system-calls", "%lu waits",
	       (unsigned long)ring.ring.counters.waits);
	(void)!ask(MAIL_RING_CLOSE, 0, 0, 0, 0);
	wanted("ring-closed",
	       sys_memory_info(handle_of(ring.memory), nullptr, nullptr,
			       nullptr, nullptr),
	       ERR_HANDLE);
	wanted("ring-offer-over", try(&offer.memory, READ_WRITE), ERR_STALE);
	message[0] = 1; // into pages of its own: KEEP
	wanted("ring-without-owner",
	       msg_send(&ring.ring, message, sizeof(message), MSG_NOW),
	       STATUS_OK);
	token_ring_close(&ring, &tokens);
}

// The service dies; tokens do not.
static void test_killed(void)
{
	struct token token = export(0, READ_WRITE, 0, 0);
	struct token used = export(0, RIGHT_READ, TOKEN_ONCE, 0);
	struct token gone = export(0, RIGHT_READ, 0, 0), next;
	enum status status;
	u32 slot = take(&token, READ_WRITE, &status);

	wanted("kill-before-once", try(&used, RIGHT_READ), STATUS_OK);
	wanted("kill-before-revoke", revoke(&gone), STATUS_OK);
	result(kill("tokens"), "kill", "%s", "");
	wanted("killed-imported-stays", write_word(slot, 5), STATUS_OK);
	wanted("killed-token", try(&token, READ_WRITE), STATUS_OK);
	wanted("killed-more-rights", try(&token, RIGHT_EXEC), ERR_RIGHTS);
	wanted("killed-used", try(&used, RIGHT_READ), ERR_STALE);
	wanted("killed-revoked", try(&gone, RIGHT_READ), ERR_STALE);
	next = export(0, READ_WRITE, 0, 0);
	wanted("killed-new", try(&next, RIGHT_READ), STATUS_OK);
	result(next.permissions >> 28 > token.permissions >> 28,
	       "killed-serial-goes-on", "%lu",
	       (unsigned long)(next.permissions >> 28));
	wanted("killed-revoke", revoke(&token), STATUS_OK);
	wanted("killed-revokes-imported", write_word(slot, 6), ERR_HANDLE);
	slot_free(slot);
	result(kill("token-owner"), "kill-owner", "%s", "");
	wanted("owner-killed-token", try(&next, RIGHT_READ), ERR_STALE);
}

// It dies while both sides call it: each call has its effect once, and no token is
// left over from one that was made twice.
static void test_killed_busy(u32 kills)
{
	struct token token = export(0, RIGHT_READ, 0, 0);
	u64 before = 0, now = 0;
	u32 seen = tokens.restarts, rounds = 0;
	bool good = restarts("tokens", &before);

	start(MAIL_EXPORT_TIMES, 100ull * kills, 0, 0, 0);
	for (u32 i = 0; i < kills && good; i++) {
		good = kill("tokens") && try(&token, RIGHT_READ) == STATUS_OK;
		rounds += good;
	}
	wanted("killed-busy-exports", finish(), STATUS_OK);
	(void)!restarts("tokens", &now);
	result(good && now == before + kills, "killed-busy",
	       "%u rounds, %lu restarts, %lu of them in a call", rounds,
	       (unsigned long)(now - before),
	       (unsigned long)mail->a + tokens.restarts - seen);
	wanted("killed-busy-revoke", revoke(&token), STATUS_OK);
	wanted("killed-busy-revoked", try(&token, RIGHT_READ), ERR_STALE);
	wanted("killed-busy-left", ask(MAIL_REVOKE_ALL, 0, 0, 0, 0), STATUS_OK);
	result(mail->a == 0, "killed-busy-none-left", "%lu",
	       (unsigned long)mail->a);
}

static void test_all(u32 kills)
{
	test_import();
	test_forged();
	test_expired();
	test_replayed();
	test_revoked();
	test_quota();
	test_store();
	test_ring();
	test_killed();
	test_killed_busy(kills);
}

// ---- what it costs: with -icount shift=0 a nanosecond is an instruction

static u64 import_batch(const struct token *token, enum status want)
{
	u32 slot[COST_BATCH];
	enum status status = want;
	u64 begin, total;

	for (u32 i = 0; i < COST_BATCH; i++)
		slot[i] = slot_alloc();
	begin = clock_ns();
	for (u32 i = 0; i < COST_BATCH && status == want; i++)
		status = token_import(&tokens, token, RIGHT_READ,
				      handle_of(slot[i]));
	total = clock_ns() - begin;
	if (status != want)
		wanted("cost-import", status, want);
	for (u32 i = 0; i < COST_BATCH; i++)
		slot_free(slot[i]);
	return total / COST_BATCH;
}

static u64 call_batch(void)
{
	u64 begin = clock_ns();

	for (u32 i = 0; i < COST_BATCH; i++) {
		struct message message = {.word = {99}, .nwords = 1};
		(void)!session_call(&tokens, &message);
	}
	return (clock_ns() - begin) / COST_BATCH;
}

static void costs(void)
{
	struct token token = export(0, RIGHT_READ, 0, 0), forged = token;
	u64 import = ~0ull, denied = ~0ull, call = ~0ull;

	forged.mac[0] ^= 1;
	if (ask(MAIL_COST, 0, 0, 0, 0) != STATUS_OK)
		result(false, "cost", "%s", status_text(mail->status));
	log_print("COST export %lu", (unsigned long)mail->a);
	log_print("COST revoke %lu", (unsigned long)mail->b);
	for (u32 i = 0; i < COST_ROUNDS; i++) {
		import = MIN(import, import_batch(&token, STATUS_OK));
		denied = MIN(denied, import_batch(&forged, ERR_DENIED));
		call = MIN(call, call_batch());
	}
	log_print("COST import %lu", (unsigned long)import);
	log_print("COST import-forged %lu", (unsigned long)denied);
	log_print("COST call %lu", (unsigned long)call);
	wanted("cost-revoke", revoke(&token), STATUS_OK);
}

static void power_off(void)
{
	log_print("DONE %u passed, %u failed", npassed, nfailed);
	nap(100000000);
	(void)!command("poweroff");
}

[[noreturn]] void user_main(void)
{
	u64 frames, objects[2], capabilities[2], kills = 3, after;
	char word[16];
	const struct startup_cap *engine =
		startup_need("engine", STARTUP_ENDPOINT_CLIENT);

	component_ready();
	if (channel_open(&channel, startup_need("mail", STARTUP_CHANNEL)) !=
		    STATUS_OK ||
	    session_open(&admin, handle_of(engine->handle), 131072,
			 ENGINE_ATTACH, ENGINE_VERSION) != STATUS_OK)
		component_fail("no channel or session");
	mail = (struct mail *)channel.data;
	if (startup_word("kills", word, sizeof(word)))
		(void)!parse_u64(word, strlen(word), 1000, &kills);
	if (startup_word("cost", nullptr, 0)) {
		costs();
		power_off();
	}
	quiet = true;
	test_all((u32)kills);
	quiet = false;
	frames = free_frames();
	(void)!ask(MAIL_POOL, 0, 0, 0, 0);
	objects[0] = mail->a;
	capabilities[0] = mail->b;
	(void)!sys_pool_info(SELF_POOL, nullptr, nullptr, &objects[1],
			     &capabilities[1], nullptr);
	test_all((u32)kills);
	after = free_frames();
	result(frames == after, "frames", "%lu before, %lu after",
	       (unsigned long)frames, (unsigned long)after);
	(void)!ask(MAIL_POOL, 0, 0, 0, 0);
	result(mail->a == objects[0] && mail->b == capabilities[0],
	       "owner-objects-and-capabilities", "%lu, %lu before, %lu, %lu",
	       (unsigned long)objects[0], (unsigned long)capabilities[0],
	       (unsigned long)mail->a, (unsigned long)mail->b);
	(void)!sys_pool_info(SELF_POOL, nullptr, nullptr, &mail->a, &mail->b,
			     nullptr);
	result(mail->a == objects[1] && mail->b == capabilities[1],
	       "user-objects-and-capabilities", "%lu, %lu before, %lu, %lu",
	       (unsigned long)objects[1], (unsigned long)capabilities[1],
	       (unsigned long)mail->a, (unsigned long)mail->b);
	power_off();
	for (;;)
		nap(1000000000);
}
