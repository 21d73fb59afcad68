// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The service's table against a model: at random, through its own deaths, and with
// each bit of its stash damaged. Whatever happens to the stash, no token may give
// more than before, to anybody, nor one that was over give anything.
#include <setjmp.h>
#include <string.h>

#include "lib/token/bugs.h"
#include "services/tokens/grants.h"
#include "tests/unit/token/check.h"

#define KNOWN 4096u // tokens that the model remembers
#define OWNERS 3u
#define STEPS 20000u

struct known {
	struct token token;
	u64 owner, expires_ns;
	u32 place;
	bool used, over;
};

static struct grants_stash stash;
static struct grants grants;
static struct known known[KNOWN];
static u32 nknown;
static u64 now_ns, requests;
static u8 key[MAC_KEY_BYTES];

static struct grant_request next_request(u64 owner)
{
	return (struct grant_request){owner, ++requests};
}

static struct grants_found restart(void)
{
	struct grants_found found;
	u8 fresh[MAC_KEY_BYTES];

	for (u32 i = 0; i < sizeof(fresh); i++)
		fresh[i] = (u8)below(256);
	grants_open(&grants, &stash, fresh, &found);
	return found;
}

static void begin(void)
{
	memset(&stash, 0, sizeof(stash));
	CHECK(restart().fresh);
	memcpy(key, stash.key, sizeof(key));
	nknown = 0;
	now_ns = 1000;
}

static enum status issue(u64 owner, u32 rights, u32 flags, u64 expires_ns,
			 const struct grant_request *request)
{
	struct known *k = &known[nknown % KNOWN];
	u32 place;
	enum status status = grants_reserve(&grants, owner, rights, flags,
					    expires_ns, &place);

	if (status != STATUS_OK)
		return status;
	grants_commit(&grants, place, request);
	*k = (struct known){
		.owner = owner, .expires_ns = expires_ns, .place = place};
	grants_token(&grants, place, &k->token);
	for (u32 i = 0; i < nknown && i < KNOWN; i++)
		CHECK(&known[i] == k ||
		      known[i].token.permissions != k->token.permissions);
	CHECK(token_well_formed(k->token.permissions));
	CHECK(token_rights(k->token.permissions) == rights);
	nknown++;
	return STATUS_OK;
}

static enum status use(struct known *k, u32 rights)
{
	struct grant_request request = next_request(1 + below(OWNERS));
	u32 place;
	enum status status = grants_check(&grants, &k->token, rights, now_ns,
					  &request, &place);

	if (status == STATUS_OK) {
		CHECK(place == k->place);
		grants_imported(&grants, place, &request);
	}
	return status;
}

static bool once(const struct known *k)
{
	return token_flags(k->token.permissions) & TOKEN_ONCE;
}

static bool expired(const struct known *k)
{
	return k->expires_ns && now_ns >= k->expires_ns;
}

static void step_use(struct known *k)
{
	u32 rights = below(8);
	enum status want = STATUS_OK, got = use(k, rights);

	if (k->over || expired(k) || (k->used && once(k)))
		want = ERR_STALE;
	else if (rights & ~token_rights(k->token.permissions))
		want = ERR_RIGHTS;
	CHECK(got == want);
	if (got == STATUS_OK)
		k->used = true;
}

static void step_forge(const struct known *k)
{
	struct token forged = k->token;
	struct grant_request request = next_request(1);
	u32 bit = below(320), place;

	((u8 *)&forged)[bit / 8] ^= (u8)(1u << bit % 8);
	CHECK(grants_check(&grants, &forged, 0, now_ns, &request, &place) ==
	      ERR_DENIED);
	CHECK(grants_revocable(&grants, &forged, k->owner, &place) ==
	      ERR_DENIED);
}

static void step_revoke(struct known *k)
{
	u64 owner = 1 + below(OWNERS);
	u32 place;
	enum status status =
		grants_revocable(&grants, &k->token, owner, &place);

	if (k->over) {
		CHECK(status == ERR_STALE);
	} else if (owner != k->owner) {
		CHECK(status == ERR_DENIED);
	} else {
		CHECK(status == STATUS_OK && place == k->place);
		grants_end(&grants, place);
		k->over = true;
	}
}

