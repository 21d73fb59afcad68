// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Tokens as a client of the token service uses them: the calls of abi/tokens.idl
// with a struct token in the place of five words. The session has no buffer:
//
//   session_open(&tokens, endpoint, 0, 0, TOKENS_VERSION)
//
// It outlives the death of the service: a call that was under way is made again and
// has its effect once. Errors: those of abi/tokens.idl.
#ifndef LIB_TOKEN_TOKEN_H
#define LIB_TOKEN_TOKEN_H
#include "abi/token.h"
#include "lib/base/status.h"
#include "lib/ipc/session.h"

// A token for the object: at most these rights, until expires_ns (0: for ever).
[[nodiscard]] enum status token_export(struct session *tokens,
				       struct handle object, u32 rights,
				       u32 flags, u64 expires_ns,
				       struct token *token);
// The capability, into an empty slot of the own root cnode.
[[nodiscard]] enum status token_import(struct session *tokens,
				       const struct token *token, u32 rights,
				       struct handle into);
// Only who exported it: the token and all that came of it. ERR_STALE: the service has
// let go of it, as abi/tokens.idl says; then cap_revoke takes back what was imported.
[[nodiscard]] enum status token_revoke(struct session *tokens,
				       const struct token *token);
// All of the own, those of the predecessors under the same name included.
[[nodiscard]] enum status token_revoke_all(struct session *tokens, u32 *count);
#endif
