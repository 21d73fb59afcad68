// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Random bytes: ChaCha20 (RFC 8439) as a generator. Its key is drawn from the
// CPU's own source where it has one, mixed with the time counter; after every request the key
// is replaced by the generator's own output, so that a state seen later does not
// tell what was given out before. Without a source the seed is only the counter and
// is guessable: docs/book/linux.md says so.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/container.h"
#include "personalities/linux/cpu.h"
#include "personalities/linux/sync.h"

#define RESEED_AFTER 1024u // requests

static struct mutex lock = MUTEX(lock);
static u32 key[8];
static u64 requests;

static u32 rotate(u32 value, u32 bits)
{
	return value << bits | value >> (32 - bits);
}

static void quarter(u32 *s, u32 a, u32 b, u32 c, u32 d)
{
	s[a] += s[b], s[d] = rotate(s[d] ^ s[a], 16);
	s[c] += s[d], s[b] = rotate(s[b] ^ s[c], 12);
	s[a] += s[b], s[d] = rotate(s[d] ^ s[a], 8);
	s[c] += s[d], s[b] = rotate(s[b] ^ s[c], 7);
}

static void block(u64 counter, u32 out[16])
{
	u32 start[16] = {0x61707865,
			 0x3320646e,
			 0x79622d32,
			 0x6b206574,
			 key[0],
			 key[1],
			 key[2],
			 key[3],
			 key[4],
			 key[5],
			 key[6],
			 key[7],
			 (u32)counter,
			 (u32)(counter >> 32),
			 0,
			 0};

	memcpy(out, start, sizeof(start));
	for (u32 i = 0; i < 10; i++) {
		quarter(out, 0, 4, 8, 12);
		quarter(out, 1, 5, 9, 13);
		quarter(out, 2, 6, 10, 14);
		quarter(out, 3, 7, 11, 15);
		quarter(out, 0, 5, 10, 15);
		quarter(out, 1, 6, 11, 12);
		quarter(out, 2, 7, 8, 13);
		quarter(out, 3, 4, 9, 14);
	}
	for (u32 i = 0; i < 16; i++)
		out[i] += start[i];
}

static void reseed(void)
{
	for (u32 i = 0; i < 4; i++) {
		u64 word = clock_ns() * 0x9e3779b97f4a7c15ull, drawn;

		if (cpu_random(&drawn))
			word ^= drawn;
		key[i * 2] ^= (u32)word;
		key[i * 2 + 1] ^= (u32)(word >> 32);
	}
}

void random_bytes(void *to, usize bytes)
{
	u8 *at = to;
	u64 counter = 0;
	u32 out[16];

	mutex_lock(&lock);
	if (requests++ % RESEED_AFTER == 0)
		reseed();
	while (bytes) {
		usize part = MIN(bytes, sizeof(out));

		block(++counter, out);
		memcpy(at, out, part);
		at += part;
		bytes -= part;
	}
	block(0, out);
	memcpy(key, out, sizeof(key));
	memset(out, 0, sizeof(out));
	mutex_unlock(&lock);
}