// What the service may let go: a grant that is over, used or expired.
static void step_let_go(struct known *k)
{
	enum grant_over want = GRANT_NOT_OVER, got;

	if (k->over)
		return;
	if (k->used && (once(k) || expired(k)))
		want = GRANT_OVER_IMPORTED;
	else if (expired(k))
		want = GRANT_OVER_UNUSED;
	got = grants_over(&grants, k->place, now_ns);
	CHECK(got == want ||
	      (want == GRANT_OVER_IMPORTED && stash.last_place == k->place));
	if (got == GRANT_NOT_OVER)
		return;
	grants_end(&grants, k->place);
	k->over = true;
}

static void step_expiry(void)
{
	u64 next = 0;

	for (u32 i = 0; i < nknown && i < KNOWN; i++) {
		const struct known *k = &known[i];
		u64 at = k->expires_ns;

		if (k->over || k->used || at == 0)
			continue;
		if (at <= now_ns)
			at = now_ns + 1;
		if (next == 0 || at < next)
			next = at;
	}
	CHECK(grants_next_expiry(&grants, now_ns) == next);
}

static u32 living(void)
{
	u32 count = 0;

	for (u32 i = 0; i < nknown && i < KNOWN; i++)
		count += !known[i].over;
	return count;
}

static void step_restart(void)
{
	struct grants_found found = restart();

	CHECK(!found.fresh && !found.key_lost && found.damaged == 0);
	CHECK(found.kept == living());
}

static void revoke_all(u64 owner)
{
	u32 count = 0;

	for (u32 i = 0; i < GRANTS; i++)
		if (grants_owned(&grants, i, owner)) {
			grants_end(&grants, i);
			count++;
		}
	CHECK(count == GRANTS_OF_ONE);
	for (u32 i = 0; i < nknown && i < KNOWN; i++)
		known[i].over |= known[i].owner == owner;
}

static void step_issue(void)
{
	u64 owner = 1 + below(OWNERS);
	struct grant_request request = next_request(owner);
	struct known old = known[nknown % KNOWN];
	u32 place;

	// What the model is about to forget has to be over.
	if (nknown >= KNOWN && !old.over) {
		CHECK(grants_revocable(&grants, &old.token, old.owner,
				       &place) == STATUS_OK);
		grants_end(&grants, place);
		known[nknown % KNOWN].over = true;
	}
	if (issue(owner, 1 + below(7), below(2),
		  below(2) ? 0 : now_ns + below(2000), &request) == ERR_QUOTA)
		revoke_all(owner);
}

// Everything that can happen, in any order. Places are used again and again.
void test_grants(void)
{
	u32 issued = 0;

	begin();
	for (u32 i = 0; i < STEPS; i++) {
		struct known *k =
			&known[below(nknown == 0	      ? 1
					     : nknown < KNOWN ? nknown
							      : KNOWN)];
		u32 what = nknown ? below(100) : 0;
		now_ns += below(20);
		if (what < 40)
			step_issue();
		else if (what < 60)
			step_use(k);
		else if (what < 85)
			step_revoke(k);
		else if (what < 88)
			step_forge(k);
		else if (what < 98)
			step_let_go(k);
		else if (what < 99)
			step_expiry();
		else
			step_restart();
		issued = nknown;
	}
	CHECK(issued > 2 * GRANTS); // every place more than once
	CHECK(memcmp(key, stash.key, sizeof(key)) == 0);
	printf("NOTE %u steps, %u tokens issued\n", STEPS, issued);
}

// A request that comes again, because its answer was lost, has its effect once.
void test_last_request(void)
{
	struct grant_request first = {7, 100}, second = {7, 101},
			     other = {8, 101};
	u32 place, again;

	begin();
	CHECK(!grants_repeated(&grants, &first, &again));
	CHECK(issue(7, 3, TOKEN_ONCE, 0, &first) == STATUS_OK);
	place = known[0].place;
	(void)restart();
	CHECK(grants_repeated(&grants, &first, &again) && again == place);
	CHECK(!grants_repeated(&grants, &second, &again));
	CHECK(grants_check(&grants, &known[0].token, 1, 0, &second, &again) ==
	      STATUS_OK);
	grants_imported(&grants, place, &second);
	(void)restart();
	CHECK(grants_check(&grants, &known[0].token, 1, 0, &second, &again) ==
	      STATUS_OK);
	CHECK(grants_check(&grants, &known[0].token, 1, 0, &other, &again) ==
	      ERR_STALE);
	CHECK(grants_check(&grants, &known[0].token, 1, 0, &first, &again) ==
	      ERR_STALE);
	(void)restart();
	CHECK(grants_revocable(&grants, &known[0].token, 8, &again) ==
	      ERR_DENIED);
	CHECK(grants_revocable(&grants, &known[0].token, 7, &again) ==
	      STATUS_OK);
	grants_revoked(&grants, again, &first);
	(void)restart();
	CHECK(grants_revocable(&grants, &known[0].token, 7, &again) ==
	      ERR_STALE);
	CHECK(grants_was_revoked(&grants, &first));
	CHECK(!grants_was_revoked(&grants, &second));
	// An instance that died between the record and the grant: done anew.
	begin();
	CHECK(issue(7, 3, 0, 0, &first) == STATUS_OK);
	stash.grant[known[0].place].state = GRANT_FREE;
	CHECK(!grants_repeated(&grants, &first, &again));
}

