// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Memory for the personality's own objects, in units of 16 KiB of one region. A
// unit is a slab of one size class, or part of a large object. What is taken next
// is always the lowest that is free, so that what lives long gathers at the bottom
// and the units that many processes needed become free again; objects_tidy() gives
// their pages back. So what is in use depends on what lives, not on what was.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "lib/sys/guard.h"
#include "personalities/linux/carrier.h"
#include "personalities/linux/container.h"

#define UNIT_BYTES 16384u
#define UNITS 2048u
#define TABLE_BYTES 0x200000u // that one page table maps
#define UNIT_WORDS (UNITS / 64)
#define TIDY_UNITS 64u // given back in one piece, at most

static const u16 class_bytes[] = {32,	48,   64,   96,	  128,	192,
				  256,	384,  512,  768,  1024, 1536,
				  2048, 3072, 4096, 5120, 8192};
#define CLASSES ARRAY_COUNT(class_bytes)

enum kind : u8 {
	FREE,
	LARGE, // the first unit of one
	REST, // its others
	LEAVING, // its pages are being given back
	SLAB, // SLAB + class
};

// A free object of a slab: the next one, as the number of the object + 1.
struct piece {
	u16 next;
};

static struct unit {
	u8 kind;
	bool touched; // free, and may have pages
	u16 count; // objects in use, or units of a large one
	u16 fresh; // objects never used since it became a slab
	u16 first; // free one + 1; 0: none
} units[UNITS];

static u64 taken[UNIT_WORDS]; // not FREE
static u64 partial[CLASSES][UNIT_WORDS]; // slabs with room
static u32 lowest[CLASSES]; // no word of partial below has a bit
static u32 lowest_free; // no unit below is free
static u32 units_to_tidy; // empty slabs and touched free units, at least
static struct handle region;
static u8 *base;
static struct guard guard;

// Every page of our variables, and every page table of the region, from the start:
// one that is first used later would look like one that a process left behind.
static void touch_all(void)
{
	extern char data_start[], image_end[];

	for (volatile char *at = data_start; at < image_end; at += PAGE)
		*at = *at;
	for (u32 i = 0; i < UNITS; i += TABLE_BYTES / UNIT_BYTES)
		*(volatile u8 *)(base + (u64)i * UNIT_BYTES) = 0;
	(void)!sys_memory_decommit(region, 0, (u64)UNITS * UNIT_BYTES);
}

enum status objects_init(void)
{
	enum status status =
		cap_create(SELF_POOL, OBJECT_MEMORY, (u64)UNITS * UNIT_BYTES,
			   MEMORY_ANON, (struct handle){0}, &region);
	void *window = nullptr;

	if (status == STATUS_OK)
		status = memory_map(region, 0, (u64)UNITS * UNIT_BYTES,
				    MAP_READ | MAP_WRITE, &window);
	base = window;
	if (status == STATUS_OK)
		touch_all();
	return status;
}

static u32 unit_of(const void *memory)
{
	return (u32)(((u64)memory - (u64)base) / UNIT_BYTES);
}

static u32 capacity(u32 class)
{
	return UNIT_BYTES / class_bytes[class];
}

// ---- units; guard held

// The first of count free units in a row; UNITS when there are none.
static u32 units_find(u32 count)
{
	u32 run = 0;

	for (u32 i = lowest_free; i < UNITS; i++) {
		if (i % 64 == 0 && taken[i / 64] == ~0ull) {
			i += 63;
			run = 0;
			continue;
		}
		run = units[i].kind == FREE ? run + 1 : 0;
		if (run == count)
			return i + 1 - count;
	}
	return UNITS;
}

static u32 units_take(u32 count, u8 kind)
{
	u32 first = units_find(count);

	if (first == UNITS)
		return UNITS;
	for (u32 i = first; i < first + count; i++) {
		units[i].kind = i == first ? kind : REST;
		units[i].touched = false;
		taken[i / 64] |= BIT(i % 64);
	}
	if (first == lowest_free)
		lowest_free = first + count;
	return first;
}

static void unit_free(u32 unit, bool touched)
{
	units[unit] = (struct unit){.touched = touched};
	taken[unit / 64] &= ~BIT(unit % 64);
	lowest_free = MIN(lowest_free, unit);
	units_to_tidy += touched;
}

// ---- slabs; guard held

static void partial_set(u32 class, u32 unit)
{
	partial[class][unit / 64] |= BIT(unit % 64);
	lowest[class] = MIN(lowest[class], unit / 64);
}

