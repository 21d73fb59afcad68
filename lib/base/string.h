// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Memory and strings. The names are C's because the compiler itself calls
// memcpy, memmove, memset and memcmp, with C's
// meanings; strlcpy() and strlcat() replace strcpy() and strcat().
// An architecture may replace the first three: lib/base/arch/<arch>/memory.S.
#pragma once

#include "lib/base/types.h"

void *memcpy(void *restrict to, const void *restrict from, usize bytes);
void *memmove(void *to, const void *from, usize bytes);
void *memset(void *to, int value, usize bytes);
int memcmp(const void *a, const void *b, usize bytes);
void *memchr(const void *from, int value, usize bytes);

usize strlen(const char *s);
usize strnlen(const char *s, usize limit);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, usize limit);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *wanted);

// Copy, cut to fit, always terminated if size_bytes is not 0. Returns
// strlen(from): the text was cut if that is >= size_bytes.
usize strlcpy(char *to, const char *from, usize size_bytes);

// As strlcpy, behind the text that is in `to` already.
usize strlcat(char *to, const char *from, usize size_bytes);

static inline bool string_equal(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool string_starts_with(const char *s, const char *prefix);
