// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Address spaces: mapping, unmapping, changing access, faults, copying for the
// kernel. Long ranges are done in steps that restart the system call: what is
// done shows in the tree of mappings (unmap) or in mapping->settled (protect).
#include "kernel/object/aspace.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/pagetable.h"
#include "kernel/object/cap.h"
#include "kernel/object/mapping.h"
#include "kernel/object/memory_radix.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define MAP_ACCESS (MAP_READ | MAP_WRITE | MAP_EXEC)
// Rights to memory that permit access have its bits.
static_assert((u32)RIGHT_READ == MAP_READ && (u32)RIGHT_WRITE == MAP_WRITE &&
	      (u32)RIGHT_EXEC == MAP_EXEC);
#define STEP_ENTRIES 600 // page-table entries looked at in one step
#define STEP_MAPPINGS 8
#define SHOW_MAPPINGS 8 // at most in which a page that came is shown at once
#define AROUND_PAGES 8 // a read fault shows present neighbours up to here
#define COPY_BYTES_MAX (16 * PAGE_BYTES)

// ---- making and destroying

// The root of a foreign aspace, and its reference to the container.
static enum status create_foreign(struct aspace *aspace,
				  const struct cap_ref *cap)
{
	struct aspace *container = object_aspace(cap_object(cap));
	enum status status;

	if (container->kind != ASPACE_CONTAINER)
		return ERR_ARGUMENT;
	status = cap_lock(cap);
	if (status != STATUS_OK)
		return status;
	status = pagetable_create(aspace, container);
	if (status == STATUS_OK)
		slot_fill_locked(&aspace->container_slot, &container->object,
				 word_rights(cap->word), cap->badge, cap->slot);
	lock_drop(&container->object.lock);
	return status;
}

enum status aspace_create(struct pool *pool, u32 kind,
			  const struct cap_ref *container, struct aspace **out)
{
	struct aspace *aspace;
	enum status status = POOL_NEW(pool, OBJECT_ASPACE, &aspace);

	if (status != STATUS_OK)
		return status;
	aspace->kind = kind;
	aspace->low = kind == ASPACE_CONTAINER ? GUEST_END : PAGE_BYTES;
	aspace->high = kind == ASPACE_FOREIGN ? GUEST_END : USER_END;
	lock_init(&aspace->table_lock, LOCK_PAGETABLE);
	slot_init(&aspace->container_slot, aspace, HOLDER_ASPACE_CONTAINER);
	status = container ? create_foreign(aspace, container)
			   : pagetable_create(aspace, nullptr);
	if (status != STATUS_OK)
		pool_object_abandon(&aspace->object);
	else
		*out = aspace;
	return status;
}

bool aspace_destroy_step(struct aspace *aspace)
{
	// The threads that ran in it have been told to stop, and all CPUs have
	// seen that; until those that run have stopped, a CPU walks these tables.
	if (cpus_showing(aspace) && !BUG(179))
		return false;
	for (u32 i = 0; i < STEP_MAPPINGS && aspace->nmappings; i++) {
		lock_take(&aspace->object.lock);
		mapping_remove(mapping_find(aspace, 0));
		lock_drop(&aspace->object.lock);
	}
	if (aspace->nmappings)
		return false;
	for (u32 i = 0; i < STEP_MAPPINGS; i++)
		if (pagetable_destroy_step(aspace))
			goto gone;
	return false;
gone:
	for (u32 i = 0; i < 2; i++)
		if (aspace->dead_frame[i].value)
			pool_frames_free(aspace->object.pool, 0,
					 aspace->dead_frame[i]);
	if (aspace->spare)
		pool_free(aspace->object.pool, aspace->spare,
			  sizeof(*aspace->spare));
	slot_drop(&aspace->container_slot);
	return true;
}

struct aspace *aspace_for(struct aspace *aspace, u64 address)
{
	if (!aspace || aspace->kind != ASPACE_FOREIGN || address < GUEST_END)
		return aspace;
	return (struct aspace *)word_object(slot_word(&aspace->container_slot));
}

// ---- map

static enum status check_range(const struct aspace *aspace, u64 address,
			       u64 length)
{
	if (!length || !is_aligned(address | length, PAGE_BYTES) ||
	    address < aspace->low ||
	    !range_within(address, length, aspace->high))
		return ERR_ARGUMENT;
	return STATUS_OK;
}

static bool writes_code(u32 flags)
{
	return flags & MAP_WRITE && flags & MAP_EXEC;
}

