// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The token service (abi/tokens.idl): keeps a copy of each capability that was
// exported in its kept cnode, and makes capabilities out of it again for who brings
// the token. What it knows of tokens is in its stash (grants.h), so they outlive it.
//
// Everything handed out is derived from the kept copy, and that from the
// exporter's own: deleting the kept one ends the token, revoking it takes back what
// was imported, and whoever the exporter had it from can still take all of it.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/rights.h"
#include "gen/abi/syscall_stubs.h"
#include "gen/abi/tokens.h"
#include "lib/ipc/server.h"
#include "lib/sys/component.h"
#include "services/tokens/grants.h"
#include "services/tokens/random.h"

#define EXPIRED_BIT (1ull << 40) // of the main notification: the timer
#define EXPIRED_LEAST_NS 10000000ull // between two looks

static struct grants grants;
static u32 timer;
static u64 armed_ns; // what the timer is set to; 0: it is not
static struct handle keep;
static struct grant_request request; // that is being served

static struct handle kept(u32 place)
{
	return handle_of(keep.value << 16 | place);
}

// Let the capability go; what was imported stays its exporter's to take back.
static void let_go(u32 place)
{
	(void)!sys_cap_delete(keep, place);
	grants_end(&grants, place);
}

// Be woken when this token is over, or a little later.
static void wake_at(u64 expires_ns)
{
	u64 least = clock_ns() + EXPIRED_LEAST_NS;

	if (expires_ns == 0 || (armed_ns && armed_ns <= expires_ns))
		return;
	armed_ns = expires_ns < least ? least : expires_ns;
	(void)!sys_timer_set(handle_of(timer), handle_of(SLOT_NOTIFICATION),
			     EXPIRED_BIT, armed_ns, 0);
}

// What has expired and was never imported is let go at once.
static void notified(void *, u64 bits)
{
	u64 now_ns = clock_ns();

	if (!(bits & EXPIRED_BIT))
		return;
	for (u32 i = 0; i < GRANTS; i++)
		if (grants_over(&grants, i, now_ns) == GRANT_OVER_UNUSED)
			let_go(i);
	armed_ns = 0;
	wake_at(grants_next_expiry(&grants, now_ns));
}

// Let go what is over, and what has no object any more (nothing tells the service
// when that happens): of one client, or, when all places are taken, of all.
static void make_room(u64 owner, bool all)
{
	u64 now_ns = clock_ns();

	for (u32 i = 0; i < GRANTS; i++) {
		if (!grants_live(&grants, i) ||
		    (!all && !grants_owned(&grants, i, owner)))
			continue;
		if (grants_over(&grants, i, now_ns) != GRANT_NOT_OVER ||
		    sys_cap_info(kept(i), nullptr, nullptr, nullptr) !=
			    STATUS_OK)
			let_go(i);
	}
}

static enum status reserve(const struct tokens_export_args *args, u32 *place)
{
	enum status status = ERR_QUOTA;

	for (u32 tries = 0; tries < 3 && status == ERR_QUOTA; tries++) {
		if (tries)
			make_room(request.owner, tries == 2);
		status = grants_reserve(&grants, request.owner, args->rights,
					args->flags, args->expires_ns, place);
	}
	return status;
}

static void answer(u32 place, struct tokens_export_result *result)
{
	struct token token;
	u64 mac[4];

	grants_token(&grants, place, &token);
	memcpy(mac, token.mac, sizeof(mac));
	*result = (struct tokens_export_result){token.permissions, mac[0],
						mac[1], mac[2], mac[3]};
}

static enum status do_export(void *, const struct tokens_export_args *args,
			     struct tokens_export_result *result)
{
	u32 rights, place;
	enum status status =
		sys_cap_info(args->object, nullptr, &rights, nullptr);

	if (status != STATUS_OK)
		return ERR_PROTOCOL;
	if (args->rights == 0 || args->flags & ~TOKEN_FLAGS)
		return ERR_ARGUMENT;
	if (args->rights & ~rights || !(rights & RIGHT_DERIVE))
		return ERR_RIGHTS;
	if (grants_repeated(&grants, &request, &place)) {
		slot_free(args->object.value);
		answer(place, result);
		return STATUS_OK;
	}
	status = reserve(args, &place);
	if (status != STATUS_OK)
		return status;
	(void)!sys_cap_delete(keep, place);
	status = sys_cap_move(keep, place, args->object);
	if (status != STATUS_OK)
		return ERR_QUOTA;
	slot_free(args->object.value);
	grants_commit(&grants, place, &request);
	wake_at(args->expires_ns);
	answer(place, result);
	return STATUS_OK;
}

static struct token token_of(u64 permissions, u64 m0, u64 m1, u64 m2, u64 m3)
{
	u64 mac[4] = {m0, m1, m2, m3};
	struct token token = {.permissions = permissions};

	memcpy(token.mac, mac, sizeof(mac));
	return token;
}

