// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Words in memory that another process writes too. What is read here is input:
// copied once, then checked. The order of accesses is C11's; tests/model/ring puts
// a file of the same name in the place of this one and tries every order allowed.
#pragma once

#include "lib/base/atomic.h"
#include "lib/base/types.h"

[[gnu::always_inline]] static inline u64 shared_load(const u64 *word)
{
	return atomic_load_relaxed(word);
}

[[gnu::always_inline]] static inline u64 shared_load_acquire(const u64 *word)
{
	return atomic_load(word);
}

[[gnu::always_inline]] static inline void shared_store(u64 *word, u64 value)
{
	atomic_store_relaxed(word, value);
}

[[gnu::always_inline]] static inline void shared_store_release(u64 *word,
							       u64 value)
{
	atomic_store(word, value);
}

// Did the word have the value old, and has it now the other one? Orders nothing.
[[gnu::always_inline]] static inline bool shared_swap(u64 *word, u64 old,
						      u64 value)
{
	return atomic_replace_with(word, old, value, __ATOMIC_RELAXED,
				   __ATOMIC_RELAXED);
}

// Bits of a word; what was stored before is visible to who acquires the word.
[[gnu::always_inline]] static inline void shared_set(u64 *word, u64 bits)
{
	(void)atomic_or(word, bits);
}

[[gnu::always_inline]] static inline void shared_clear(u64 *word, u64 bits)
{
	(void)atomic_and(word, ~bits);
}

// Between a store of this side and a load of what the other side stores, where the
// other has the same: at least one of the two sees the other's.
[[gnu::always_inline]] static inline void shared_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

typedef u64 __attribute__((may_alias)) own_word; // whatever type lies there

// Own buffers that are not aligned, and what is left behind the last whole word.
[[gnu::noinline, maybe_unused]] static void
shared_put_bytes(volatile u64 *to, const u8 *from, u32 bytes)
{
	for (; bytes != 0; to++) {
		u32 n = bytes < 8 ? bytes : 8;
		u64 value = 0;

		for (u32 i = 0; i < n; i++)
			value |= (u64)*from++ << 8 * i;
		*to = value;
		bytes -= n;
	}
}

[[gnu::noinline, maybe_unused]] static void
shared_get_bytes(u8 *to, const volatile u64 *from, u32 bytes)
{
	for (; bytes != 0; from++) {
		u32 n = bytes < 8 ? bytes : 8;
		u64 value = *from;

		for (u32 i = 0; i < n; i++)
			*to++ = (u8)(value >> 8 * i);
		bytes -= n;
	}
}

// Contents: whole words, each read or written once. to, or from, is aligned and has
// room for bytes rounded up to 8.
[[gnu::always_inline]] static inline void shared_put(u64 *to, const void *data,
						     u32 bytes)
{
	volatile u64 *word = to, *end = to + bytes / 8;
	const own_word *from = data;

	if ((u64)data % 8 != 0) {
		shared_put_bytes(to, data, bytes);
		return;
	}
	for (; end - word >= 4; word += 4, from += 4) {
		word[0] = from[0];
		word[1] = from[1];
		word[2] = from[2];
		word[3] = from[3];
	}
	while (word != end)
		*word++ = *from++;
	if (bytes % 8 != 0)
		shared_put_bytes(word, (const u8 *)from, bytes % 8);
}

[[gnu::always_inline]] static inline void shared_get(void *data,
						     const u64 *from, u32 bytes)
{
	const volatile u64 *word = from, *end = from + bytes / 8;
	own_word *to = data;

	if ((u64)data % 8 != 0) {
		shared_get_bytes(data, from, bytes);
		return;
	}
	for (; end - word >= 4; word += 4, to += 4) {
		to[0] = word[0];
		to[1] = word[1];
		to[2] = word[2];
		to[3] = word[3];
	}
	while (word != end)
		*to++ = *word++;
	if (bytes % 8 != 0)
		shared_get_bytes((u8 *)to, word, bytes % 8);
}

// A mistake that tests/model/ring makes on purpose, to see that it is found.
#define RING_BUG(n) false