// Make the entry for one page. False: no memory for tables.
static bool show(struct aspace *aspace, u64 address, struct paddr frame,
		 u32 flags, u32 memory_flags)
{
	u64 old = 0;

	lock_take(&aspace->table_lock);
	u64 *entry = pagetable_make(aspace, address);

	if (entry) {
		old = *entry;
		atomic_store(entry, arch_pte_leaf(frame, flags, memory_flags));
	}
	lock_drop(&aspace->table_lock);
	// Rights only grow here: other CPUs may fault once more.
	if (arch_pte_present(old))
		arch_flush_page(address);
	return entry;
}

// The entry of a page that is not shown yet.
static void show_new(u64 *entry, const struct mapping *mapping,
		     const struct memory *memory, struct paddr frame,
		     bool writable)
{
	u32 access = writable ? MAP_ACCESS : MAP_ACCESS & ~MAP_WRITE;

	if (entry && !arch_pte_present(*entry))
		*entry = arch_pte_leaf(frame, mapping->flags & access,
				       memory->flags);
}

void memory_show_locked(struct memory *memory, u64 index, struct paddr frame,
			bool writable)
{
	u64 offset = index << PAGE_BITS;
	u32 budget = SHOW_MAPPINGS;

	LIST_FOR_EACH(node, &memory->mappings) {
		struct mapping *m = LIST_ENTRY(node, struct mapping, shown);

		if (!budget--)
			return;
		if (offset < m->offset || offset - m->offset >= m->length ||
		    !(m->flags & MAP_ACCESS))
			continue;
		lock_take(&m->aspace->table_lock);
		show_new(pagetable_find(m->aspace,
					m->start + offset - m->offset),
			 m, memory, frame, writable);
		lock_drop(&m->aspace->table_lock);
	}
}

// Show pages that are present and not yet shown, [address, end) of the mapping.
static void show_present(struct mapping *mapping, struct memory *memory,
			 u64 address, u64 end)
{
	struct aspace *aspace = mapping->aspace;

	end = MIN(end, mapping->start + mapping->length);
	lock_take(&aspace->table_lock);
	for (; address < end; address += PAGE_BYTES) {
		bool writable;
		u64 offset = address - mapping->start + mapping->offset;
		struct paddr frame = memory_peek_locked(
			memory, offset >> PAGE_BITS, false, &writable);

		if (frame.value)
			show_new(pagetable_make(aspace, address), mapping,
				 memory, frame, writable);
	}
	lock_drop(&aspace->table_lock);
}

// Aspace's lock held; takes the memory's.
static enum status map_locked(struct aspace *aspace, struct mapping *mapping,
			      const struct cap_ref *cap, u32 flags)
{
	struct memory *memory = object_memory(cap_object(cap));
	struct mapping *next = mapping_find(aspace, mapping->start);
	u64 first, npages;
	enum status status;

	if (aspace->object.dead)
		return ERR_DEAD;
	if (next && next->start < mapping->start + mapping->length)
		return ERR_OCCUPIED;
	status = memory_window(memory, cap->badge, &first, &npages);
	if (status == STATUS_OK &&
	    !range_within(mapping->offset, mapping->length,
			  npages << PAGE_BITS))
		status = ERR_RANGE;
	if (status == STATUS_OK)
		status = cap_lock(cap);
	if (status != STATUS_OK)
		return status;
	mapping->offset += first << PAGE_BITS;
	slot_fill_locked(&mapping->slot, &memory->object,
			 word_rights(cap->word), cap->badge, cap->slot);
	mapping_attach_locked(mapping, memory);
	mapping_insert(aspace, mapping);
	if (flags & MAP_EAGER && flags & MAP_ACCESS)
		show_present(mapping, memory, mapping->start,
			     mapping->start + STEP_ENTRIES / 8 * PAGE_BYTES);
	lock_drop(&memory->object.lock);
	return STATUS_OK;
}

enum status aspace_map(struct aspace *aspace, const struct cap_ref *memory,
		       u64 offset, u64 address, u64 length, u32 flags)
{
	u32 allowed = word_rights(memory->word) & MAP_ACCESS;
	struct mapping *mapping;
	enum status status = check_range(aspace, address, length);

	if (status != STATUS_OK)
		return status;
	if (flags & ~(MAP_ACCESS | MAP_KEEP | MAP_EAGER) ||
	    writes_code(flags) || !is_aligned(offset, PAGE_BYTES))
		return ERR_ARGUMENT;
	if (flags & MAP_ACCESS & ~allowed)
		return ERR_RIGHTS;
	lock_take(&aspace->object.lock);
	status = mapping_alloc(aspace, &mapping);
	if (status == STATUS_OK) {
		mapping->start = address;
		mapping->length = mapping->settled = length;
		mapping->offset = offset;
		mapping->flags = flags & (MAP_ACCESS | MAP_KEEP);
		mapping->allowed = allowed;
		status = map_locked(aspace, mapping, memory, flags);
		if (status != STATUS_OK)
			mapping_free(mapping);
	}
	lock_drop(&aspace->object.lock);
	return status;
}