void test_quota(void)
{
	struct grant_request request = {};
	u32 place;

	begin();
	for (u32 i = 0; i < GRANTS_OF_ONE; i++)
		CHECK(issue(1, 1, 0, 0, &request) == STATUS_OK);
	CHECK(issue(1, 1, 0, 0, &request) == ERR_QUOTA);
	for (u32 i = 0; i < 3 * GRANTS_OF_ONE; i++)
		CHECK(issue(2 + i / GRANTS_OF_ONE, 1, 0, 0, &request) ==
		      STATUS_OK);
	CHECK(issue(9, 1, 0, 0, &request) == ERR_QUOTA); // the table is full
	CHECK(restart().kept == GRANTS);
	CHECK(grants_revocable(&grants, &known[5].token, 1, &place) ==
	      STATUS_OK);
	grants_end(&grants, place);
	CHECK(issue(1, 1, 0, 0, &request) == STATUS_OK);
	CHECK(issue(1, 1, 0, 0, &request) == ERR_QUOTA);
	// No serial is used twice, not even when there is none left.
	begin();
	stash.serial = TOKEN_SERIAL_MAX - 1;
	CHECK(issue(1, 1, 0, 0, &request) == STATUS_OK);
	CHECK(issue(1, 1, 0, 0, &request) == ERR_QUOTA);
}

// ---- damage

#define TRIED 7u

static enum status before[TRIED];

static enum status look(const struct known *k, u32 rights)
{
	struct grant_request request = next_request(5);
	u32 place;

	return grants_check(&grants, &k->token, rights, now_ns, &request,
			    &place);
}

static void prepare(void)
{
	struct grant_request request = {};

	begin();
	CHECK(issue(1, 3, 0, 0, &request) == STATUS_OK);
	CHECK(issue(1, 1, TOKEN_ONCE, 0, &request) == STATUS_OK);
	CHECK(issue(2, 1, TOKEN_ONCE, 0, &request) == STATUS_OK);
	CHECK(issue(2, 5, 0, now_ns + 10, &request) == STATUS_OK);
	CHECK(issue(2, 5, 0, now_ns + 100000, &request) == STATUS_OK);
	CHECK(issue(3, 1, 0, 0, &request) == STATUS_OK);
	CHECK(issue(3, 7, 0, 0, &request) == STATUS_OK);
	CHECK(use(&known[2], 1) == STATUS_OK);
	grants_end(&grants, known[5].place);
	now_ns += 50;
	for (u32 i = 0; i < TRIED; i++)
		before[i] = look(&known[i], 1);
	CHECK(before[0] == STATUS_OK && before[2] == ERR_STALE &&
	      before[3] == ERR_STALE && before[5] == ERR_STALE);
}

static void damaged(u32 bit, const struct grants_stash *good, u32 *lost)
{
	struct grant_request request = next_request(9);
	u32 place;

	stash = *good;
	((u8 *)&stash)[bit / 8] ^= (u8)(1u << bit % 8);
	(void)restart();
	for (u32 i = 0; i < TRIED; i++) {
		enum status got = look(&known[i], 1);
		CHECK(got == before[i] || got == ERR_STALE ||
		      got == ERR_DENIED);
		CHECK(before[i] == STATUS_OK || got != STATUS_OK);
		CHECK(look(&known[i], 8) != STATUS_OK);
		CHECK(grants_revocable(&grants, &known[i].token, 4, &place) !=
		      STATUS_OK);
		*lost += got != before[i];
	}
	CHECK(grants_reserve(&grants, 9, 1, 0, 0, &place) == STATUS_OK);
	grants_commit(&grants, place, &request);
	for (u32 i = 0; i < TRIED; i++)
		CHECK(stash.grant[place].permissions !=
			      known[i].token.permissions ||
		      memcmp(stash.key, key, sizeof(key)) != 0);
}

