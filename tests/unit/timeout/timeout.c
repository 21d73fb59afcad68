// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// sched/timeout.c: random deadlines from a millisecond to days, armed, disarmed
// and expiring, against a plain table. Nothing expires early, nothing that is due
// is left behind, and the time of the next event is never later than the first
// deadline.
#include "tests/fake_arch/own.h"
#include "tests/fake_arch/fake.h"
#include "kernel/sched/timeout.h"

#define ENTRIES 300
#define STEPS 200000
#define MS 1000000ull

static struct timeouts timeouts;
static struct timeout entry[ENTRIES];
static bool armed[ENTRIES];
static u64 now, expired;

static void expire(struct timeout *timeout)
{
	u32 i = timeout - entry;

	CHECK(armed[i]);
	CHECK(timeout->node.key <= now);
	armed[i] = false;
	expired++;
}

static u64 earliest(void)
{
	u64 best = ~0ull;

	for (u32 i = 0; i < ENTRIES; i++)
		if (armed[i] && entry[i].node.key < best)
			best = entry[i].node.key;
	return best;
}

static u64 random_delay(u64 *seed)
{
	u32 magnitude = fake_random(seed) % 44; // up to 2^44 ns, five hours

	return ((u64)fake_random(seed) << 20 ^ fake_random(seed)) &
	       ((1ull << magnitude) - 1);
}

int main(void)
{
	u64 seed = 20260519;

	now = 12345678;
	timeouts.next_ns = ~0ull;
	for (u32 i = 0; i < ENTRIES; i++)
		entry[i].expire = expire;
	for (u32 step = 0; step < STEPS; step++) {
		u32 i = fake_random(&seed) % ENTRIES;

		switch (fake_random(&seed) % 4) {
		case 0:
		case 1:
			if (armed[i])
				break;
			armed[i] = true;
			timeout_arm(&timeouts, &entry[i],
				    now + random_delay(&seed));
			break;
		case 2:
			timeout_disarm(&timeouts, &entry[i]);
			armed[i] = false;
			break;
		default:
			// To the next event, as a tickless CPU does, or beyond.
			if (fake_random(&seed) & 1 &&
			    timeouts.next_ns != ~0ull) {
				u64 next = timeouts.next_ns;

				CHECK(next <= earliest() || earliest() <= now);
				if (next > now)
					now = next;
			} else {
				now += random_delay(&seed) % (100 * MS);
			}
			while (timeouts_run(&timeouts, now))
				;
			CHECK(earliest() > now);
		}
	}
	CHECK(expired > STEPS / 100);
	printf("seed 20260519, %u steps, %lu expired\n", STEPS,
	       (unsigned long)expired);
	return 0;
}