enum status sysk_aspace_map(struct thread *, struct cap_ref *cap,
			    struct cap_ref *memory, u64 offset, u64 address,
			    u64 length, u32 flags)
{
	struct aspace *aspace = object_aspace(cap_object(cap));

	return pool_reclaim_for(
		aspace->object.pool,
		aspace_map(aspace, memory, offset, address, length, flags));
}

// ---- unmap

// Take [from, to) out of the mapping, whose entries there are clear.
static enum status cut_out(struct mapping *mapping, u64 from, u64 to)
{
	u64 start = mapping->start, end = start + mapping->length;
	enum status status = STATUS_OK;

	if (from == start && to == end) {
		mapping_remove(mapping);
	} else if (from == start) {
		mapping_trim(mapping, to, end);
	} else {
		if (to < end)
			status = mapping_split(mapping, to);
		if (status == STATUS_OK)
			mapping_trim(mapping, start, from);
	}
	return status;
}

static enum status unmap_step_locked(struct aspace *aspace, u64 address,
				     u64 end, struct tlb_flush *flush)
{
	struct pagetable_cursor cursor = {aspace, .budget = STEP_ENTRIES};
	enum status status = STATUS_OK;

	for (u32 i = 0; i < STEP_MAPPINGS && cursor.budget; i++) {
		struct mapping *mapping = mapping_find(aspace, address);

		if (!mapping || mapping->start >= end)
			return STATUS_OK;
		u64 from = MAX(mapping->start, address);

		bool last = mapping->start + mapping->length >= end;

		cursor.address = from;
		cursor.end = MIN(mapping->start + mapping->length, end);
		pagetable_restrict(&cursor, 0, 0, flush);
		// What is left of the range is for the next step.
		status = cut_out(mapping, from, cursor.address);
		if (status != STATUS_OK || (last && cursor.address == end))
			return status;
	}
	return STATUS_RESTART;
}

enum status sysk_aspace_unmap(struct thread *, struct cap_ref *cap, u64 address,
			      u64 length)
{
	struct aspace *aspace = object_aspace(cap_object(cap));
	struct tlb_flush flush = {0};
	enum status status = check_range(aspace, address, length);

	if (status == STATUS_OK)
		status = cap_lock(cap);
	if (status != STATUS_OK)
		return status;
	status = unmap_step_locked(aspace, address, address + length, &flush);
	BUG(174) ? tlb_flush_finish(&flush) : lock_drop(&aspace->object.lock);
	tlb_flush_finish_all(&flush);
	return status;
}

// ---- protect

// Is all of the range mapped, and may it have this access?
static enum status check_access(const struct aspace *aspace, u64 address,
				u64 end, u32 flags)
{
	while (address < end) {
		const struct mapping *mapping = mapping_find(aspace, address);

		if (!mapping || mapping->start > address)
			return ERR_EMPTY;
		if (flags & ~mapping->allowed)
			return ERR_RIGHTS;
		address = mapping->start + mapping->length;
	}
	return STATUS_OK;
}

// Bring page-table entries into line with the flags of the mapping, from settled
// on. What is dead or without access shows nothing.
static void settle(struct mapping *mapping, u32 *budget,
		   struct tlb_flush *flush)
{
	struct aspace *aspace = mapping->aspace;
	struct memory *memory = mapping_lock_memory(mapping);
	struct pagetable_cursor cursor = {
		aspace, mapping->start + mapping->settled,
		mapping->start + mapping->length, *budget};

	pagetable_restrict(&cursor, memory ? mapping->flags & MAP_ACCESS : 0,
			   memory ? memory->flags : 0, flush);
	if (memory) {
		flush->cpus |= memory->freeze_cpus;
		lock_drop(&memory->object.lock);
	}
	mapping->settled = cursor.address - mapping->start;
	*budget = cursor.budget;
}

static enum status protect_step_locked(struct aspace *aspace, u64 address,
				       u64 end, u32 flags,
				       struct tlb_flush *flush)
{
	enum status status = check_access(aspace, address, end, flags);
	u32 budget = STEP_ENTRIES;

