// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See store.h. The sum is the exclusive or of each token's checksum with its place,
// so that a change costs one token's and not a page's.
#include "lib/token/store.h"

#include "lib/base/checksum.h"
#include "lib/base/string.h"
#include "lib/token/bugs.h"

#define STORE_MAGIC 0x31534e454b4f54ull // "TOKENS1"

static bool is_free(const struct token *token)
{
	static const struct token zero;

	return memcmp(token, &zero, sizeof(zero)) == 0;
}

static u32 sum_of(const struct token *token, u32 place)
{
	return crc32c(crc32c(0, &place, sizeof(place)), token, sizeof(*token));
}

// What count and sum have to be.
static void count_all(const struct token_store *store, u32 *count, u32 *sum)
{
	*count = *sum = 0;
	for (u32 i = 0; i < TOKEN_STORE_PLACES; i++)
		if (!is_free(&store->place[i])) {
			++*count;
			*sum ^= sum_of(&store->place[i], i);
		}
}

enum status token_store_open(struct token_store *store)
{
	u32 count, sum;

	count_all(store, &count, &sum);
	if (store->magic == 0 && store->count == 0 && store->sum == 0 &&
	    count == 0)
		store->magic = STORE_MAGIC;
	if (store->magic != STORE_MAGIC)
		return ERR_FORMAT;
	if (TOKEN_BUG(190))
		return STATUS_OK;
	if (count != store->count || sum != store->sum)
		return ERR_CORRUPT;
	for (u32 i = 0; i < TOKEN_STORE_PLACES; i++)
		if (!is_free(&store->place[i]) &&
		    !token_well_formed(store->place[i].permissions))
			return ERR_CORRUPT;
	return STATUS_OK;
}

u32 token_store_repair(struct token_store *store)
{
	u32 removed = 0;

	for (u32 i = 0; i < TOKEN_STORE_PLACES; i++) {
		struct token *token = &store->place[i];

		if (is_free(token) || token_well_formed(token->permissions))
			continue;
		*token = (struct token){};
		removed++;
	}
	count_all(store, &store->count, &store->sum);
	store->magic = STORE_MAGIC;
	return removed;
}

enum status token_store_add(struct token_store *store,
			    const struct token *token, u32 *place)
{
	u32 free = TOKEN_STORE_PLACES;

	if (!token_well_formed(token->permissions))
		return ERR_FORMAT;
	for (u32 i = 0; i < TOKEN_STORE_PLACES; i++) {
		if (memcmp(&store->place[i], token, sizeof(*token)) == 0) {
			*place = i;
			return STATUS_OK;
		}
		if (free == TOKEN_STORE_PLACES && is_free(&store->place[i]))
			free = i;
	}
	if (free == TOKEN_STORE_PLACES - TOKEN_BUG(191))
		return ERR_NOSPACE;
	store->place[free] = *token;
	store->sum ^= sum_of(token, free);
	store->count++;
	*place = free;
	return STATUS_OK;
}

enum status token_store_get(const struct token_store *store, u32 place,
			    struct token *token)
{
	if (place >= TOKEN_STORE_PLACES)
		return ERR_RANGE;
	if (is_free(&store->place[place]))
		return ERR_EMPTY;
	*token = store->place[place];
	return STATUS_OK;
}

enum status token_store_remove(struct token_store *store, u32 place)
{
	struct token token;
	enum status status = token_store_get(store, place, &token);

	if (status != STATUS_OK)
		return status;
	store->sum ^= sum_of(&token, place);
	store->count--;
	store->place[place] = (struct token){};
	return STATUS_OK;
}

enum status token_store_find(const struct token_store *store, u32 rights,
			     u32 from, u32 *place)
{
	for (u32 i = from; i < TOKEN_STORE_PLACES; i++) {
		u64 permissions = store->place[i].permissions;

		if (is_free(&store->place[i]) ||
		    (token_rights(permissions) & rights) != rights)
			continue;
		*place = i;
		return STATUS_OK;
	}
	return ERR_EMPTY;
}
