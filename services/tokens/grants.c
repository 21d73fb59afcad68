// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See grants.h.
#include "services/tokens/grants.h"

#include "lib/base/bits.h"
#include "lib/base/checksum.h"
#include "lib/base/string.h"
#include "lib/token/bugs.h"

#define STASH_MAGIC 0x31544e4152474b54ull // "TKGRANT1"
static_assert(GRANTS <= TOKEN_PLACES && (GRANTS & (GRANTS - 1)) == 0);

// The order of stores is what a successor relies on; it runs on after this
// instance's last instruction, so the compiler's order is all there is to keep.
static void ordered(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	TOKEN_POINT();
}

static void set_state(struct grant *grant, enum grant_state state)
{
	ordered();
	*(volatile enum grant_state *)&grant->state = state;
	ordered();
}

static u32 sum_of(const struct grant *grant)
{
	return crc32c(0, &grant->permissions,
		      OFFSET_OF(struct grant, sum) -
			      OFFSET_OF(struct grant, permissions));
}

static struct grant_owner *owner_of(struct grants *grants, u64 badge)
{
	struct grant_owner *unused = nullptr;

	for (u32 i = 0; i < GRANT_OWNERS; i++) {
		struct grant_owner *owner = &grants->owner[i];

		if (owner->count && owner->badge == badge)
			return owner;
		if (!owner->count && !unused)
			unused = owner;
	}
	if (unused)
		unused->badge = badge;
	return unused;
}

// ---- what an instance finds

static bool whole(const struct grants_stash *stash)
{
	return stash->magic == STASH_MAGIC &&
		stash->key_sum == crc32c(0, stash->key, sizeof(stash->key)) &&
		(~stash->inverse == stash->serial ||
		 ~stash->inverse == stash->serial - 1);
}

static bool valid(const struct grants_stash *stash, u32 place)
{
	const struct grant *grant = &stash->grant[place];

	return (grant->state == GRANT_LIVE || grant->state == GRANT_OPEN ||
		grant->state == GRANT_USED) &&
		grant->sum == sum_of(grant) &&
		token_well_formed(grant->permissions) &&
		token_place(grant->permissions) == place &&
		token_serial(grant->permissions) <= stash->serial;
}

static void begin(struct grants_stash *stash, const u8 key[MAC_KEY_BYTES])
{
	memset(stash, 0, sizeof(*stash));
	memcpy(stash->key, key, sizeof(stash->key));
	stash->key_sum = crc32c(0, stash->key, sizeof(stash->key));
	stash->inverse = ~stash->serial;
	ordered();
	*(volatile u64 *)&stash->magic = STASH_MAGIC;
}

void grants_open(struct grants *grants, struct grants_stash *stash,
		 const u8 fresh_key[MAC_KEY_BYTES], struct grants_found *found)
{
	*grants = (struct grants){.stash = stash};
	*found = (struct grants_found){};
	if (!whole(stash)) {
		found->key_lost = stash->magic != 0;
		found->fresh = true;
		begin(stash, fresh_key);
		return;
	}
	stash->inverse = ~stash->serial;
	for (u32 i = 0; i < GRANTS; i++) {
		struct grant *grant = &stash->grant[i];
		struct grant_owner *owner;

		if (grant->state == GRANT_FREE)
			continue;
		owner = valid(stash, i) ? owner_of(grants, grant->owner)
					: nullptr;
		if (owner && !TOKEN_BUG(193)) {
			owner->count++;
			found->kept++;
		} else {
			set_state(grant, GRANT_FREE);
			found->damaged++;
		}
	}
}

// ---- making

static bool free_place(struct grants *grants, u32 *place)
{
	for (u32 i = 0; i < GRANTS; i++) {
		u32 at = (grants->next + i) % GRANTS;

		if (grants->stash->grant[at].state != GRANT_FREE)
			continue;
		*place = at;
		grants->next = (at + 1) % GRANTS;
		return true;
	}
	return false;
}

enum status grants_reserve(struct grants *grants, u64 owner, u32 rights,
			   u32 flags, u64 expires_ns, u32 *place)
{
	struct grants_stash *stash = grants->stash;
	struct grant_owner *client = owner_of(grants, owner);
	struct grant *grant;

	if (!client || client->count >= GRANTS_OF_ONE ||
	    stash->serial >= TOKEN_SERIAL_MAX || !free_place(grants, place))
		return ERR_QUOTA;
	if (!TOKEN_BUG(194))
		*(volatile u64 *)&stash->serial = stash->serial + 1;
	ordered();
	*(volatile u64 *)&stash->inverse = ~stash->serial;
	grant = &stash->grant[*place];
	grant->permissions =
		token_permissions(rights, flags, *place, stash->serial);
	grant->owner = owner;
	grant->expires_ns = expires_ns;
	grant->sum = sum_of(grant);
	ordered();
	return STATUS_OK;
}

static void remember(struct grants_stash *stash, u32 place,
		     const struct grant_request *request)
{
	*(volatile u64 *)&stash->last_valid = 0;
	ordered();
	stash->last = *request;
	stash->last_place = place;
	ordered();
	*(volatile u64 *)&stash->last_valid = 1;
}