	while (status == STATUS_OK && address < end) {
		struct mapping *mapping = mapping_find(aspace, address);

		if (!budget)
			return STATUS_RESTART;
		if ((mapping->flags & MAP_ACCESS) == flags &&
		    mapping->settled == mapping->length) {
			address = mapping->start + mapping->length;
			continue;
		}
		if (mapping->start < address) {
			status = mapping_split(mapping, address);
			continue; // the tail starts at address
		}
		if (mapping->start + mapping->length > end) {
			status = mapping_split(mapping, end);
			if (status != STATUS_OK)
				break;
		}
		if ((mapping->flags & MAP_ACCESS) != flags) {
			mapping->flags = (mapping->flags & ~MAP_ACCESS) | flags;
			mapping->settled = 0;
		}
		budget -= MIN(budget, 8u);
		settle(mapping, &budget, flush);
	}
	return status;
}

enum status sysk_aspace_protect(struct thread *, struct cap_ref *cap,
				u64 address, u64 length, u32 flags)
{
	struct aspace *aspace = object_aspace(cap_object(cap));
	struct tlb_flush flush = {0};
	enum status status = check_range(aspace, address, length);

	if (flags & ~MAP_ACCESS || writes_code(flags))
		status = ERR_ARGUMENT;
	if (status == STATUS_OK)
		status = cap_lock(cap);
	if (status != STATUS_OK)
		return status;
	status = protect_step_locked(aspace, address, address + length, flags,
				     &flush);
	lock_drop(&aspace->object.lock);
	tlb_flush_finish_all(&flush);
	return status;
}

// ---- faults

struct access {
	struct thread *thread; // whose fault it is; NULL: the kernel copies
	bool write;
	struct pool *pool; // that had too little
	// The page found, the memory's lock is held:
	struct memory *memory;
	struct paddr frame;
	bool writable, fresh; // just made
	struct tlb_batch batch;
};

static bool permits(const struct mapping *mapping, u32 code)
{
	u32 wanted = code & FAULT_CODE_WRITE ? MAP_WRITE
		: code & FAULT_CODE_EXEC     ? MAP_EXEC
					     : MAP_ACCESS;

	return mapping->flags & wanted;
}

// A dead KEEP mapping shows zeroes until it is written to.
static enum fault_result fault_dead(struct mapping *mapping, u64 address,
				    u32 code, struct access *access)
{
	struct aspace *aspace = mapping->aspace;
	struct paddr *frame = &aspace->dead_frame[access->write];
	u32 flags = access->write ? MAP_READ | MAP_WRITE : MAP_READ;

	if (!(mapping->flags & MAP_KEEP) || code & FAULT_CODE_EXEC)
		return FAULT_FAILED;
	access->pool = aspace->object.pool;
	if (!frame->value &&
	    pool_frames_alloc(aspace->object.pool, 0, frame) != STATUS_OK)
		return FAULT_NOMEMORY;
	return show(aspace, address, *frame, flags, 0) ? FAULT_DONE
						       : FAULT_NOMEMORY;
}

// The page behind an address, the memory's lock held when OK. DEAD: no memory.
// AGAIN: absent; the thread has been blocked. CANCELED: its pager failed it.
// RESTART: try again. QUOTA, MEMORY, RANGE. Aspace's lock held.
static enum status access_page(struct mapping *mapping, u64 address,
			       struct access *access)
{
	u64 index = (address - mapping->start + mapping->offset) >> PAGE_BITS;
	struct thread *thread = access->thread;

