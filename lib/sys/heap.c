// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The heap: first fit over a list of free blocks. Every block has a header with
// its own size and that of the block before it in memory, so that a freed block
// joins free neighbours at once. The part of the heap never used yet ("the wild")
// is taken last, so that untouched pages stay untouched.
#include "lib/sys/heap.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "lib/sys/guard.h"

#define ALIGN 16
#define USED 1ull
#define SPLIT_MIN 32 // bytes a rest must have to become a block

struct block {
	u64 size; // bytes, header included, | USED
	u64 before; // size of the block before this one; 0: the first
	// While free only:
	struct block *next, *prev;
};

#define HEADER OFFSET_OF(struct block, next)

static u8 *heap_start, *heap_wild, *heap_end;
static u64 last_size; // of the block in front of the wild
static struct block *free_list;
static usize used_bytes;
static struct guard guard;

void heap_init(void *start, usize bytes)
{
	u64 first = align_up((u64)start, ALIGN);
	u64 end = align_down((u64)start + bytes, ALIGN);

	heap_start = heap_wild = (u8 *)first;
	heap_end = end > first ? (u8 *)end : heap_start;
	last_size = 0;
	free_list = nullptr;
	used_bytes = 0;
}

static u64 size_of(const struct block *block)
{
	return block->size & ~USED;
}

static struct block *after(const struct block *block)
{
	return (struct block *)((u8 *)block + size_of(block));
}

static void list_drop(struct block *block)
{
	if (block->prev)
		block->prev->next = block->next;
	else
		free_list = block->next;
	if (block->next)
		block->next->prev = block->prev;
}

static void list_push(struct block *block)
{
	block->prev = nullptr;
	block->next = free_list;
	if (free_list)
		free_list->prev = block;
	free_list = block;
}

// The block behind this one, or the wild, must know how long this one is.
static void tell_next(struct block *block)
{
	if ((u8 *)after(block) == heap_wild)
		last_size = size_of(block);
	else
		after(block)->before = size_of(block);
}

// Make the block size bytes long; what is left over becomes a free block.
static void trim(struct block *block, u64 size)
{
	u64 rest = size_of(block) - size;

	if (rest < SPLIT_MIN)
		return;
	block->size = size | (block->size & USED);
	struct block *tail = after(block);
	*tail = (struct block){.size = rest, .before = size};
	tell_next(tail);
	if ((u8 *)after(tail) != heap_wild && !(after(tail)->size & USED)) {
		struct block *next = after(tail);
		list_drop(next);
		tail->size += size_of(next);
		tell_next(tail);
	}
	list_push(tail);
}

static void *take(u64 size)
{
	for (struct block *b = free_list; b; b = b->next) {
		if (size_of(b) < size)
			continue;
		list_drop(b);
		b->size |= USED;
		trim(b, size);
		used_bytes += size_of(b);
		return (u8 *)b + HEADER;
	}
	if ((u64)(heap_end - heap_wild) < size)
		return nullptr;
	struct block *b = (struct block *)heap_wild;
	b->size = size | USED;
	b->before = last_size;
	heap_wild += size;
	last_size = size;
	used_bytes += size;
	return (u8 *)b + HEADER;
}

void *heap_alloc(usize size)
{
	if (size > (usize)(heap_end - heap_start))
		return nullptr;
	u64 wanted = MAX(align_up(size + HEADER, ALIGN), sizeof(struct block));

	guard_enter(&guard);
	void *memory = take(wanted);
	guard_leave(&guard);
	return memory;
}

void *heap_zalloc(usize size)
{
	void *memory = heap_alloc(size);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

static void release(struct block *block)
{
	used_bytes -= size_of(block);
	block->size = size_of(block);
	if ((u8 *)after(block) != heap_wild && !(after(block)->size & USED)) {
		struct block *next = after(block);
		list_drop(next);
		block->size += size_of(next);
	}
	if (block->before) {
		struct block *before =
			(struct block *)((u8 *)block - block->before);
		if (!(before->size & USED)) {
			list_drop(before);
			before->size += size_of(block);
			block = before;
		}
	}
	tell_next(block);
	list_push(block);
}

void heap_free(void *memory)
{
	if (!memory)
		return;
	struct block *block = (struct block *)((u8 *)memory - HEADER);
	// Freed twice, or not from here: going on would corrupt the heap.
	if ((u8 *)block < heap_start || (u8 *)block >= heap_wild ||
		!(block->size & USED))
		component_fail("heap: bad pointer %p freed", memory);
	guard_enter(&guard);
	release(block);
	guard_leave(&guard);
}

void *heap_realloc(void *memory, usize size)
{
	if (!memory)
		return heap_alloc(size);
	struct block *block = (struct block *)((u8 *)memory - HEADER);
	u64 room = size_of(block) - HEADER;
	if (size <= room && size >= room / 2)
		return memory;
	void *moved = heap_alloc(size);
	if (!moved)
		return size <= room ? memory : nullptr;
	memcpy(moved, memory, MIN(room, size));
	heap_free(memory);
	return moved;
}

usize heap_used(void)
{
	return used_bytes;
}

bool heap_check(void)
{
	u64 before = 0, used = 0, nfree = 0;

	for (u8 *p = heap_start; p < heap_wild;) {
		struct block *block = (struct block *)p;
		if (size_of(block) < sizeof(struct block) ||
			size_of(block) > (u64)(heap_wild - p) ||
			block->before != before)
			return false;
		if (block->size & USED)
			used += size_of(block);
		else
			nfree++;
		before = size_of(block);
		p += before;
	}
	for (struct block *b = free_list; b; b = b->next)
		nfree--;
	return before == last_size && used == used_bytes && nfree == 0;
}
