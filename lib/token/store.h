// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A process's tokens: one page of any memory that the process has, 102 places of
// 40 bytes and 16 bytes that say that it is a store and what it holds. The page may
// outlive the process (a stash, a file): who opens one checks it first. A token is
// known by its place, which stays the same until it is removed.
//
// The store says whether the page is as it was left, not whether a token is good:
// only the token service can. Not thread-safe.
#ifndef LIB_TOKEN_STORE_H
#define LIB_TOKEN_STORE_H
#include "abi/token.h"
#include "lib/base/status.h"

#define TOKEN_STORE_PLACES 102u

struct token_store {
	struct token place[TOKEN_STORE_PLACES]; // all zero: free
	u64 magic;
	u32 count;
	u32 sum; // of all tokens with their places
};
static_assert(sizeof(struct token_store) == 4096);

// A page of zeroes becomes an empty store. ERR_FORMAT: something else lies there, it
// is left as it is. ERR_CORRUPT: a store that is not as it was left, by damage or by
// a death in the middle of a change: token_store_repair before anything else.
[[nodiscard]] enum status token_store_open(struct token_store *store);
// Remove what cannot be a token and believe the rest; returns how many were removed.
u32 token_store_repair(struct token_store *store);
// ERR_FORMAT: not a token. ERR_NOSPACE: the 103rd. A token that is there already is
// not put there twice.
[[nodiscard]] enum status token_store_add(struct token_store *store,
					  const struct token *token,
					  u32 *place);
// ERR_RANGE, ERR_EMPTY: no token there.
[[nodiscard]] enum status token_store_get(const struct token_store *store,
					  u32 place, struct token *token);
[[nodiscard]] enum status token_store_remove(struct token_store *store,
					     u32 place);
// The first token at or behind place `from` that gives all these rights. ERR_EMPTY.
[[nodiscard]] enum status token_store_find(const struct token_store *store,
					   u32 rights, u32 from, u32 *place);
#endif
