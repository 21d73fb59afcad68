// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// How the two sides of token-test talk: the user writes a command into memory that
// both have, the owner answers there. Tokens cross as bytes in it, nothing else.
#pragma once

#include "abi/token.h"
#include "lib/ipc/session.h"
#include "lib/token/ring.h"

#define OBJECTS 4u // that the owner has, a page of memory each
#define MAIL_TOKENS 8u
#define COST_BATCH 8u
#define COST_ROUNDS 8u

enum mail_command : u32 {
	MAIL_EXPORT = 1, // a object, b rights, c flags, d expires -> token[0]
	MAIL_EXPORT_MORE, // than the owner's own capability carries
	MAIL_EXPORT_TIMES, // a times one behind the other, revoking each -> a deaths seen
	MAIL_IMPORT, // token[0] with rights b
	MAIL_READ, // a object -> a its first word
	MAIL_REVOKE, // token[0]
	MAIL_REVOKE_ALL, // -> a
	MAIL_TAKE_BACK, // a object, by the kernel's own revoke
	MAIL_DESTROY, // a object, with its pool, and make it anew
	MAIL_FILL, // export until refused -> a how many
	MAIL_RING_OPEN, // -> token[0], token[1]
	MAIL_RING_PEER, // token[0]
	MAIL_RING_TAKE, // a messages -> a sum of their first words
	MAIL_RING_CLOSE,
	MAIL_POOL, // -> a objects, b capabilities of the owner's pool
	MAIL_COST, // -> a export, b revoke, ns for one
};

struct mail {
	u64 asked, answered; // asked != answered: the owner's turn
	enum mail_command command;
	enum status status;
	u64 a, b, c, d;
	struct token token[MAIL_TOKENS];
};

static const struct ring_shape test_shape = {64, 64, 2};

extern struct session tokens;

[[noreturn]] void owner_main(void);
[[noreturn]] void user_main(void);
