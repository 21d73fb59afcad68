// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Puts a checked ELF image into an address space (see lib/process/elf.h).
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "lib/process/elf.h"

static enum status fill(const struct elf_image *image,
	const struct elf_segment *segment, struct handle memory)
{
	void *window;

	if (segment->file_bytes == 0)
		return STATUS_OK;
	enum status status = memory_map(memory, 0, segment->file_bytes,
		MAP_READ | MAP_WRITE, &window);
	if (status != STATUS_OK)
		return status;
	memcpy(window, image->file + segment->file_offset, segment->file_bytes);
	elf_move(image, segment, window);
	memory_unmap(window, segment->file_bytes);
	return STATUS_OK;
}

// The mapping keeps the memory alive; the capability is needed no longer.
static enum status load_segment(const struct elf_image *image,
	const struct elf_segment *segment, struct handle pool,
	struct handle aspace)
{
	u64 bytes = align_up(segment->memory_bytes, PAGE_BYTES);
	u32 slot = slot_alloc();
	enum status status = sys_object_create(pool, OBJECT_MEMORY, bytes,
		MEMORY_ANON, handle_of(0), SELF_CNODE, slot);

	if (status == STATUS_OK)
		status = fill(image, segment, handle_of(slot));
	if (status == STATUS_OK)
		status = sys_aspace_map(aspace, handle_of(slot), 0,
			segment->address, bytes, segment->flags);
	slot_free(slot);
	return status;
}

enum status elf_load(const struct elf_image *image, struct handle pool,
	struct handle aspace)
{
	for (u32 i = 0; i < image->nsegments; i++) {
		enum status status = load_segment(image, &image->segment[i],
			pool, aspace);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}
