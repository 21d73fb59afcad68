// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See token.h.
#include "lib/token/token.h"

#include "gen/abi/rights.h"
#include "gen/abi/syscall_stubs.h"
#include "gen/abi/tokens.h"
#include "lib/base/string.h"

enum status token_export(struct session *tokens, struct handle object,
			 u32 rights, u32 flags, u64 expires_ns,
			 struct token *token)
{
	u64 mac[4], permissions;
	enum status status =
		tokens_export(tokens, rights, flags, expires_ns, object,
			      &permissions, &mac[0], &mac[1], &mac[2], &mac[3]);

	u32 held;

	// What must not be handed on did not get as far as the service.
	if (status == ERR_PROTOCOL &&
	    sys_cap_info(object, nullptr, &held, nullptr) == STATUS_OK &&
	    !(held & RIGHT_DERIVE))
		return ERR_RIGHTS;
	if (status != STATUS_OK)
		return status;
	memcpy(token->mac, mac, sizeof(mac));
	token->permissions = permissions;
	return STATUS_OK;
}

enum status token_import(struct session *tokens, const struct token *token,
			 u32 rights, struct handle into)
{
	u64 mac[4];

	memcpy(mac, token->mac, sizeof(mac));
	return tokens_import(tokens, token->permissions, mac[0], mac[1], mac[2],
			     mac[3], rights, into, nullptr);
}

enum status token_revoke(struct session *tokens, const struct token *token)
{
	u64 mac[4];

	memcpy(mac, token->mac, sizeof(mac));
	return tokens_revoke(tokens, token->permissions, mac[0], mac[1], mac[2],
			     mac[3]);
}

enum status token_revoke_all(struct session *tokens, u32 *count)
{
	return tokens_revoke_all(tokens, count);
}