// A slab with room, the lowest; UNITS: no memory.
static u32 slab_find(u32 class)
{
	u32 unit;

	for (u32 *word = &lowest[class]; *word < UNIT_WORDS; ++*word)
		if (partial[class][*word])
			return *word * 64 + lowest_bit(partial[class][*word]);
	unit = units_take(1, (u8)(SLAB + class));
	if (unit == UNITS)
		return UNITS;
	units[unit].count = units[unit].first = units[unit].fresh = 0;
	units_to_tidy++;
	partial_set(class, unit);
	return unit;
}

static void *slab_take(u32 class)
{
	u32 number = slab_find(class);
	struct unit *unit = &units[number];
	u8 *slab = base + (u64)number * UNIT_BYTES;
	void *object;

	if (number == UNITS)
		return nullptr;
	units_to_tidy -= unit->count == 0;
	if (unit->first) {
		object = slab + (unit->first - 1u) * class_bytes[class];
		unit->first = ((struct piece *)object)->next;
	} else {
		object = slab + unit->fresh++ * (u32)class_bytes[class];
	}
	if (++unit->count == capacity(class))
		partial[class][number / 64] &= ~BIT(number % 64);
	return object;
}

static void slab_put(u32 number, void *object)
{
	struct unit *unit = &units[number];
	u32 class = unit->kind - SLAB;
	u64 offset = (u64)((u8 *)object - base) % UNIT_BYTES;

	((struct piece *)object)->next = unit->first;
	unit->first = (u16)(offset / class_bytes[class] + 1);
	if (unit->count-- == capacity(class))
		partial_set(class, number);
	units_to_tidy += unit->count == 0;
}

// ---- for everybody

static u32 class_of(usize size)
{
	u32 class = 0;

	while (class < CLASSES && class_bytes[class] < size)
		class ++;
	return class;
}

void *buffer_alloc(usize size)
{
	u32 class = class_of(size), first;
	u32 count = (u32)(align_up(size, UNIT_BYTES) / UNIT_BYTES);
	void *memory = nullptr;

	if (size > (usize)UNITS * UNIT_BYTES)
		return nullptr;
	guard_enter(&guard);
	if (class < CLASSES) {
		memory = slab_take(class);
	} else {
		first = units_take(count, LARGE);
		if (first != UNITS) {
			units[first].count = (u16)count;
			memory = base + (u64)first * UNIT_BYTES;
		}
	}
	guard_leave(&guard);
	return memory;
}

void *object_alloc(usize size)
{
	void *memory = buffer_alloc(size);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

void object_free(void *memory)
{
	u32 first = unit_of(memory);

	if (!memory)
		return;
	guard_enter(&guard);
	if (units[first].kind >= SLAB) {
		slab_put(first, memory);
	} else {
		// In use by nobody else: the count cannot change.
		for (u32 i = units[first].count; i-- > 0;)
			unit_free(first + i, true);
	}
	guard_leave(&guard);
}

// ---- giving pages back

// Empty slabs become free units.
static void slabs_drop(void)
{
	for (u32 i = 0; i < UNITS; i++) {
		u32 class = units[i].kind - SLAB;

		if (units[i].kind < SLAB || units[i].count)
			continue;
		partial[class][i / 64] &= ~BIT(i % 64);
		units_to_tidy--;
		unit_free(i, true);
	}
}

// The next free units that have pages, from *first on: how many. Nobody gets them
// meanwhile.
static u32 run_take(u32 *first)
{
	u32 count = 0;

	while (*first < UNITS && !units[*first].touched)
		++*first;
	while (*first + count < UNITS && count < TIDY_UNITS &&
	       units[*first + count].touched) {
		units[*first + count].kind = LEAVING;
		units[*first + count].touched = false;
		units_to_tidy--;
		count++;
	}
	for (u32 i = *first; i < *first + count; i++)
		taken[i / 64] |= BIT(i % 64);
	return count;
}

void objects_tidy(void)
{
	u32 first = 0, count;

	if (!__atomic_load_n(&units_to_tidy, __ATOMIC_RELAXED))
		return;
	guard_enter(&guard);
	slabs_drop();
	while ((count = run_take(&first))) {
		guard_leave(&guard);
		(void)!sys_memory_decommit(region, (u64)first * UNIT_BYTES,
					   (u64)count * UNIT_BYTES);
		guard_enter(&guard);
		for (u32 i = first; i < first + count; i++)
			unit_free(i, false);
		first += count;
	}
	guard_leave(&guard);
}