void grants_commit(struct grants *grants, u32 place,
		   const struct grant_request *request)
{
	struct grant *grant = &grants->stash->grant[place];
	struct grant_owner *owner = owner_of(grants, grant->owner);

	if (owner)
		owner->count++;
	remember(grants->stash, place, request);
	set_state(grant, GRANT_LIVE);
}

void grants_token(const struct grants *grants, u32 place, struct token *token)
{
	token->permissions = grants->stash->grant[place].permissions;
	mac_make(grants->stash->key, token->permissions, token->mac);
}

static bool is_last(const struct grants *grants,
		    const struct grant_request *request)
{
	const struct grants_stash *stash = grants->stash;

	return stash->last_valid == 1 && stash->last.owner == request->owner &&
		stash->last.word == request->word && stash->last_place < GRANTS;
}

bool grants_repeated(const struct grants *grants,
		     const struct grant_request *request, u32 *place)
{
	const struct grant *grant;

	if (!is_last(grants, request))
		return false;
	*place = (u32)grants->stash->last_place;
	grant = &grants->stash->grant[*place];
	return grant->state == GRANT_LIVE && grant->owner == request->owner;
}

// ---- using

static bool expired(const struct grant *grant, u64 now_ns)
{
	return grant->expires_ns != 0 && now_ns >= grant->expires_ns &&
		!TOKEN_BUG(195);
}

// The grant whose token this is, live or used.
static enum status look_up(const struct grants *grants,
			   const struct token *token, u32 *place)
{
	const struct grant *grant;

	if (!mac_good(grants->stash->key, token))
		return ERR_DENIED;
	// Genuine: this service wrote these permissions.
	*place = token_place(token->permissions) % GRANTS;
	grant = &grants->stash->grant[*place];
	if (grant->state == GRANT_FREE ||
	    (grant->permissions != token->permissions && !TOKEN_BUG(196)))
		return ERR_STALE;
	return STATUS_OK;
}

enum status grants_check(const struct grants *grants, const struct token *token,
			 u32 rights, u64 now_ns,
			 const struct grant_request *request, u32 *place)
{
	enum status status = look_up(grants, token, place);
	const struct grant *grant;

	if (status != STATUS_OK)
		return status;
	grant = &grants->stash->grant[*place];
	if (expired(grant, now_ns))
		return ERR_STALE;
	// Used up, but by this very request, whose answer was lost.
	if (grant->state == GRANT_USED && !TOKEN_BUG(197) &&
	    !(is_last(grants, request) && grants->stash->last_place == *place))
		return ERR_STALE;
	if (rights & ~token_rights(token->permissions) && !TOKEN_BUG(198))
		return ERR_RIGHTS;
	return STATUS_OK;
}

void grants_imported(struct grants *grants, u32 place,
		     const struct grant_request *request)
{
	struct grant *grant = &grants->stash->grant[place];

	if (token_flags(grant->permissions) & TOKEN_ONCE) {
		remember(grants->stash, place, request);
		set_state(grant, GRANT_USED);
	} else if (grant->state == GRANT_LIVE) {
		set_state(grant, GRANT_OPEN);
	}
}

// ---- ending

enum status grants_revocable(const struct grants *grants,
			     const struct token *token, u64 owner, u32 *place)
{
	enum status status = look_up(grants, token, place);

	if (status == STATUS_OK && !TOKEN_BUG(199) &&
	    grants->stash->grant[*place].owner != owner)
		status = ERR_DENIED;
	return status;
}

void grants_revoked(struct grants *grants, u32 place,
		    const struct grant_request *request)
{
	remember(grants->stash, place, request);
	grants_end(grants, place);
}

bool grants_was_revoked(const struct grants *grants,
			const struct grant_request *request)
{
	return is_last(grants, request);
}

void grants_end(struct grants *grants, u32 place)
{
	struct grant *grant = &grants->stash->grant[place];
	struct grant_owner *owner = owner_of(grants, grant->owner);

	if (grant->state == GRANT_FREE)
		return;
	set_state(grant, GRANT_FREE);
	if (owner && owner->count)
		owner->count--;
}

bool grants_live(const struct grants *grants, u32 place)
{
	return grants->stash->grant[place].state != GRANT_FREE;
}

bool grants_owned(const struct grants *grants, u32 place, u64 owner)
{
	return grants_live(grants, place) &&
		grants->stash->grant[place].owner == owner;
}

enum grant_over grants_over(const struct grants *grants, u32 place, u64 now_ns)
{
	const struct grants_stash *stash = grants->stash;
	const struct grant *grant = &stash->grant[place];

	if (grant->state == GRANT_FREE ||
	    (grant->state != GRANT_USED && !expired(grant, now_ns)))
		return GRANT_NOT_OVER;
	if (grant->state == GRANT_LIVE)
		return GRANT_OVER_UNUSED;
	if (stash->last_valid == 1 && stash->last_place == place)
		return GRANT_NOT_OVER;
	return GRANT_OVER_IMPORTED;
}

u64 grants_next_expiry(const struct grants *grants, u64 now_ns)
{
	u64 next = 0;

	for (u32 i = 0; i < GRANTS; i++) {
		const struct grant *grant = &grants->stash->grant[i];
		u64 at = grant->expires_ns;

		if (grant->state != GRANT_LIVE || at == 0)
			continue;
		// One that is not let go yet is looked at again later.
		if (at <= now_ns)
			at = now_ns + 1;
		if (next == 0 || at < next)
			next = at;
	}
	return next;
}
