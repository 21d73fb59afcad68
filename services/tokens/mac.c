// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See mac.h. The two functions that libsodium's other files would supply are here,
// too.
#include "services/tokens/mac.h"

#include "crypto_generichash_blake2b.h"
#include "crypto_verify_32.h"
#include "lib/base/string.h"
#include "lib/token/bugs.h"

#define PURPOSE "kochab token 1\0" // 16 bytes with the NUL of C

void sodium_memzero(void *memory, usize bytes);
[[noreturn]] void sodium_misuse(void);

void sodium_memzero(void *memory, usize bytes)
{
	memset(memory, 0, bytes);
	__asm__ volatile("" : : "r"(memory) : "memory"); // so that it is done
}

[[noreturn]] void sodium_misuse(void)
{
	__builtin_trap();
}

void mac_make(const u8 key[MAC_KEY_BYTES], u64 permissions,
	      u8 mac[TOKEN_MAC_BYTES])
{
	u8 text[sizeof(PURPOSE) + sizeof(permissions)] = PURPOSE;

	static_assert(sizeof(PURPOSE) == 16);
	memcpy(text + sizeof(PURPOSE), &permissions, sizeof(permissions));
	if (crypto_generichash_blake2b(mac, TOKEN_MAC_BYTES, text, sizeof(text),
				       key, MAC_KEY_BYTES) != 0)
		sodium_misuse();
}

bool mac_good(const u8 key[MAC_KEY_BYTES], const struct token *token)
{
	u8 wanted[TOKEN_MAC_BYTES];
	bool good;

	mac_make(key, token->permissions, wanted);
	if (TOKEN_BUG(192))
		wanted[31] = token->mac[31];
	good = crypto_verify_32(wanted, token->mac) == 0;
	sodium_memzero(wanted, sizeof(wanted));
	return good;
}

void mac_key(const void *seed, u32 bytes, u8 key[MAC_KEY_BYTES])
{
	static const char purpose[] = "kochab token key";

	if (crypto_generichash_blake2b(key, MAC_KEY_BYTES, seed, bytes,
				       (const u8 *)purpose,
				       sizeof(purpose)) != 0)
		sodium_misuse();
}
