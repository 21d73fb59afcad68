// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Plain memcpy, memmove and memset, for an architecture that does not replace
// this file by lib/base/arch/<arch>/memory.S. Built with -fno-builtin: else the
// compiler would turn a loop into a call of itself.
#include "lib/base/string.h"

void *memcpy(void *restrict to, const void *restrict from, usize bytes)
{
	u8 *t = to;
	const u8 *f = from;

	for (usize i = 0; i < bytes; i++)
		t[i] = f[i];
	return to;
}

void *memmove(void *to, const void *from, usize bytes)
{
	u8 *t = to;
	const u8 *f = from;

	if ((u64)t - (u64)f >= bytes)
		return memcpy(to, from, bytes);
	while (bytes--)
		t[bytes] = f[bytes];
	return to;
}

void *memset(void *to, int value, usize bytes)
{
	u8 *t = to;

	for (usize i = 0; i < bytes; i++)
		t[i] = (u8)value;
	return to;
}
