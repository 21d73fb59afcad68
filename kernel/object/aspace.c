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
#include "kernel/restart.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define MAP_ACCESS (MAP_READ | MAP_WRITE | MAP_EXEC)
#define STEP_ENTRIES 600 // page-table entries looked at in one step
#define STEP_MAPPINGS 8
#define AROUND_PAGES 8 // a read fault shows present neighbours up to here
#define COPY_BYTES_MAX (16 * PAGE_BYTES)

// ---- making and destroying

enum status aspace_create(struct pool *pool, u32 kind, struct aspace *container,
			  struct aspace **out)
{
	struct object *object;
	enum status status = pool_object_alloc(pool, OBJECT_ASPACE,
					       sizeof(struct aspace), &object);

	if (status != STATUS_OK)
		return status;
	struct aspace *aspace = object_aspace(object);

	aspace->kind = kind;
	lock_init(&aspace->table_lock, LOCK_PAGETABLE);
	slot_init(&aspace->container_slot, aspace, HOLDER_ASPACE_CONTAINER);
	if (container)
		lock_take(&container->object.lock);
	if (container && container->object.dead)
		status = ERR_DEAD;
	else
		status = pagetable_create(aspace, container);
	if (container)
		lock_drop(&container->object.lock);
	if (status != STATUS_OK)
		pool_object_abandon(object);
	else
		*out = aspace;
	return status;
}

bool aspace_destroy_step(struct aspace *aspace)
{
	struct tlb_flush flush = {0};

	// The threads that ran in it have been told to stop; until they have,
	// a CPU walks these tables.
	tlb_flush_add(&flush, aspace);
	if (flush.cpus)
		return false;
	for (u32 i = 0; i < STEP_MAPPINGS && aspace->mappings; i++) {
		lock_take(&aspace->object.lock);
		mapping_remove(aspace->mappings, 0);
		lock_drop(&aspace->object.lock);
	}
	if (aspace->mappings)
		return false;
	for (u32 i = 0; i < STEP_MAPPINGS; i++)
		if (pagetable_destroy_step(aspace))
			goto gone;
	return false;
gone:
	if (aspace->scratch.value)
		pool_frame_free(aspace->object.pool, aspace->scratch);
	aspace->scratch.value = 0;
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
	u64 low = aspace->kind == ASPACE_CONTAINER ? GUEST_END : PAGE_BYTES;
	u64 high = aspace->kind == ASPACE_CONTAINER ? CONTAINER_END
		: aspace->kind == ASPACE_FOREIGN    ? GUEST_END
						    : USER_END;

	if (!length || !is_aligned(address | length, PAGE_BYTES) ||
	    address < low || !range_within(address, length, high))
		return ERR_ARGUMENT;
	return STATUS_OK;
}

static bool writes_code(u32 flags)
{
	return flags & MAP_WRITE && flags & MAP_EXEC;
}

static u32 access_allowed(u32 rights)
{
	return (rights & RIGHT_READ ? MAP_READ : 0) |
		(rights & RIGHT_WRITE ? MAP_WRITE : 0) |
		(rights & RIGHT_EXEC ? MAP_EXEC : 0);
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
		__atomic_store_n(entry,
				 arch_pte_leaf(frame, flags, memory_flags),
				 __ATOMIC_RELEASE);
	}
	lock_drop(&aspace->table_lock);
	// Rights only grow here: other CPUs may fault once more.
	if (arch_pte_present(old))
		arch_flush_page(address);
	return entry;
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
			memory, offset >> PAGE_BITS, &writable);
		u64 *entry = nullptr;

		if (frame.value)
			entry = pagetable_make(aspace, address);
		if (entry && !arch_pte_present(*entry))
			*entry = arch_pte_leaf(
				frame,
				mapping->flags &
					(writable ? MAP_ACCESS
						  : MAP_ACCESS & ~MAP_WRITE),
				memory->flags);
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
	status = cap_lock(cap);
	if (status != STATUS_OK)
		return status;
	status = memory->object.dead
		? ERR_DEAD
		: memory_window(memory, cap->badge, &first, &npages);
	if (status == STATUS_OK &&
	    !range_within(mapping->offset, mapping->length,
			  npages << PAGE_BITS))
		status = ERR_RANGE;
	if (status == STATUS_OK) {
		mapping->offset += first << PAGE_BITS;
		slot_fill_locked(&mapping->slot, &memory->object,
				 word_rights(cap->word), cap->badge, cap->slot);
		mapping_attach_locked(mapping, memory);
		mapping_insert(aspace, mapping);
		if (flags & MAP_EAGER && flags & MAP_ACCESS)
			show_present(mapping, memory, mapping->start,
				     mapping->start +
					     STEP_ENTRIES / 8 * PAGE_BYTES);
	}
	lock_drop(&memory->object.lock);
	return status;
}

