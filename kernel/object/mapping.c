// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The tree of mappings of an address space, and what has to happen in page
// tables when memory changes.
#include "kernel/object/mapping.h"
#include "kernel/mm/pagetable.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "lib/base/bits.h"

// ---- the tree

struct mapping *mapping_find(const struct aspace *aspace, u64 address)
{
	struct tree_node *node = tree_find(&aspace->mappings, address);

	return node ? CONTAINER_OF(node, struct mapping, node) : nullptr;
}

void mapping_insert(struct aspace *aspace, struct mapping *mapping)
{
	mapping->node.key = mapping->start + mapping->length - 1;
	tree_insert(&aspace->mappings, &mapping->node);
	aspace->nmappings++;
}

// ---- records

enum status mapping_alloc(struct aspace *aspace, struct mapping **out)
{
	void *record;
	enum status status;

	*out = aspace->spare; // is as it was when it was made
	aspace->spare = nullptr;
	if (*out)
		return STATUS_OK;
	status = pool_alloc(aspace->object.pool, sizeof(**out), &record);
	if (status != STATUS_OK)
		return status;
	*out = record;
	(*out)->aspace = aspace;
	slot_init(&(*out)->slot, record, HOLDER_MAPPING);
	return STATUS_OK;
}

void mapping_free(struct mapping *mapping)
{
	struct aspace *aspace = mapping->aspace;

	if (aspace->spare)
		pool_free(aspace->object.pool, mapping, sizeof(*mapping));
	else
		aspace->spare = mapping;
}

// ---- the memory's list

void mapping_attach_locked(struct mapping *mapping, struct memory *memory)
{
	mapping->memory = memory;
	list_add_first(&memory->mappings, &mapping->shown);
}

static void detach_locked(struct mapping *mapping)
{
	list_remove(&mapping->shown);
	atomic_store(&mapping->memory, nullptr);
}

// The slot is emptied first and the mapping told afterwards, both under the
// memory's lock: so the pointer decides, not the slot.
struct memory *mapping_lock_memory(struct mapping *mapping)
{
	struct memory *memory = atomic_load(&mapping->memory);

	if (!memory)
		return nullptr;
	lock_take(&memory->object.lock);
	if (mapping->memory)
		return memory;
	lock_drop(&memory->object.lock);
	return nullptr;
}

void mapping_remove(struct mapping *mapping)
{
	struct aspace *aspace = mapping->aspace;
	struct memory *memory = mapping_lock_memory(mapping);

	tree_remove(&aspace->mappings, &mapping->node);
	aspace->nmappings--;
	if (memory) {
		detach_locked(mapping);
		bool last = slot_clear_locked(&mapping->slot);

		lock_drop(&memory->object.lock);
		if (last)
			object_condemn(&memory->object);
	}
	mapping_free(mapping);
}

// ---- changing the extent, which the holder of either lock may read

// Memory's lock held, if it has one.
static void set_extent(struct mapping *mapping, u64 start, u64 end)
{
	u64 cut = start - mapping->start;

	mapping->start = start;
	mapping->length = end - start;
	mapping->offset += cut;
	mapping->settled -= MIN(mapping->settled, cut);
	mapping->settled = MIN(mapping->settled, mapping->length);
	mapping->node.key = end - 1;
}

enum status mapping_split(struct mapping *mapping, u64 address)
{
	struct aspace *aspace = mapping->aspace;
	u64 start = mapping->start, end = start + mapping->length;
	struct mapping *tail;
	enum status status = mapping_alloc(aspace, &tail);

	if (status != STATUS_OK)
		return status;
	struct memory *memory = mapping_lock_memory(mapping);

	if (memory && memory->object.dead) { // about to be lost
		lock_drop(&memory->object.lock);
		mapping_free(tail);
		return STATUS_RESTART;
	}
	*tail = *mapping;
	tail->memory = nullptr;
	slot_init(&tail->slot, tail, HOLDER_MAPPING);
	set_extent(tail, address, end);
	set_extent(mapping, start, address);
	if (memory) {
		slot_fill_locked(&tail->slot, &memory->object,
				 word_rights(mapping->slot.word),
				 mapping->slot.badge, &mapping->slot);
		mapping_attach_locked(tail, memory);
		lock_drop(&memory->object.lock);
	}
	mapping_insert(aspace, tail);
	return STATUS_OK;
}

void mapping_trim(struct mapping *mapping, u64 start, u64 end)
{
	struct memory *memory = mapping_lock_memory(mapping);

	set_extent(mapping, start, end);
	if (memory)
		lock_drop(&memory->object.lock);
}

// ---- page tables follow the memory

// Restrict what one mapping shows of bytes [first, end) of its memory.
static void restrict_shown(struct mapping *mapping, u64 first, u64 end,
			   u32 access, struct tlb_flush *flush)
{
	u64 start = mapping->start, offset = mapping->offset;

	first = MAX(first, offset);
	end = MIN(end, offset + mapping->length);
	struct pagetable_cursor cursor = {mapping->aspace,
					  start + first - offset,
					  start + end - offset, ~0u};

	if (first < end)
		pagetable_restrict(&cursor, mapping->flags & access,
				   mapping->memory->flags, flush);
}

static void restrict_all(struct memory *memory, u64 first, u64 npages,
			 u32 access, struct tlb_flush *flush)
{
	LIST_FOR_EACH(node, &memory->mappings)
		restrict_shown(LIST_ENTRY(node, struct mapping, shown),
			       first << PAGE_BITS,
			       (first + npages) << PAGE_BITS, access, flush);
}

void memory_zap_locked(struct memory *memory, u64 first, u64 npages,
		       struct tlb_flush *flush)
{
	restrict_all(memory, first, npages, 0, flush);
}

void memory_protect_locked(struct memory *memory, u64 first, u64 npages,
			   struct tlb_flush *flush)
{
	flush->cpus |= memory->freeze_cpus | tlb_unflushed();
	restrict_all(memory, first, npages, MAP_READ | MAP_EXEC, flush);
}

// ---- mappings lost to revocation or destruction of the memory

static u64 lost_cpus[CPU_MAX]; // each CPU its own: to be flushed

void mapping_lost_locked(struct mapping *mapping)
{
	struct tlb_flush flush = {0};

	restrict_shown(mapping, 0, ~0ull, 0, &flush);
	lost_cpus[cpu_self()->number] |= flush.cpus;
	detach_locked(mapping);
}

void aspace_container_lost(struct aspace *aspace)
{
	struct tlb_flush flush = {0};

	lock_take(&aspace->table_lock);
	pagetable_forget_container(aspace);
	lock_drop(&aspace->table_lock);
	tlb_flush_add(&flush, aspace);
	lost_cpus[cpu_self()->number] |= flush.cpus;
}

void aspace_flush_lost(void)
{
	u64 *lost = &lost_cpus[cpu_self()->number];
	struct tlb_flush flush = {*lost};

	if (!flush.cpus)
		return;
	*lost = 0;
	tlb_flush_finish(&flush);
}