void test_damage(void)
{
	static struct grants_stash good;
	u32 bits = OFFSET_OF(struct grants_stash, grant[TRIED + 1]) * 8;
	u32 lost = 0;

	prepare();
	good = stash;
	for (u32 bit = 0; bit < bits; bit++)
		damaged(bit, &good, &lost);
	for (u32 i = 0; i < 200; i++)
		damaged(bits + below(sizeof(stash) * 8 - bits), &good, &lost);
	CHECK(lost != 0);
	printf("NOTE %u bits of the stash damaged one by one: tokens were lost "
	       "%u times, none gained\n",
	       bits + 200, lost);
}

// ---- deaths

enum act {
	ACT_EXPORT,
	ACT_IMPORT_ONCE,
	ACT_REVOKE,
	ACTS,
};

static jmp_buf death;
static u32 points_left;

static void point(void)
{
	if (points_left-- == 0)
		longjmp(death, 1);
}

// What the service does for a request; the second time it may have been done. The
// export's token lands in known[2].
static void act(enum act what, const struct grant_request *request)
{
	u32 place;

	switch (what) {
	case ACT_EXPORT:
		nknown = 2;
		if (grants_repeated(&grants, request, &place))
			grants_token(&grants, place, &known[2].token);
		else
			CHECK(issue(1, 3, 0, 0, request) == STATUS_OK);
		nknown = 3;
		break;
	case ACT_IMPORT_ONCE:
		CHECK(grants_check(&grants, &known[1].token, 1, now_ns, request,
				   &place) == STATUS_OK);
		grants_imported(&grants, place, request);
		break;
	default:
		switch (grants_revocable(&grants, &known[1].token, 1, &place)) {
		case STATUS_OK:
			grants_revoked(&grants, place, request);
			break;
		case ERR_STALE:
			CHECK(grants_was_revoked(&grants, request));
			break;
		default:
			CHECK(false);
		}
	}
}

// Did it die at the n-th point of it?
static bool act_and_die(enum act what, const struct grant_request *request,
			u32 n)
{
	bool died = true;

	points_left = n;
	token_point = point;
	if (setjmp(death) == 0) {
		act(what, request);
		died = false;
	}
	token_point = nullptr;
	return died;
}

static void after_death(enum act what, const struct grant_request *request)
{
	struct grants_found found = restart();
	u64 serial = stash.serial;
	struct token half = {.permissions = stash.grant[2].permissions};

	CHECK(!found.fresh && !found.key_lost && found.damaged == 0);
	act(what, request); // the session asks again
	CHECK(look(&known[0], 1) == STATUS_OK);
	CHECK(look(&known[1], 1) ==
	      (what == ACT_EXPORT ? STATUS_OK : ERR_STALE));
	found = restart();
	CHECK(found.kept ==
	      (what == ACT_EXPORT	    ? 3
		       : what == ACT_REVOKE ? 1
					    : 2));
	if (what != ACT_EXPORT)
		return;
	CHECK(look(&known[2], 3) == STATUS_OK);
	CHECK(token_serial(known[2].token.permissions) >= serial);
	// What was begun and not finished gives nothing.
	if (half.permissions != known[2].token.permissions &&
	    token_well_formed(half.permissions)) {
		known[3].token = half;
		mac_make(stash.key, half.permissions, known[3].token.mac);
		CHECK(look(&known[3], 0) == ERR_STALE);
	}
}

// Death between any two stores whose order matters: a request that is made again
// has its effect once, and nothing else changes.
void test_deaths(void)
{
	u32 ndeaths = 0;

	for (enum act what = 0; what < ACTS; what++)
		for (u32 n = 0;; n++) {
			struct grant_request first = {1, 50}, again = {1, 51};
			begin();
			CHECK(issue(1, 3, 0, 0, &first) == STATUS_OK);
			CHECK(issue(1, 1, TOKEN_ONCE, 0, &first) == STATUS_OK);
			if (!act_and_die(what, &again, n))
				break;
			after_death(what, &again);
			ndeaths++;
		}
	CHECK(ndeaths > 10);
	printf("NOTE %u deaths in the middle of a request\n", ndeaths);
}