static enum status do_import(void *, const struct tokens_import_args *args,
			     struct tokens_import_result *result)
{
	struct token token = token_of(args->permissions, args->m0, args->m1,
				      args->m2, args->m3);
	u32 place, slot;
	enum status status = grants_check(&grants, &token, args->rights,
					  clock_ns(), &request, &place);

	if (status != STATUS_OK)
		return status;
	slot = slot_alloc();
	// A message carries only what may be handed on, as the token may, too.
	status = sys_cap_mint(SELF_CNODE, slot, kept(place),
			      args->rights | RIGHT_DERIVE, 0);
	if (status == STATUS_OK)
		status = sys_cap_info(handle_of(slot), &result->type, nullptr,
				      nullptr);
	if (status != STATUS_OK) {
		slot_free(slot);
		if (status == ERR_QUOTA)
			return status;
		let_go(place); // the object is gone
		return ERR_STALE;
	}
	grants_imported(&grants, place, &request);
	server_free_after_reply(slot);
	result->object = handle_of(slot);
	return STATUS_OK;
}

static enum status do_revoke(void *, const struct tokens_revoke_args *args)
{
	struct token token = token_of(args->permissions, args->m0, args->m1,
				      args->m2, args->m3);
	u32 place;
	enum status status =
		grants_revocable(&grants, &token, request.owner, &place);

	if (status == ERR_STALE && grants_was_revoked(&grants, &request))
		return STATUS_OK;
	if (status != STATUS_OK)
		return status;
	(void)!sys_cap_revoke(keep, place);
	(void)!sys_cap_delete(keep, place);
	grants_revoked(&grants, place, &request);
	return STATUS_OK;
}

static enum status do_revoke_all(void *,
				 struct tokens_revoke_all_result *result)
{
	result->count = 0;
	for (u32 i = 0; i < GRANTS; i++)
		if (grants_owned(&grants, i, request.owner)) {
			(void)!sys_cap_revoke(keep, i);
			let_go(i);
			result->count++;
		}
	return STATUS_OK;
}

static const struct tokens_ops ops = {
	.export = do_export,
	.import = do_import,
	.revoke = do_revoke,
	.revoke_all = do_revoke_all,
};

static enum status dispatch(void *, struct server_session *session,
			    struct message *message)
{
	struct service_session view = server_view(session);

	request = (struct grant_request){message->badge, message->word[0]};
	return tokens_dispatch(&ops, nullptr, &view, message);
}

// All that is hard to guess here. False: the processor gives nothing for it.
static bool draw_key(u8 key[MAC_KEY_BYTES])
{
	u64 seed[16] = {};
	bool good = true;

	for (u32 i = 0; i < 8; i++)
		good = random_word(&seed[i]) && good;
	seed[8] = clock_ns();
	seed[9] = clock_realtime_ns();
	seed[10] = startup->generation;
	mac_key(seed, sizeof(seed), key);
	memset(seed, 0, sizeof(seed));
	return good;
}

static void open_stash(void)
{
	struct grants_found found;
	u8 key[MAC_KEY_BYTES];
	bool good = draw_key(key);

	grants_open(&grants, (struct grants_stash *)startup->stash, key,
		    &found);
	memset(key, 0, sizeof(key));
	if (found.fresh && !good)
		log_print("the key was made from the time alone: the processor "
			  "gives no random numbers");
	if (found.key_lost)
		log_print("the stash was damaged: no token of before is good");
	if (found.damaged)
		log_print("%u tokens are lost: their records were damaged",
			  found.damaged);
	log_print("instance %u, %u tokens", startup->generation, found.kept);
	for (u32 i = 0; i < GRANTS; i++)
		if (!grants_live(&grants, i))
			(void)!sys_cap_delete(keep, i);
}

int component_main(const struct startup *page)
{
	static struct server server = {.dispatch = dispatch,
				       .notified = notified};
	u32 endpoint = startup_need("tokens", STARTUP_ENDPOINT_SERVER)->handle;
	const struct startup_cap *cnode = startup_need("keep", STARTUP_CNODE);

	if (page->stash_bytes < sizeof(struct grants_stash) ||
	    cnode->a < GRANTS)
		component_fail("the manifest gives too little: a stash of %lu "
			       "bytes and %u slots are needed",
			       (unsigned long)sizeof(struct grants_stash),
			       GRANTS);
	keep = handle_of(cnode->handle);
	timer = slot_alloc();
	if (sys_object_create(SELF_POOL, OBJECT_TIMER, 0, 0, handle_of(0),
			      SELF_CNODE, timer) != STATUS_OK)
		component_fail("no timer");
	open_stash();
	wake_at(grants_next_expiry(&grants, clock_ns()));
	if (server_init(&server, handle_of(endpoint), 0, nullptr) != STATUS_OK)
		component_fail("no memory");
	component_ready();
	server_run(&server);
}