enum status aspace_map(struct aspace *aspace, const struct cap_ref *memory,
		       u64 offset, u64 address, u64 length, u32 flags)
{
	u32 allowed = access_allowed(word_rights(memory->word));
	struct mapping *mapping;
	void *record;
	enum status status = check_range(aspace, address, length);

	if (status != STATUS_OK)
		return status;
	if (flags & ~(MAP_ACCESS | MAP_KEEP | MAP_EAGER) ||
	    writes_code(flags) || !is_aligned(offset, PAGE_BYTES))
		return ERR_ARGUMENT;
	if (flags & MAP_ACCESS & ~allowed)
		return ERR_RIGHTS;
	status = pool_alloc(aspace->object.pool, sizeof(*mapping), &record);
	if (status != STATUS_OK)
		return status;
	mapping = record;
	mapping->aspace = aspace;
	mapping->start = address;
	mapping->length = mapping->settled = length;
	mapping->offset = offset;
	mapping->flags = flags & (MAP_ACCESS | MAP_KEEP);
	mapping->allowed = allowed;
	slot_init(&mapping->slot, mapping, HOLDER_MAPPING);
	lock_take(&aspace->object.lock);
	status = map_locked(aspace, mapping, memory, flags);
	lock_drop(&aspace->object.lock);
	if (status != STATUS_OK)
		pool_free(aspace->object.pool, record, sizeof(*mapping));
	return status;
}

// Refused for lack of memory that dead objects still hold: come again.
static enum status reclaim(struct pool *pool, enum status status)
{
	if ((status == ERR_QUOTA || status == ERR_MEMORY) && pool_reclaim(pool))
		return STATUS_RESTART;
	return status;
}

enum status sysk_aspace_map(struct thread *, struct cap_ref *cap,
			    struct cap_ref *memory, u64 offset, u64 address,
			    u64 length, u32 flags)
{
	struct aspace *aspace = object_aspace(cap_object(cap));

	return reclaim(
		aspace->object.pool,
		aspace_map(aspace, memory, offset, address, length, flags));
}

// ---- unmap

// Clear entries of [*address, end) until the budget is used up; *address is
// where it stopped.
static void clear_entries(struct aspace *aspace, u64 *address, u64 end,
			  u32 *budget, struct tlb_flush *flush)
{
	struct pagetable_cursor cursor = {aspace, *address, end, nullptr,
					  *budget};
	bool changed = false;
	u64 *entry;

	lock_take(&aspace->table_lock);
	while ((entry = pagetable_next(&cursor))) {
		__atomic_store_n(entry, 0, __ATOMIC_RELAXED);
		changed = true;
	}
	lock_drop(&aspace->table_lock);
	if (changed)
		tlb_flush_add(flush, aspace);
	*address = cursor.address;
	*budget = cursor.budget;
}

// Take [from, to) out of the mapping, whose entries there are clear.
static enum status cut_out(struct mapping *mapping, u64 from, u64 to, u64 cpus)
{
	u64 end = mapping->start + mapping->length;
	enum status status = STATUS_OK;

