// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The heap of components: random allocation, growth and release against a record
// of what each block holds, with every block checked; exhaustion; everything freed
// leaves nothing in use; a bad pointer ends the component.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sys/component.h"
#include "lib/sys/heap.h"

#define CHECK(condition)                                                     \
	do {                                                                 \
		if (!(condition)) {                                          \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                             \
		}                                                            \
	} while (0)

#define HEAP_BYTES (256 * 1024)
#define BLOCKS 300

static u8 *memory;
static jmp_buf failed;
static u32 seed = 7;

[[noreturn]] void component_fail(const char *, ...)
{
	longjmp(failed, 1);
}

static u32 random_next(void)
{
	return (seed = seed * 1664525 + 1013904223) >> 8;
}

static struct {
	u8 *at;
	usize size;
	u8 fill;
} block[BLOCKS];

static void check_block(u32 i)
{
	for (usize k = 0; k < block[i].size; k++)
		CHECK(block[i].at[k] == block[i].fill);
}

static void step(void)
{
	u32 i = random_next() % BLOCKS;
	usize size = random_next() % (random_next() % 8 ? 300 : 9000);

	if (!block[i].at) {
		block[i].at = heap_alloc(size);
		block[i].size = block[i].at ? size : 0;
	} else if (random_next() % 3 == 0) {
		u8 *moved = heap_realloc(block[i].at, size);
		if (moved) {
			usize kept = size < block[i].size ? size : block[i].size;
			block[i].at = moved;
			block[i].size = kept;
			check_block(i);
			block[i].size = size;
		}
	} else {
		check_block(i);
		heap_free(block[i].at);
		block[i].at = nullptr;
		block[i].size = 0;
	}
	if (block[i].at) {
		CHECK((u64)block[i].at % 16 == 0);
		block[i].fill = (u8)random_next();
		memset(block[i].at, block[i].fill, block[i].size);
	}
}

static void test_random(void)
{
	for (u32 round = 0; round < 200000; round++) {
		step();
		if (round % 64 == 0)
			CHECK(heap_check());
	}
	for (u32 i = 0; i < BLOCKS; i++) {
		if (block[i].at)
			check_block(i);
		heap_free(block[i].at);
	}
	CHECK(heap_check() && heap_used() == 0);
}

static void test_exhaustion(void)
{
	u8 *one = heap_alloc(HEAP_BYTES / 2), *two = heap_zalloc(1000);

	CHECK(one && two);
	CHECK(!heap_alloc(HEAP_BYTES / 2 + 1));
	CHECK(!heap_alloc(~0ull) && !heap_alloc(~0ull - 64));
	CHECK(!heap_zalloc(1ull << 62));
	CHECK(!heap_realloc(two, HEAP_BYTES));
	for (u32 i = 0; i < 1000; i++)
		CHECK(two[i] == 0);
	heap_free(one);
	heap_free(two);
	heap_free(nullptr);
	CHECK(heap_used() == 0 && heap_check());
}

static void test_bad_pointers(void)
{
	u8 *one = heap_alloc(100), *two = heap_alloc(100);
	volatile u32 caught = 0;

	heap_free(one);
	if (setjmp(failed) == 0)
		heap_free(one); // twice
	else
		caught++;
	if (setjmp(failed) == 0)
		heap_free(&seed); // of nobody's
	else
		caught++;
	CHECK(caught == 2);
	heap_free(two);
	CHECK(heap_check());
}

int main(void)
{
	memory = calloc(1, HEAP_BYTES);
	heap_init(memory, HEAP_BYTES);
	test_random();
	test_exhaustion();
	test_bad_pointers();
	free(memory);
	puts("heap: ok");
	return 0;
}
