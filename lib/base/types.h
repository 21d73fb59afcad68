// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The types every file uses: fixed-width integers, and one-member structs for
// numbers that must not be mixed up.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long i64;
typedef unsigned long usize;

static_assert(sizeof(u64) == 8 && sizeof(void *) == 8);

// A capability slot as user space names it.
struct handle {
	u32 value;
};

// A physical address, a kernel virtual address, a user virtual address.
struct paddr {
	u64 value;
};
struct vaddr {
	u64 value;
};
struct uaddr {
	u64 value;
};

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OFFSET_OF(type, member) __builtin_offsetof(type, member)
#define CONTAINER_OF(pointer, type, member)                                    \
	((type *)((char *)(pointer) - OFFSET_OF(type, member)))
