// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// For explorers: a hash of bytes, and the set of the states seen so far, of which
// it keeps 64 bits each. Two states with one hash would be taken for one; with 10^7
// of them the odds against that are 10^5 to 1.
#ifndef TESTS_MODEL_SEEN_H
#define TESTS_MODEL_SEEN_H
#include "tests/fake_arch/fake.h"

struct seen {
	u64 *hash, room, count;
};

static inline u64 hash_bytes(const void *bytes, usize count, u64 from)
{
	const u8 *at = bytes;
	u64 a = from + 1, b = 2, word[2];

	for (; count >= 16; count -= 16, at += 16) {
		__builtin_memcpy(word, at, 16);
		a = (a ^ word[0]) * 0x9e3779b97f4a7c15;
		b = (b ^ word[1]) * 0xbf58476d1ce4e5b9;
		a ^= a >> 32, b ^= b >> 32;
	}
	for (; count; count--)
		a = (a ^ *at++) * 0x9e3779b97f4a7c15;
	a ^= a >> 29;
	return a ^ b * 3;
}

// True if it is new.
static inline bool see(struct seen *seen, u64 hash)
{
	u64 i;

	hash += !hash;
	if (seen->count * 2 >= seen->room) {
		struct seen old = *seen;

		*seen = (struct seen){.room = old.room ? old.room * 2
						       : 1 << 16};
		seen->hash = calloc(seen->room, sizeof *seen->hash);
		CHECK(seen->hash);
		for (i = 0; i < old.room; i++)
			if (old.hash[i])
				(void)see(seen, old.hash[i]);
		free(old.hash);
	}
	for (i = hash % seen->room; seen->hash[i]; i = (i + 1) % seen->room)
		if (seen->hash[i] == hash)
			return false;
	seen->hash[i] = hash;
	seen->count++;
	return true;
}

static inline void seen_forget(struct seen *seen)
{
	free(seen->hash);
	*seen = (struct seen){};
}
#endif
