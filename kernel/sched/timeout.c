// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The hierarchical wheel: level 0 has slots of 1 ms, each further level slots 64
// times as long. An entry sits at the lowest level at which its slot is less than
// 64 slots ahead; when a slot of a higher level is reached its entries move down.
#include "kernel/sched/timeout.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"

#define MS 1000000ull
// The last slot of the highest level: one more would be the slot of now.
#define MAX_AHEAD_MS ((u64)(WHEEL_SLOTS - 1) * 64 * 64 * 64)

void wheel_init(struct wheel *wheel, u64 now_ns)
{
	*wheel = (struct wheel){.now_ms = now_ns / MS, .next_ns = ~0ull};
}

static void wheel_place(struct wheel *wheel, struct timeout *timeout)
{
	u64 ms = timeout->deadline_ns / MS, next_ns = timeout->deadline_ns;
	u32 level = 0, index;
	struct timeout **head;

	if (ms < wheel->now_ms)
		ms = wheel->now_ms;
	if (ms - wheel->now_ms > MAX_AHEAD_MS)
		ms = wheel->now_ms + MAX_AHEAD_MS;
	while (level < WHEEL_LEVELS - 1 &&
	       (ms >> 6 * level) - (wheel->now_ms >> 6 * level) >= WHEEL_SLOTS)
		level++;
	index = ms >> 6 * level & (WHEEL_SLOTS - 1);
	head = &wheel->slot[level][index];
	timeout->bucket = level * WHEEL_SLOTS + index;
	timeout->next = *head;
	timeout->link = head;
	if (*head)
		(*head)->link = &timeout->next;
	*head = timeout;
	wheel->occupied[level] |= 1ull << index;
	if (level) // to be moved down then
		next_ns = (ms >> 6 * level << 6 * level) * MS;
	wheel->next_ns = MIN(wheel->next_ns, next_ns);
}

void timeout_arm(struct wheel *wheel, struct timeout *timeout, u64 deadline_ns)
{
	kassert(!timeout->link);
	timeout->deadline_ns = deadline_ns;
	wheel_place(wheel, timeout);
}

void timeout_disarm(struct wheel *wheel, struct timeout *timeout)
{
	u32 level = timeout->bucket / WHEEL_SLOTS;
	u32 index = timeout->bucket % WHEEL_SLOTS;

	if (!timeout->link)
		return;
	*timeout->link = timeout->next;
	if (timeout->next)
		timeout->next->link = timeout->link;
	timeout->link = nullptr;
	if (!wheel->slot[level][index])
		wheel->occupied[level] &= ~(1ull << index);
}

// Re-place the entries of the slots that time has reached at higher levels.
static void wheel_cascade(struct wheel *wheel)
{
	for (u32 level = 1; level < WHEEL_LEVELS; level++) {
		u32 index = wheel->now_ms >> 6 * level & (WHEEL_SLOTS - 1);
		struct timeout *timeout;

		while ((timeout = wheel->slot[level][index])) {
			timeout_disarm(wheel, timeout);
			wheel_place(wheel, timeout);
			if (timeout->bucket / WHEEL_SLOTS == level)
				return; // as far ahead as can be
		}
	}
}

// The first occupied slot of a level at or after now, in ms; ~0 when none.
static u64 level_next_ms(const struct wheel *wheel, u32 level)
{
	u64 base = wheel->now_ms >> 6 * level;
	u32 at = base & (WHEEL_SLOTS - 1);
	u64 mask = wheel->occupied[level], ms;

	if (!mask)
		return ~0ull;
	mask = at ? mask >> at | mask << (64 - at) : mask;
	ms = (base + __builtin_ctzll(mask)) << 6 * level;
	return ms < wheel->now_ms ? wheel->now_ms : ms;
}

// The same of this level and all above it.
static u64 levels_next_ms(const struct wheel *wheel, u32 level)
{
	u64 best = ~0ull;

	for (; level < WHEEL_LEVELS; level++)
		best = MIN(best, level_next_ms(wheel, level));
	return best;
}

static bool run_due(struct wheel *wheel, u64 now_ns)
{
	u64 target = now_ns / MS;

	for (u32 budget = 64; budget > 0; budget--) {
		u64 ms = levels_next_ms(wheel, 0);
		struct timeout *timeout, *due = nullptr;

		if (ms > target) {
			if (target > wheel->now_ms)
				wheel->now_ms = target;
			return false;
		}
		if (ms > wheel->now_ms)
			wheel->now_ms = ms;
		wheel_cascade(wheel);
		timeout = wheel->slot[0][ms & (WHEEL_SLOTS - 1)];
		for (; timeout; timeout = timeout->next)
			if (timeout->deadline_ns <= now_ns)
				due = timeout;
		if (due) {
			timeout_disarm(wheel, due);
			due->expire(due);
		} else if (ms < target) {
			continue; // cascaded elsewhere
		} else {
			return false; // later within this millisecond
		}
	}
	return true;
}

bool wheel_run(struct wheel *wheel, u64 now_ns)
{
	const struct timeout *timeout = nullptr;
	bool more = run_due(wheel, now_ns);
	u64 cascade = levels_next_ms(wheel, 1), ms = level_next_ms(wheel, 0);

	wheel->next_ns = cascade == ~0ull ? ~0ull : cascade * MS;
	if (ms != ~0ull)
		timeout = wheel->slot[0][ms & (WHEEL_SLOTS - 1)];
	for (; timeout; timeout = timeout->next)
		wheel->next_ns = MIN(wheel->next_ns, timeout->deadline_ns);
	return more;
}
