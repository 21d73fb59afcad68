// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Single operations: a row is run once more with a stamp before and behind each.
#include "apps/kernel-bench/bench.h"

#define STAMPS 10
#define STACK_BYTES 0x8000ull

static_assert(sizeof(*shared) + ROUNDS * sizeof(u32) + STACK_BYTES <=
	      SHARED_BYTES);

u32 *samples;

// Shell's way; the least comes first.
static void sort(u32 *value, u32 count)
{
	for (u32 gap = count / 2; gap; gap /= 2)
		for (u32 i = gap; i < count; i++)
			for (u32 j = i; j >= gap && value[j - gap] > value[j];
			     j -= gap) {
				u32 other = value[j];

				value[j] = value[j - gap];
				value[j - gap] = other;
			}
}

// What two stamps with nothing between them are apart.
static u32 stamp_cost(void)
{
	u32 least = ~0u;

	for (u32 i = 0; i < STAMPS; i++) {
		u64 at = ticks(), cost = ticks() - at;

		if (cost < least)
			least = (u32)cost;
	}
	return least;
}

void latency_measure(const struct row *row)
{
	u32 cost = stamp_cost();

	// In memory that is mapped anyway: one mapping more is a deeper tree.
	samples = (u32 *)(shared + 1);
	for (u32 i = 0; i < ROUNDS; i++)
		samples[i] = 0; // its pages are there from now on
	(void)row_tenths(row);
	if (!samples)
		return; // the row keeps none
	sort(samples, ROUNDS);
	say("BENCH-LATENCY %s insns %u %u %u\n", row->name,
	    samples[ROUNDS / 2] - cost, samples[ROUNDS / 100 * 99] - cost,
	    samples[ROUNDS - 1] - cost);
	samples = nullptr;
}
