// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Capability slots in cnodes of our own, made as needed: the root cnode is too
// small for thousands of threads. A handle is root slot << 16 | index; index 0
// of each cnode stays empty, so no handle is a bare root slot.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/sys/component.h"
#include "personalities/linux/carrier.h"
#include "personalities/linux/container.h"

#define CNODE_BITS 9u
#define CNODE_SLOTS (1u << CNODE_BITS)
#define CNODES_MAX 128u

static struct {
	u32 slot; // in the root cnode; 0: none yet
	u32 nfree;
	u64 used[CNODE_SLOTS / 64];
} cnodes[CNODES_MAX];

static struct handle take_from(u32 number)
{
	for (u32 i = 0; i < CNODE_SLOTS / 64; i++) {
		u64 *word = &cnodes[number].used[i];

		if (*word == ~0ull)
			continue;
		u32 bit = lowest_bit(~*word);

		*word |= BIT(bit);
		cnodes[number].nfree--;
		return (struct handle){cnodes[number].slot << 16 |
				       (i * 64 + bit)};
	}
	return (struct handle){0};
}

struct handle cap_alloc(void)
{
	for (u32 i = 0; i < CNODES_MAX; i++) {
		if (!cnodes[i].slot) {
			u32 slot = slot_alloc();

			if (sys_object_create(SELF_POOL, OBJECT_CNODE,
					      CNODE_BITS, 0, (struct handle){0},
					      SELF_CNODE, slot) != STATUS_OK) {
				slot_free(slot);
				return (struct handle){0};
			}
			cnodes[i].slot = slot;
			cnodes[i].nfree = CNODE_SLOTS - 1;
			cnodes[i].used[0] = 1;
		}
		if (cnodes[i].nfree)
			return take_from(i);
	}
	return (struct handle){0};
}

struct handle cap_cnode(struct handle handle)
{
	return (struct handle){handle.value >> 16};
}

void cap_free(struct handle handle)
{
	u32 index = cap_index(handle);

	(void)!sys_cap_delete(cap_cnode(handle), index);
	for (u32 i = 0; i < CNODES_MAX; i++) {
		if (cnodes[i].slot != handle.value >> 16)
			continue;
		cnodes[i].used[index / 64] &= ~BIT(index % 64);
		cnodes[i].nfree++;
		return;
	}
}

void caps_tidy(void)
{
	for (u32 i = CNODES_MAX; i-- > 1;) {
		if (!cnodes[i].slot)
			continue;
		if (cnodes[i].nfree != CNODE_SLOTS - 1)
			continue;
		slot_free(cnodes[i].slot);
		cnodes[i].slot = 0;
	}
}

enum status cap_create(struct handle pool, u32 type, u64 a, u64 b,
		       struct handle c, struct handle *out)
{
	struct handle slot = cap_alloc();
	enum status status;

	if (!slot.value)
		return ERR_QUOTA;
	status = sys_object_create(pool, type, a, b, c, cap_cnode(slot),
				   cap_index(slot));
	if (status != STATUS_OK)
		cap_free(slot);
	else
		*out = slot;
	return status;
}

enum status cap_adopt(u32 slot, struct handle *out)
{
	struct handle to = cap_alloc();
	enum status status;

	if (!to.value)
		return ERR_QUOTA;
	status = sys_cap_move(cap_cnode(to), cap_index(to), handle_of(slot));
	if (status != STATUS_OK)
		cap_free(to);
	else
		*out = to;
	return status;
}
