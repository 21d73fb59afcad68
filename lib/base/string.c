// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Strings and comparison. Built with -fno-builtin: else the compiler would turn
// a loop into a call of itself.
#include "lib/base/string.h"

int memcmp(const void *a, const void *b, usize bytes)
{
	const u8 *x = a;
	const u8 *y = b;
	usize i = 0;

	for (; i + 8 <= bytes; i += 8) {
		u64 v, w;

		__builtin_memcpy(&v, x + i, 8);
		__builtin_memcpy(&w, y + i, 8);
		if (v != w)
			break;
	}
	for (; i < bytes; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

void *memchr(const void *from, int value, usize bytes)
{
	const u8 *f = from;

	for (usize i = 0; i < bytes; i++)
		if (f[i] == (u8)value)
			return (void *)(f + i);
	return nullptr;
}

usize strlen(const char *s)
{
	usize length = 0;

	while (s[length])
		length++;
	return length;
}

usize strnlen(const char *s, usize limit)
{
	usize length = 0;

	while (length < limit && s[length])
		length++;
	return length;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, usize limit)
{
	for (usize i = 0; i < limit; i++)
		if (a[i] != b[i] || !a[i])
			return (u8)a[i] - (u8)b[i];
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return nullptr;
	}
}

char *strrchr(const char *s, int c)
{
	char *found = nullptr;

	for (;; s++) {
		if (*s == (char)c)
			found = (char *)s;
		if (!*s)
			return found;
	}
}

char *strstr(const char *s, const char *wanted)
{
	usize length = strlen(wanted);

	for (;; s++) {
		if (strncmp(s, wanted, length) == 0)
			return (char *)s;
		if (!*s)
			return nullptr;
	}
}

usize strlcpy(char *to, const char *from, usize size_bytes)
{
	usize length = strlen(from);

	if (size_bytes) {
		usize used = length < size_bytes ? length : size_bytes - 1;

		memcpy(to, from, used);
		to[used] = 0;
	}
	return length;
}

usize strlcat(char *to, const char *from, usize size_bytes)
{
	usize used = strnlen(to, size_bytes);

	return used + strlcpy(to + used, from, size_bytes - used);
}

bool string_starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}
