// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See space.h. The linker gives the borders (component.mk).
#include "apps/kernel-test/harness/space.h"

#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"

#define IMAGE_START 0x400000ull

extern char image_text[], image_text_end[], image_data[], image_end[];

static u32 first_slot;

static u64 page_up(u64 address)
{
	return align_up(address, PAGE_BYTES);
}

// A memory of bytes, with what is at from, but for the part that is skipped.
static enum status copy(struct handle pool, u32 slot, u64 from, u64 bytes,
			u64 skip, u64 skip_bytes)
{
	u8 *to = (u8 *)SPACE_TEMPORARY;
	enum status status = sys_object_create(pool, OBJECT_MEMORY, bytes, 0,
					       handle_of(0), SELF_CNODE, slot);

	if (status == STATUS_OK)
		status = sys_aspace_map(SELF_ASPACE, handle_of(slot), 0,
					SPACE_TEMPORARY, bytes,
					MAP_READ | MAP_WRITE);
	if (status != STATUS_OK)
		return status;
	if (skip >= from && skip < from + bytes) {
		u64 before = skip - from, after = before + skip_bytes;

		memcpy(to, (void *)from, before);
		memcpy(to + after, (void *)(from + after), bytes - after);
	} else {
		memcpy(to, (void *)from, bytes);
	}
	return sys_aspace_unmap(SELF_ASPACE, SPACE_TEMPORARY, bytes);
}

enum status space_prepare(struct handle pool, u32 slot)
{
	u64 text = (u64)image_text;
	enum status status =
		copy(pool, slot, IMAGE_START, text - IMAGE_START, 0, 0);

	first_slot = slot;
	if (status == STATUS_OK)
		status = copy(pool, slot + 1, text,
			      page_up((u64)image_text_end) - text, 0, 0);
	return status;
}

enum status space_fill(struct handle pool, struct handle aspace, u32 data_slot,
		       u64 skip, u64 skip_bytes)
{
	u64 text = (u64)image_text, text_end = page_up((u64)image_text_end);
	u64 data = align_down((u64)image_data, PAGE_BYTES);
	u64 data_bytes = page_up((u64)image_end) - data;
	enum status status =
		copy(pool, data_slot, data, data_bytes, skip, skip_bytes);

	if (status == STATUS_OK)
		status = sys_aspace_map(aspace, handle_of(first_slot), 0,
					IMAGE_START, text - IMAGE_START,
					MAP_READ);
	if (status == STATUS_OK)
		status = sys_aspace_map(aspace, handle_of(first_slot + 1), 0,
					text, text_end - text,
					MAP_READ | MAP_EXEC);
	if (status == STATUS_OK)
		status = sys_aspace_map(aspace, handle_of(data_slot), 0, data,
					data_bytes, MAP_READ | MAP_WRITE);
	return status;
}
