// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The table of grants: what the token service knows about each token, in its stash,
// so that a new instance goes on with it. Grant i's capability lies in slot i of the
// service's kept cnode, which is main.c's part; nothing here calls the kernel.
//
// A grant is written whole before its state makes it one, and ends by one store to
// its state: an instance may die between any two instructions. What is found in
// the stash is input: a grant whose checksum is wrong is given up; if the key's is,
// all are, and with a new key no token of before is genuine any more.
#pragma once

#include "lib/base/status.h"
#include "services/tokens/mac.h"

#define GRANTS 1024u // a power of two, at most TOKEN_PLACES
#define GRANTS_OF_ONE 256u // client
#define GRANT_OWNERS 64u // clients that have some

// Not small numbers: a word that was damaged is none of them.
enum grant_state : u64 {
	GRANT_FREE = 0,
	GRANT_LIVE = 0x4556494c544e5247, // "GRNTLIVE": not imported yet
	GRANT_OPEN = 0x4e45504f544e5247, // imported, and may be again
	GRANT_USED = 0x44455355544e5247, // imported, the one time
};

struct grant {
	enum grant_state state;
	u64 permissions; // of its token
	u64 owner; // badge of who exported it
	u64 expires_ns; // 0: never
	u32 sum; // of the three
	u32 reserved;
};

// Which request of which client: the same one may come twice, when an instance
// died before its answer.
struct grant_request {
	u64 owner; // badge
	u64 word; // the request's head
};

struct grants_stash {
	u64 magic;
	u8 key[MAC_KEY_BYTES];
	u32 key_sum, reserved;
	u64 serial, inverse; // of the last token; its complement follows it
	// The last request that had an effect, valid when not in the middle of it.
	struct grant_request last;
	u64 last_place, last_valid;
	struct grant grant[GRANTS];
};

struct grant_owner {
	u64 badge;
	u32 count;
};

struct grants {
	struct grants_stash *stash;
	struct grant_owner owner[GRANT_OWNERS];
	u32 next; // where to look for a free place
};

struct grants_found {
	bool fresh; // nothing was inherited
	bool key_lost; // there was something, but not whole
	u32 kept, damaged;
};

// Take over what the stash holds, or begin with this key.
void grants_open(struct grants *grants, struct grants_stash *stash,
		 const u8 fresh_key[MAC_KEY_BYTES], struct grants_found *found);

// A place for a new grant and its token; nothing is granted before grants_commit.
// ERR_QUOTA.
[[nodiscard]] enum status grants_reserve(struct grants *grants, u64 owner,
					 u32 rights, u32 flags, u64 expires_ns,
					 u32 *place);
void grants_commit(struct grants *grants, u32 place,
		   const struct grant_request *request);
void grants_token(const struct grants *grants, u32 place, struct token *token);
// Was this export done already? Then its place.
bool grants_repeated(const struct grants *grants,
		     const struct grant_request *request, u32 *place);

// May this request import by the token, with these rights, and by which grant?
// ERR_DENIED: the token is not genuine. ERR_STALE: it is, and over, or used.
// ERR_RIGHTS. Changes nothing.
[[nodiscard]] enum status
grants_check(const struct grants *grants, const struct token *token, u32 rights,
	     u64 now_ns, const struct grant_request *request, u32 *place);
// It did.
void grants_imported(struct grants *grants, u32 place,
		     const struct grant_request *request);
// May this client revoke it? ERR_DENIED: not its own, or not genuine; ERR_STALE: the
// grant is gone. Changes nothing.
[[nodiscard]] enum status grants_revocable(const struct grants *grants,
					   const struct token *token, u64 owner,
					   u32 *place);
// It did; and was it this request, which comes again?
void grants_revoked(struct grants *grants, u32 place,
		    const struct grant_request *request);
bool grants_was_revoked(const struct grants *grants,
			const struct grant_request *request);
// The grant is gone: its capability has been deleted.
void grants_end(struct grants *grants, u32 place);
bool grants_live(const struct grants *grants, u32 place);
bool grants_owned(const struct grants *grants, u32 place, u64 owner);

enum grant_over {
	GRANT_NOT_OVER, // or used by the last request, which may come again
	GRANT_OVER_UNUSED, // expired, and nothing came of it
	GRANT_OVER_IMPORTED, // used or expired; what was imported can be revoked
};
enum grant_over grants_over(const struct grants *grants, u32 place, u64 now_ns);
// When the next one expires that was not imported; 0: none does.
u64 grants_next_expiry(const struct grants *grants, u64 now_ns);
