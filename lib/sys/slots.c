// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Slots of the own root cnode: a bitmap. What the startup page names is taken
// from the beginning.
#include "lib/sys/slots.h"

#include "gen/abi/syscall_stubs.h"
#include "lib/sys/component.h"
#include "lib/sys/guard.h"

#define SLOTS_MAX 4096

static u64 taken[SLOTS_MAX / 64];
static u32 nslots, next_word;
static struct guard guard;

static void take(u32 slot)
{
	if (slot < SLOTS_MAX)
		taken[slot / 64] |= 1ull << slot % 64;
}

void slots_init(const struct startup *page)
{
	nslots = SLOTS_DEFAULT;
	for (u32 i = 0; i < SLOT_FIRST_FREE; i++)
		take(i);
	for (u32 i = 0; i < page->ncaps && i < STARTUP_CAPS; i++) {
		const struct startup_cap *cap = &page->cap[i];
		if (cap->kind == STARTUP_NUMBER) {
			if (cap->name[0] == 's' && cap->name[5] == 0 &&
				cap->name[1] == 'l' && cap->a <= SLOTS_MAX)
				nslots = (u32)cap->a;
			continue;
		}
		take(cap->handle);
		take(cap->peer);
	}
}

u32 slot_alloc(void)
{
	u32 words = (nslots + 63) / 64, slot = 0;

	guard_enter(&guard);
	for (u32 i = 0; i < words && !slot; i++) {
		u32 word = (next_word + i) % words;
		if (taken[word] == ~0ull)
			continue;
		u32 found = word * 64 + (u32)__builtin_ctzl(~taken[word]);
		if (found >= nslots)
			continue;
		take(found);
		next_word = word;
		slot = found;
	}
	guard_leave(&guard);
	if (!slot)
		component_fail("all %u capability slots are in use", nslots);
	return slot;
}

void slot_free(u32 slot)
{
	if (slot < SLOT_FIRST_FREE || slot >= nslots)
		return;
	guard_enter(&guard);
	bool used = taken[slot / 64] >> slot % 64 & 1;
	guard_leave(&guard);
	if (!used)
		return;
	// Empty it before anybody else can be given the number.
	(void)!sys_cap_delete(SELF_CNODE, slot);
	guard_enter(&guard);
	taken[slot / 64] &= ~(1ull << slot % 64);
	guard_leave(&guard);
}