	if (from == mapping->start && to == end) {
		mapping_remove(mapping, cpus);
	} else if (from == mapping->start) {
		mapping_trim_front(mapping, to - from);
	} else {
		if (to < end)
			status = mapping_split(mapping, to);
		if (status == STATUS_OK)
			mapping_trim_tail(mapping, from);
	}
	return status;
}

static enum status unmap_step_locked(struct aspace *aspace, u64 address,
				     u64 end, struct tlb_flush *flush)
{
	u32 budget = STEP_ENTRIES;
	enum status status;

	for (u32 i = 0; i < STEP_MAPPINGS && budget; i++) {
		struct mapping *mapping = mapping_find(aspace, address);

		if (!mapping || mapping->start >= end)
			return STATUS_OK;
		u64 from = MAX(mapping->start, address);
		u64 to = MIN(mapping->start + mapping->length, end);
		u64 reached = from;

		clear_entries(aspace, &reached, to, &budget, flush);
		status = cut_out(mapping, from, reached, flush->cpus);
		if (status != STATUS_OK)
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
	lock_drop(&aspace->object.lock);
	if (flush.cpus)
		tlb_flush_finish(&flush);
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
	u32 access = mapping->flags & MAP_ACCESS;
	struct pagetable_cursor cursor = {
		aspace, mapping->start + mapping->settled,
		mapping->start + mapping->length, nullptr, *budget};
	bool changed = false;
	u64 *entry;

	lock_take(&aspace->table_lock);
	while ((entry = pagetable_next(&cursor))) {
		u64 old = *entry, new = 0;

		if (memory && access)
			new = arch_pte_leaf(arch_pte_frame(old),
					    arch_pte_writable(old)
						    ? access
						    : access & ~MAP_WRITE,
					    memory->flags);
		changed |= new != old;
		__atomic_store_n(entry, new, __ATOMIC_RELAXED);
	}
	lock_drop(&aspace->table_lock);
	if (memory) {
		flush->cpus |= memory->freeze_cpus;
		lock_drop(&memory->object.lock);
	}
	if (changed)
		tlb_flush_add(flush, aspace);
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
	if (flush.cpus)
		tlb_flush_finish(&flush);
	return status;
}

// ---- faults

struct fault {
	struct thread *thread;
	u64 address;
	u32 code;
	bool fetch; // the page has to come from the original of a clone
	u64 index; // of the page in the memory
	struct pool *pool; // that had too little
	struct tlb_batch batch;
};

static bool permits(const struct mapping *mapping, u32 code)
{
	u32 wanted = code & FAULT_CODE_WRITE ? MAP_WRITE
		: code & FAULT_CODE_EXEC     ? MAP_EXEC
					     : MAP_ACCESS;

	return mapping->flags & wanted;
}

// What dead KEEP mappings show until they are written to.
static struct paddr zero_frame(void)
{
	static u64 zero;
	u64 found = __atomic_load_n(&zero, __ATOMIC_ACQUIRE);
	struct paddr frame = {0};

	if (found || frame_alloc(0, &frame) != STATUS_OK)
		return (struct paddr){found};
	memset(arch_direct(frame), 0, PAGE_BYTES);
	if (!__atomic_compare_exchange_n(&zero, &found, frame.value, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		frame_free(frame, 0);
		frame.value = found;
	}
	return frame;
}

static enum fault_result fault_dead(struct mapping *mapping,
				    struct fault *fault)
{
	struct aspace *aspace = mapping->aspace;
	bool write = fault->code & FAULT_CODE_WRITE;
	struct paddr frame;

	if (!(mapping->flags & MAP_KEEP) || fault->code & FAULT_CODE_EXEC)
		return FAULT_FAILED;
	fault->pool = aspace->object.pool;
	if (write && !aspace->scratch.value &&
	    pool_frame_alloc(aspace->object.pool, &aspace->scratch) !=
		    STATUS_OK)
		return FAULT_NOMEMORY;
	frame = write ? aspace->scratch : zero_frame();
	if (!frame.value ||
	    !show(aspace, fault->address, frame,
		  write ? MAP_READ | MAP_WRITE : MAP_READ, 0))
		return FAULT_NOMEMORY;
	return FAULT_DONE;
}

// The page is absent and its memory paged, or a clone of such.
static enum fault_result fault_absent(struct memory *memory,
				      struct fault *fault)
{
	if (memory->has_source) {
		fault->fetch = true;
		return FAULT_REFUSED;
	}
	if (memory_wait_failed(fault->thread, fault->index))
		return FAULT_REFUSED;
	memory_wait_locked(memory, fault->thread, fault->index);
	return FAULT_BLOCKED;
}

// Memory's lock held.
static enum fault_result fault_locked(struct mapping *mapping,
				      struct memory *memory,
				      struct fault *fault)
{
	bool write = fault->code & FAULT_CODE_WRITE, writable;
	u64 page = align_down(fault->address, PAGE_BYTES);
	u64 present = memory->present_pages;
	u32 access = mapping->flags & MAP_ACCESS;
	struct paddr frame, old;

	fault->index = (page - mapping->start + mapping->offset) >> PAGE_BITS;
	if (write && memory_frozen_locked(memory))
		return FAULT_DONE; // try again
	switch (memory_page_locked(memory, fault->index, write, &frame,
				   &writable, &old)) {
	case STATUS_OK:
		break;
	case ERR_AGAIN:
		return fault_absent(memory, fault);
	case ERR_RANGE:
		return FAULT_FAILED;
	default:
		fault->pool = memory->object.pool;
		return FAULT_NOMEMORY;
	}
	if (old.value) {
		memory_zap_locked(memory, fault->index, 1, &fault->batch.flush);
		tlb_batch_add(&fault->batch, old);
	}
	if (!writable)
		access &= ~MAP_WRITE;
	if (!show(mapping->aspace, page, frame, access, memory->flags)) {
		fault->pool = mapping->aspace->object.pool;
		return FAULT_NOMEMORY;
	}
	if (!write && memory->present_pages == present)
		show_present(mapping, memory, page + PAGE_BYTES,
			     align_down(page, AROUND_PAGES * PAGE_BYTES) +
				     AROUND_PAGES * PAGE_BYTES);
	return FAULT_DONE;
}

// Aspace's lock held.
static enum fault_result fault_mapping(struct mapping *mapping,
				       struct fault *fault)
{
	// Twice: absent, fetched from the original, present.
	for (u32 i = 0; i < 2; i++) {
		struct memory *memory = mapping_lock_memory(mapping);
		enum fault_result result;

		if (!memory)
			return fault_dead(mapping, fault);
		fault->fetch = false;
		result = fault_locked(mapping, memory, fault);
		lock_drop(&memory->object.lock);
		if (result == FAULT_BLOCKED)
			memory_tell_pager(memory);
		if (!fault->fetch)
			return result;
		switch (memory_fetch(memory, fault->index, fault->thread,
				     &fault->batch)) {
		case STATUS_OK:
			break;
		case ERR_AGAIN:
			return FAULT_BLOCKED;
		case ERR_QUOTA:
		case ERR_MEMORY:
			fault->pool = memory->object.pool;
			return FAULT_NOMEMORY;
		default:
			return FAULT_REFUSED;
		}
	}
	return FAULT_DONE; // decommitted meanwhile: try again
}

enum fault_result aspace_fault(struct aspace *aspace, struct thread *thread,
			       u64 address, u32 code)
{
	struct fault fault;
	enum fault_result result = FAULT_FAILED;

	aspace = aspace_for(aspace, address);
	if (!aspace)
		return FAULT_FAILED;
	fault.thread = thread;
	fault.address = address;
	fault.code = code;
	tlb_batch_init(&fault.batch);
	lock_take(&aspace->object.lock);
	struct mapping *mapping = mapping_find(aspace, address);

	if (mapping && mapping->start <= address && permits(mapping, code) &&
	    !aspace->object.dead)
		result = fault_mapping(mapping, &fault);
	lock_drop(&aspace->object.lock);
	// Dead objects may hold what is missing: then try again.
	if (result == FAULT_NOMEMORY && pool_reclaim(fault.pool))
		result = FAULT_DONE;
	tlb_batch_finish(&fault.batch);
	return result;
}

// ---- copying for the kernel

struct copy {
	u8 *bytes; // the kernel's side
	bool write; // into the address space
	struct tlb_batch *batch;
};

static enum status copy_page(struct memory *memory, u64 offset, usize n,
			     const struct copy *copy)
{
	struct paddr frame, old;
	bool writable;
	enum status status;

	if (memory->flags & MEMORY_DEVICE)
		return ERR_ADDRESS; // not in the direct map
	status = memory_page_locked(memory, offset >> PAGE_BITS, copy->write,
				    &frame, &writable, &old);
	if (status != STATUS_OK)
		return status;
	if (old.value) {
		memory_zap_locked(memory, offset >> PAGE_BITS, 1,
				  &copy->batch->flush);
		tlb_batch_add(copy->batch, old);
	}
	u8 *bytes = (u8 *)arch_direct(frame) + (offset & (PAGE_BYTES - 1));

	if (copy->write)
		memcpy(bytes, copy->bytes, n);
	else
		memcpy(copy->bytes, bytes, n);
	return STATUS_OK;
}

static enum status copy_dead(const struct mapping *mapping, usize n,
			     const struct copy *copy)
{
	if (!(mapping->flags & MAP_KEEP))
		return ERR_ADDRESS;
	if (!copy->write)
		memset(copy->bytes, 0, n);
	return STATUS_OK;
}

// Aspace's lock held; the bytes lie within one page.
static enum status copy_mapping(struct mapping *mapping, u64 address, usize n,
				const struct copy *copy)
{
	u64 offset = address - mapping->start + mapping->offset;
	enum status status;

	for (u32 i = 0; i < 2; i++) {
		struct memory *memory = mapping_lock_memory(mapping);

		if (!memory)
			return copy_dead(mapping, n, copy);
		status = copy_page(memory, offset, n, copy);
		bool fetch = status == ERR_AGAIN && memory->has_source;

		lock_drop(&memory->object.lock);
		if (!fetch)
			break;
		if (memory_fetch(memory, offset >> PAGE_BITS, nullptr,
				 copy->batch) != STATUS_OK)
			break;
	}
	return status == STATUS_OK ? STATUS_OK : ERR_ADDRESS;
}

static enum status copy_bytes(struct aspace *whole, u64 address, usize length,
			      struct copy *copy)
{
	enum status status = STATUS_OK;

	if (!range_within(address, length, USER_END) || length > COPY_BYTES_MAX)
		return ERR_ADDRESS;
	while (length && status == STATUS_OK) {
		usize n =
			MIN(length, PAGE_BYTES - (address & (PAGE_BYTES - 1)));
		struct aspace *aspace = aspace_for(whole, address);

		if (!aspace)
			return ERR_ADDRESS;
		lock_take(&aspace->object.lock);
		struct mapping *mapping = mapping_find(aspace, address);

		status = ERR_ADDRESS;
		if (mapping && mapping->start <= address &&
		    permits(mapping, copy->write ? FAULT_CODE_WRITE : 0))
			status = copy_mapping(mapping, address, n, copy);
		lock_drop(&aspace->object.lock);
		copy->bytes += n;
		address += n;
		length -= n;
	}
	return status;
}

enum status aspace_read(struct aspace *aspace, u64 address, void *to,
			usize length)
{
	struct tlb_batch batch;
	struct copy copy = {to, false, &batch};
	enum status status;

	tlb_batch_init(&batch);
	status = copy_bytes(aspace, address, length, &copy);
	tlb_batch_finish(&batch);
	return status;
}

enum status aspace_write(struct aspace *aspace, u64 address, const void *from,
			 usize length)
{
	struct tlb_batch batch;
	struct copy copy = {(u8 *)from, true, &batch};
	enum status status;

	tlb_batch_init(&batch);
	status = copy_bytes(aspace, address, length, &copy);
	tlb_batch_finish(&batch);
	return status;
}