	// Twice: absent, fetched from the original of a clone, present.
	for (u32 i = 0; i < 2; i++) {
		struct memory *memory = mapping_lock_memory(mapping);
		enum status status = STATUS_RESTART;

		if (!memory)
			return ERR_DEAD;
		u64 present = memory->present_pages;

		access->memory = memory;
		access->pool = memory->object.pool;
		if (!thread || !access->write || !memory_frozen_locked(memory))
			status = memory_page_locked(
				memory, index, access->write, &access->frame,
				&access->writable, &access->batch);
		access->fresh = memory->present_pages != present;
		if (status == STATUS_OK)
			return STATUS_OK;
		if (status == ERR_AGAIN && !memory->has_source)
			return memory_ask(memory, index, thread, access->write);
		lock_drop(&memory->object.lock);
		if (status == ERR_AGAIN)
			status = memory_fetch(memory, index, thread,
					      &access->batch);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_RESTART; // decommitted meanwhile
}

// Aspace's lock held.
static enum fault_result fault_mapping(struct mapping *mapping, u64 address,
				       u32 code, struct access *access)
{
	u32 flags = mapping->flags & MAP_ACCESS;
	bool shown;

	switch (access_page(mapping, address, access)) {
	case STATUS_OK:
		break;
	case STATUS_RESTART:
		return FAULT_DONE;
	case ERR_AGAIN:
		return FAULT_BLOCKED;
	case ERR_CANCELED:
		return FAULT_REFUSED;
	case ERR_DEAD:
		return fault_dead(mapping, address, code, access);
	case ERR_RANGE:
		return FAULT_FAILED;
	default:
		return FAULT_NOMEMORY;
	}
	if (!access->writable)
		flags &= ~MAP_WRITE;
	shown = show(mapping->aspace, address, access->frame, flags,
		     access->memory->flags);
	if (shown && !access->write && !access->fresh)
		show_present(mapping, access->memory, address + PAGE_BYTES,
			     align_up(address + 1, AROUND_PAGES * PAGE_BYTES));
	lock_drop(&access->memory->object.lock);
	access->pool = mapping->aspace->object.pool;
	return shown ? FAULT_DONE : FAULT_NOMEMORY;
}

enum fault_result aspace_fault(struct aspace *aspace, struct thread *thread,
			       u64 address, u32 code)
{
	enum fault_result result = FAULT_FAILED;
	struct access access;

	aspace = aspace_for(aspace, address);
	if (!aspace)
		return FAULT_FAILED;
	access.thread = thread;
	access.write = code & FAULT_CODE_WRITE;
	tlb_batch_init(&access.batch);
	lock_take(&aspace->object.lock);
	struct mapping *mapping = mapping_find(aspace, address);

	if (mapping && mapping->start <= address && permits(mapping, code) &&
	    !aspace->object.dead)
		result = fault_mapping(mapping, align_down(address, PAGE_BYTES),
				       code, &access);
	lock_drop(&aspace->object.lock);
	// Dead objects may hold what is missing: then try again.
	if (result == FAULT_NOMEMORY && pool_reclaim(access.pool))
		result = FAULT_DONE;
	tlb_batch_finish(&access.batch);
	return result;
}

// ---- copying for the kernel

// The bytes lie within one page; aspace's lock held.
static enum status copy_page(struct mapping *mapping, u64 address, u8 *kernel,
			     usize n, struct access *access)
{
	enum status status = access_page(mapping, address, access);

	if (status == ERR_DEAD && mapping->flags & MAP_KEEP) {
		if (!access->write)
			memset(kernel, 0, n);
		return STATUS_OK;
	}
	if (status != STATUS_OK)
		return ERR_ADDRESS;
	u8 *user =
		(u8 *)arch_direct(access->frame) + (address & (PAGE_BYTES - 1));

	if (access->memory->flags & MEMORY_DEVICE)
		status = ERR_ADDRESS; // not in the direct map
	else
		memcpy(access->write ? user : kernel,
		       access->write ? kernel : user, n);
	lock_drop(&access->memory->object.lock);
	return status;
}

static enum status copy_bytes(struct aspace *whole, u64 address, u8 *kernel,
			      usize length, bool write)
{
	enum status status = STATUS_OK;
	struct access access;

	if (!range_within(address, length, USER_END) || length > COPY_BYTES_MAX)
		return ERR_ADDRESS;
	access.thread = nullptr;
	access.write = write;
	tlb_batch_init(&access.batch);
	for (usize n; length && status == STATUS_OK; length -= n) {
		struct aspace *aspace = aspace_for(whole, address);
		struct mapping *mapping;

		status = ERR_ADDRESS;
		if (!aspace)
			break;
		n = MIN(length, PAGE_BYTES - (address & (PAGE_BYTES - 1)));
		lock_take(&aspace->object.lock);
		mapping = mapping_find(aspace, address);
		if (mapping && mapping->start <= address &&
		    permits(mapping, write ? FAULT_CODE_WRITE : 0))
			status =
				copy_page(mapping, address, kernel, n, &access);
		lock_drop(&aspace->object.lock);
		kernel += n;
		address += n;
	}
	tlb_batch_finish(&access.batch);
	return status;
}

enum status aspace_read(struct aspace *aspace, u64 address, void *to,
			usize length)
{
	return copy_bytes(aspace, address, to, length, false);
}

enum status aspace_write(struct aspace *aspace, u64 address, const void *from,
			 usize length)
{
	return copy_bytes(aspace, address, (u8 *)from, length, true);
}
