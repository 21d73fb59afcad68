// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Walking, making and freeing page tables. A foreign aspace's own root entries are
// written to both of its roots.
#include "kernel/mm/pagetable.h"
#include "kernel/mm/frame.h"
#include "kernel/object/pool.h"
#include "lib/base/bits.h"

#define ROOT_USER (PT_ENTRIES / 2) // root entries of user space
#define ROOT_GUEST GUEST_PART(ROOT_USER)

// From the root down, all but the last level. The number of turns is constant, so
// that the shifts in them are.
#define EACH_TABLE_LEVEL(level)                                                \
	for (u32 level = 3; level > 0; level--)                                \
		if (level < PT_LEVELS)

static u64 *table_at(struct paddr table)
{
	return arch_direct(table);
}

static inline u32 index_at(u64 address, u32 level)
{
	return address >> (PAGE_BITS + 9 * level) & (PT_ENTRIES - 1);
}

static enum status table_alloc(struct aspace *aspace, struct paddr *out)
{
	enum status status = pool_frames_alloc(aspace->object.pool, 0, out);

	if (status == STATUS_OK)
		aspace->table_pages++;
	return status;
}

static void table_free(struct aspace *aspace, struct paddr table)
{
	pool_frames_free(aspace->object.pool, 0, table);
	aspace->table_pages--;
}

enum status pagetable_create(struct aspace *aspace,
			     const struct aspace *container)
{
	enum status status = table_alloc(aspace, &aspace->root);
	struct paddr table;

	if (status != STATUS_OK)
		return status;
	u64 *root = table_at(aspace->root);

	arch_root_init(aspace->root);
	if (aspace->kind == ASPACE_FOREIGN) {
		status = table_alloc(aspace, &aspace->guest_root);
		if (status == STATUS_OK)
			arch_root_init(aspace->guest_root);
		for (u64 i = ROOT_GUEST; i < ROOT_USER; i++)
			root[i] = table_at(container->root)[i];
	}
	if (aspace->kind == ASPACE_CONTAINER)
		for (u64 i = ROOT_GUEST; i < ROOT_USER; i++) {
			status = table_alloc(aspace, &table);
			if (status != STATUS_OK)
				break;
			root[i] = arch_pte_table(table);
		}
	if (status != STATUS_OK)
		while (!pagetable_destroy_step(aspace))
			;
	return status;
}

void pagetable_forget_container(struct aspace *aspace)
{
	for (u64 i = ROOT_GUEST; i < ROOT_USER && aspace->root.value; i++)
		table_at(aspace->root)[i] = 0;
}

// Free the first table found that has no tables below it. Level 0 tables are not
// looked into: their leaves belong to memory objects.
bool pagetable_destroy_step(struct aspace *aspace)
{
	if (!aspace->root.value)
		return true;
	u32 shift = PAGE_BITS + 9 * (PT_LEVELS - 1);
	u64 first = aspace->low >> shift, end = aspace->high >> shift;
	u64 *table = table_at(aspace->root), *entry = nullptr;

	EACH_TABLE_LEVEL (level) {
		u64 i = first;

		while (i < end && !arch_pte_present(table[i]))
			i++;
		if (!entry)
			aspace->low = i << shift; // the next step begins there
		if (i == end)
			break; // nothing below this one: entry leads to it
		entry = &table[i];
		table = table_at(arch_pte_frame(*entry));
		first = 0;
		end = PT_ENTRIES;
	}
	if (entry) {
		table_free(aspace, arch_pte_frame(*entry));
		*entry = 0;
		return false;
	}
	if (aspace->guest_root.value)
		table_free(aspace, aspace->guest_root);
	// A container that is lost at this moment finds no root.
	lock_take(&aspace->table_lock);
	table_free(aspace, aspace->root);
	aspace->root.value = aspace->guest_root.value = 0;
	lock_drop(&aspace->table_lock);
	return true;
}

u64 *pagetable_make(struct aspace *aspace, u64 address)
{
	u64 *table = table_at(aspace->root);
	struct paddr next;

	EACH_TABLE_LEVEL (level) {
		u64 *entry = &table[index_at(address, level)];

		if (!arch_pte_present(*entry)) {
			if (table_alloc(aspace, &next) != STATUS_OK)
				return nullptr;
			// The table is filled before it can be walked.
			atomic_store(entry, arch_pte_table(next));
			if (level == PT_LEVELS - 1 && aspace->guest_root.value)
				table_at(aspace->guest_root)[index_at(
					address, level)] = *entry;
		}
		table = table_at(arch_pte_frame(*entry));
	}
	return &table[index_at(address, 0)];
}

// The level 0 table that covers cursor->address; NULL: moved on behind the hole.
static u64 *descend(struct pagetable_cursor *cursor)
{
	u64 *table = table_at(cursor->aspace->root);

	EACH_TABLE_LEVEL (level) {
		u64 entry = table[index_at(cursor->address, level)];
		u64 span = 1ull << (PAGE_BITS + 9 * level);

		if (!arch_pte_present(entry)) {
			cursor->address = (cursor->address | (span - 1)) + 1;
			return nullptr;
		}
		table = table_at(arch_pte_frame(entry));
	}
	return table;
}

u64 *pagetable_find(struct aspace *aspace, u64 address)
{
	struct pagetable_cursor cursor = {aspace, address, address, 0};
	u64 *table = descend(&cursor);

	return table ? &table[index_at(address, 0)] : nullptr;
}

// The entries of one table; true if one changed.
static bool restrict_entries(u64 *entry, u64 *end, u32 access, u32 memory_flags)
{
	bool changed = false;

	for (; entry < end; entry++) {
		u64 old = *entry, new = 0;

		if (!arch_pte_present(old))
			continue;
		if (access)
			new = arch_pte_leaf(arch_pte_frame(old),
					    arch_pte_writable(old)
						    ? access
						    : access & ~(u32)MAP_WRITE,
					    memory_flags);
		changed |= new != old;
		atomic_store_relaxed(entry, new);
	}
	return changed;
}

void pagetable_restrict(struct pagetable_cursor *cursor, u32 access,
			u32 memory_flags, struct tlb_flush *flush)
{
	struct aspace *aspace = cursor->aspace;
	struct pagetable_cursor at = *cursor; // in registers
	bool changed = false;

	lock_take(&aspace->table_lock);
	while (at.address < at.end && at.budget) {
		u64 *table = descend(&at);
		u32 i = index_at(at.address, 0);
		u64 n = MIN(PT_ENTRIES - i, (at.end - at.address) >> PAGE_BITS);

		at.budget -= MIN(at.budget, 4u);
		if (!table)
			continue;
		n = MIN(n, at.budget);
		changed |= restrict_entries(table + i, table + i + n, access,
					    memory_flags);
		at.budget -= n;
		at.address += n << PAGE_BITS;
	}
	cursor->address = MIN(at.address, at.end);
	cursor->budget = at.budget;
	if (changed) // who takes the lock next can rely on that
		tlb_flush_add(flush, aspace);
	lock_drop(&aspace->table_lock);
}

void tlb_batch_work(struct tlb_batch *batch)
{
	tlb_flush_finish_all(&batch->flush);
	for (u32 i = 0; i < batch->nframes; i++)
		(void)frame_unshare(batch->frame[i]);
	tlb_batch_init(batch);
}
