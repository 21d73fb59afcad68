// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A block is a row of sequences: a token (two lengths of 4 bits), literals, and a
// match: how far back, little-endian, 2 bytes; at least 4 bytes are copied. The
// value 15 of a length goes on in further bytes, up to one that is not 255. The
// last sequence ends behind its literals.
#include "boot/compressed/compressed.h"

#define MATCH_MIN 4

struct cursor {
	const u8 *at, *end;
};

// The rest of a length whose 4 bits are 15.
static bool length_more(struct cursor *in, u64 *length)
{
	u8 byte;

	do {
		if (in->at == in->end)
			return false;
		byte = *in->at++;
		*length += byte;
	} while (byte == 255);
	return true;
}

bool lz4_unpack(const u8 *block, u64 block_bytes, u8 *to, u64 bytes)
{
	struct cursor in = {block, block + block_bytes};
	u64 done = 0;

	while (in.at < in.end) {
		u8 token = *in.at++;
		u64 literals = token >> 4, match = token & 15, back;

		if (literals == 15 && !length_more(&in, &literals))
			return false;
		if (literals > (u64)(in.end - in.at) || literals > bytes - done)
			return false;
		while (literals--)
			to[done++] = *in.at++;
		if (in.at == in.end)
			return done == bytes;
		if (in.end - in.at < 2)
			return false;
		back = in.at[0] | (u64)in.at[1] << 8;
		in.at += 2;
		if (match == 15 && !length_more(&in, &match))
			return false;
		match += MATCH_MIN;
		if (back == 0 || back > done || match > bytes - done)
			return false;
		for (; match; match--, done++)
			to[done] = to[done - back];
	}
	return false;
}
