// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Every length and offset up to some words, overlapping in every way, for the
// plain memory functions and the architecture's.
#include "tests/unit/base/check.h"

#include "lib/base/string.h"

enum { SIZE = 256, LENGTHS = 100, SHIFT = 40 };

struct functions {
	void *(*copy)(void *restrict, const void *restrict, usize);
	void *(*move)(void *, const void *, usize);
	void *(*set)(void *, int, usize);
};

static void fill(u8 *bytes, u32 start)
{
	for (u32 i = 0; i < SIZE; i++)
		bytes[i] = (u8)(start + i * 7);
}

static void same(const u8 *a, const u8 *b)
{
	for (u32 i = 0; i < SIZE; i++)
		CHECK(a[i] == b[i]);
}

static void test_one(const struct functions *f, u32 to, u32 from, u32 length)
{
	u8 source[SIZE], got[SIZE], want[SIZE];

	fill(source, 3);
	fill(got, 90);
	fill(want, 90);
	for (u32 i = 0; i < length; i++)
		want[to + i] = source[from + i];
	CHECK(f->copy(got + to, source + from, length) == got + to);
	same(got, want);

	fill(got, 5);
	for (u32 i = 0; i < SIZE; i++)
		want[i] = got[i];
	for (u32 i = 0; i < length; i++)
		want[to + i] = got[from + i];
	CHECK(f->move(got + to, got + from, length) == got + to);
	same(got, want);

	for (u32 i = 0; i < length; i++)
		want[to + i] = (u8)(from + 0x70);
	CHECK(f->set(got + to, (int)from + 0x170, length) == got + to);
	same(got, want);
}

static void test_functions(const struct functions *f)
{
	for (u32 length = 0; length <= LENGTHS; length++)
		for (u32 to = 0; to <= SHIFT; to++)
			for (u32 from = 0; from <= SHIFT; from++)
				test_one(f, to, from, length);
}

#if defined(__x86_64__)
void *arch_memcpy(void *restrict to, const void *restrict from, usize bytes);
void *arch_memmove(void *to, const void *from, usize bytes);
void *arch_memset(void *to, int value, usize bytes);
#endif

void test_memory(void)
{
	test_functions(&(struct functions){memcpy, memmove, memset});
#if defined(__x86_64__)
	test_functions(
		&(struct functions){arch_memcpy, arch_memmove, arch_memset});
#endif
	u8 a[40], b[40];
	for (u32 length = 0; length <= 40; length++)
		for (u32 at = 0; at < length; at++) {
			memset(a, 7, sizeof(a));
			memset(b, 7, sizeof(b));
			CHECK(memcmp(a, b, length) == 0);
			b[at] = 200;
			CHECK(memcmp(a, b, length) < 0 &&
			      memcmp(b, a, length) > 0);
			CHECK(memcmp(a, b, at) == 0);
			CHECK(memchr(b, 200, length) == b + at);
			CHECK(!memchr(b, 200, at));
		}
}
