// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The memory of a Linux process. An mm is an address space and a sorted list of
// areas (VMAs). Private anonymous pages of small areas live densely in one kernel
// memory object of the mm, so a fork is one copy-on-write clone of few pages and
// few nodes; large areas and shared ones have a memory object of their own.
//
// Guarded by the big lock.
#ifndef PERSONALITIES_LINUX_MEMORY_H
#define PERSONALITIES_LINUX_MEMORY_H
#include "abi/constants.h"
#include "lib/base/list.h"
#include "lib/base/status.h"
#include "lib/sys/component.h"
#include "personalities/linux/linux_abi.h"

#define MM_MEMORY_BYTES 0x40000000ull // of the dense object: two radix levels
#define DENSE_MAX 0x1000000ull // larger areas have their own object
#define IMAGE_LIMIT 0x1800000000ull // programs and brk lie below
#define STACK_TOP (GUEST_END - 0x100000)
#define STACK_BYTES 0x800000ull
#define MAP_TOP (STACK_TOP - STACK_BYTES - 0x100000)
#define MAP_LOWEST 0x10000ull

// A kernel memory object that areas share.
struct backing {
	struct handle memory;
	u32 references;
	bool private_copy; // written privately: fork clones it
	struct backing *clone; // only while an mm is being copied
};

struct area {
	struct list node; // in mm->areas, by address
	u64 start, end;
	u32 protection; // PROT_*
	u32 allowed; // what mprotect may ask for
	u64 offset; // in the backing
	struct backing *backing;
	bool shared;
	bool stack;
	u64 file_node; // for /proc/N/maps
	u64 file_offset;
	char *name; // path or [stack]; object_alloc'd or NULL
};

struct mm {
	u32 references;
	struct handle aspace;
	struct backing *anonymous;
	u64 next_offset; // in it: everything from here on is free
	struct list areas;
	u64 bytes; // in areas
	u64 image_end, brk_start, brk;
	u64 stack_start; // lowest address of the main stack now
	u64 argument_start, argument_end, environment_start, environment_end;
	char *executable; // canonical path
};

// An empty mm with its own aspace.
[[nodiscard]] i64 mm_create(struct mm **out);
void mm_get(struct mm *mm);
void mm_put(struct mm *mm);
// Everything of it, as fork wants it; the aspace is a new one.
[[nodiscard]] i64 mm_copy(struct mm *from, struct mm **out);
// Forget all areas and their contents, for exec in place.
[[nodiscard]] i64 mm_reset(struct mm *mm);
// Bytes that are present.
u64 mm_resident(struct mm *mm);

struct backing *backing_create(struct handle memory, bool private_copy);
[[nodiscard]] i64 backing_anonymous(u64 bytes, bool private_copy,
				    struct backing **out);
// All pages are there from the start: the personality may write to them itself.
[[nodiscard]] i64 backing_committed(u64 bytes, struct backing **out);
void backing_get(struct backing *backing);
void backing_put(struct backing *backing);

static inline struct area *area_of(struct list *node)
{
	return CONTAINER_OF(node, struct area, node);
}
struct area *area_find(struct mm *mm, u64 address);
// The first area that ends above address.
struct area *area_from(struct mm *mm, u64 address);
// Map it in the aspace; take it out of the list and free it.
[[nodiscard]] i64 area_show(struct mm *mm, const struct area *area);
void area_free(struct mm *mm, struct area *area);
// Room for length bytes, 0 if there is none.
u64 mm_find_room(struct mm *mm, u64 length);
bool mm_is_free(struct mm *mm, u64 start, u64 length);

struct area_wish {
	u64 start, length;
	u32 protection;
	bool shared, stack;
	struct backing *backing; // NULL: private anonymous. Takes a reference.
	u64 offset;
	u64 file_node;
	u64 file_offset;
	const char *name;
	u32 allowed; // PROT_*; 0: everything
};
// Map at a free place.
[[nodiscard]] i64 mm_map(struct mm *mm, const struct area_wish *wish);
[[nodiscard]] i64 mm_unmap(struct mm *mm, u64 start, u64 length);
[[nodiscard]] i64 mm_protect(struct mm *mm, u64 start, u64 length,
			     u32 protection);
// Pages read as zero again.
[[nodiscard]] i64 mm_discard(struct mm *mm, u64 start, u64 length);
// Bytes of another process's memory, which its own carriers see directly.
[[nodiscard]] i64 mm_read(struct mm *mm, u64 address, void *to, u64 bytes);
// A fault at address: true if it was answered (stack growth, lost race).
bool mm_fault(struct mm *mm, u64 address, u32 code);
#endif
