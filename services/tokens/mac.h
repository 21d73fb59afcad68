// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What makes a token genuine: keyed BLAKE2b of 32 bytes (RFC 7693, by libsodium)
// over a word that says what it is for and the token's permissions.
#pragma once

#include "abi/token.h"

#define MAC_KEY_BYTES 32

void mac_make(const u8 key[MAC_KEY_BYTES], u64 permissions,
	      u8 mac[TOKEN_MAC_BYTES]);
// Takes as long whatever the token holds.
bool mac_good(const u8 key[MAC_KEY_BYTES], const struct token *token);
// A key out of whatever is hard to guess, up to 128 bytes of it.
void mac_key(const void *seed, u32 bytes, u8 key[MAC_KEY_BYTES]);
