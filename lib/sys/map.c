// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Where memory is mapped in the own address space: a sorted list of the ranges in
// use, first fit, with an unmapped page behind each, so that running off the end
// of one faults.
#include "abi/constants.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/sys/component.h"
#include "lib/sys/guard.h"

struct range {
	struct range *next;
	u64 start, bytes;
};

static struct range *ranges;
static struct guard guard;

// Reserve room for so many bytes; 0 when there is none.
static u64 reserve(struct range *range, u64 bytes)
{
	u64 start = startup->map_start;
	struct range **link = &ranges;

	for (; *link; link = &(*link)->next) {
		if ((*link)->start - start >= bytes + PAGE_BYTES)
			break;
		start = (*link)->start + (*link)->bytes + PAGE_BYTES;
	}
	if (start > startup->map_end || startup->map_end - start < bytes)
		return 0;
	*range = (struct range){*link, start, bytes};
	*link = range;
	return start;
}

static struct range *unreserve(u64 start)
{
	for (struct range **link = &ranges; *link; link = &(*link)->next) {
		struct range *range = *link;
		if (range->start == start) {
			*link = range->next;
			return range;
		}
	}
	return nullptr;
}

enum status memory_map(struct handle memory, u64 offset, u64 length, u32 flags,
	void **out)
{
	u64 bytes = align_up(length, PAGE_BYTES);

	if (bytes < length || bytes == 0)
		return ERR_ARGUMENT;
	struct range *range = heap_alloc(sizeof(*range));
	if (!range)
		return ERR_MEMORY;
	guard_enter(&guard);
	u64 start = reserve(range, bytes);
	guard_leave(&guard);
	if (!start) {
		heap_free(range);
		return ERR_MEMORY;
	}
	enum status status = sys_aspace_map(SELF_ASPACE, memory, offset, start,
		bytes, flags);
	if (status != STATUS_OK) {
		guard_enter(&guard);
		unreserve(start);
		guard_leave(&guard);
		heap_free(range);
		return status;
	}
	*out = (void *)start;
	return STATUS_OK;
}

void memory_unmap(void *address, u64 length)
{
	if (!address)
		return;
	// First the mapping: until then nobody else may get the range.
	(void)!sys_aspace_unmap(SELF_ASPACE, (u64)address,
		align_up(length, PAGE_BYTES));
	guard_enter(&guard);
	struct range *range = unreserve((u64)address);
	guard_leave(&guard);
	heap_free(range);
}
