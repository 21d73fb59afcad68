// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Bits, alignment, sums that cannot wrap, and bytes in a fixed order.
#pragma once

#include "lib/base/types.h"

#define BIT(n) (1ull << (n))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

// alignment is a power of two.
static inline u64 align_down(u64 value, u64 alignment)
{
	return value & ~(alignment - 1);
}

// Wraps to 0 if there is no such value.
static inline u64 align_up(u64 value, u64 alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

static inline bool is_aligned(u64 value, u64 alignment)
{
	return (value & (alignment - 1)) == 0;
}

static inline bool is_power_of_two(u64 value)
{
	return value && (value & (value - 1)) == 0;
}

// Number of the lowest or highest set bit; value must not be 0.
static inline u32 lowest_bit(u64 value)
{
	return (u32)__builtin_ctzl(value);
}

static inline u32 highest_bit(u64 value)
{
	return 63 - (u32)__builtin_clzl(value);
}

static inline u32 count_bits(u64 value)
{
	value -= value >> 1 & 0x5555555555555555;
	value = (value & 0x3333333333333333) +
		(value >> 2 & 0x3333333333333333);
	value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (u32)(value * 0x0101010101010101 >> 56);
}

// Is offset..offset+length within 0..limit? No sum wraps.
static inline bool range_within(u64 offset, u64 length, u64 limit)
{
	return offset <= limit && length <= limit - offset;
}

// False if the true result does not fit.
static inline bool add_fits(u64 a, u64 b, u64 *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

static inline bool multiply_fits(u64 a, u64 b, u64 *product)
{
	return !__builtin_mul_overflow(a, b, product);
}

// Little- and big-endian loads and stores at any alignment.
static inline u16 load_le16(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

static inline u32 load_le32(const u8 *p)
{
	return (u32)load_le16(p) | (u32)load_le16(p + 2) << 16;
}

static inline u64 load_le64(const u8 *p)
{
	return (u64)load_le32(p) | (u64)load_le32(p + 4) << 32;
}

static inline void store_le16(u8 *p, u16 value)
{
	p[0] = (u8)value;
	p[1] = (u8)(value >> 8);
}

static inline void store_le32(u8 *p, u32 value)
{
	store_le16(p, (u16)value);
	store_le16(p + 2, (u16)(value >> 16));
}

static inline void store_le64(u8 *p, u64 value)
{
	store_le32(p, (u32)value);
	store_le32(p + 4, (u32)(value >> 32));
}

static inline u16 load_be16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

static inline u32 load_be32(const u8 *p)
{
	return (u32)load_be16(p) << 16 | load_be16(p + 2);
}
