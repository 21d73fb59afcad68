// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A token: 40 bytes that stand for a capability where none can go: in a file, in a
// message that is only bytes, on another machine's screen. Who has them may have
// the capability (abi/tokens.idl); what they mean is the token service's to know.
//
//   bytes 0-31   mac           of the permissions, by the service's key
//   bytes 32-39  permissions   little-endian, below
//
// The permissions:
//
//   bits 0-11    rights of abi/rights.def, at most
//   bits 12-13   flags
//   bits 14-15   TOKEN_VERSION
//   bits 16-27   place: which grant of the service
//   bits 28-63   serial: never used twice under one key
//
// When the token ends and whether it was used is not in it: the service keeps that.
#ifndef KOCHAB_ABI_TOKEN_H
#define KOCHAB_ABI_TOKEN_H
#include "lib/base/types.h"

#define TOKEN_MAC_BYTES 32
struct token {
	u8 mac[TOKEN_MAC_BYTES];
	u64 permissions;
};
static_assert(sizeof(struct token) == 40);

#define TOKEN_VERSION 1u
#define TOKEN_ONCE 1u // flag: one import, then it is over
#define TOKEN_FLAGS TOKEN_ONCE // all that there are
#define TOKEN_RIGHTS_MAX 0xfffu
#define TOKEN_PLACES 4096u
#define TOKEN_SERIAL_MAX ((1ull << 36) - 1)

static inline u32 token_rights(u64 permissions)
{
	return (u32)permissions & TOKEN_RIGHTS_MAX;
}

static inline u32 token_flags(u64 permissions)
{
	return (u32)(permissions >> 12) & 3;
}

static inline u32 token_version(u64 permissions)
{
	return (u32)(permissions >> 14) & 3;
}

static inline u32 token_place(u64 permissions)
{
	return (u32)(permissions >> 16) & (TOKEN_PLACES - 1);
}

static inline u64 token_serial(u64 permissions)
{
	return permissions >> 28;
}

static inline u64 token_permissions(u32 rights, u32 flags, u32 place,
				    u64 serial)
{
	return rights | flags << 12 | TOKEN_VERSION << 14 | (u64)place << 16 |
		serial << 28;
}

// Could these be permissions at all? (Only the service can say of which token.)
static inline bool token_well_formed(u64 permissions)
{
	return token_version(permissions) == TOKEN_VERSION &&
		!(token_flags(permissions) & ~TOKEN_FLAGS) &&
		token_rights(permissions) != 0 &&
		token_serial(permissions) != 0;
}
#endif
