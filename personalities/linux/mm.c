// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Memory objects behind areas, and a whole mm: its birth, copy and end.
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/carrier.h"
#include "personalities/linux/container.h"
#include "personalities/linux/memory.h"

struct backing *backing_create(struct handle memory, bool private_copy)
{
	struct backing *backing = buffer_alloc(sizeof(*backing));

	if (backing)
		*backing = (struct backing){memory, 1, private_copy, nullptr};
	return backing;
}

static i64 backing_make(u64 bytes, u32 flags, bool private_copy,
			struct backing **out)
{
	struct handle memory;
	enum status status = cap_create(guest_pool, OBJECT_MEMORY, bytes, flags,
					(struct handle){0}, &memory);

	if (status != STATUS_OK)
		return -ENOMEM;
	*out = backing_create(memory, private_copy);
	if (*out)
		return 0;
	cap_free(memory);
	return -ENOMEM;
}

i64 backing_anonymous(u64 bytes, bool private_copy, struct backing **out)
{
	return backing_make(bytes, MEMORY_ANON, private_copy, out);
}

i64 backing_committed(u64 bytes, struct backing **out)
{
	return backing_make(bytes, MEMORY_ANON | MEMORY_COMMITTED, false, out);
}

void backing_get(struct backing *backing)
{
	backing->references++;
}

void backing_put(struct backing *backing)
{
	if (!backing || --backing->references)
		return;
	cap_free(backing->memory);
	object_free(backing);
}

i64 mm_read(struct mm *mm, u64 address, void *to, u64 bytes)
{
	while (bytes) {
		struct area *area = area_find(mm, address);
		u64 page = align_down(address, PAGE);
		u64 part = MIN(bytes, page + PAGE - address);
		void *window;

		// Only what cannot fail to be there: no file's memory.
		if (!area || !area->backing->private_copy ||
		    memory_map(area->backing->memory,
			       area->offset + (page - area->start), PAGE,
			       MAP_READ, &window) != STATUS_OK)
			return -EFAULT;
		memcpy(to, (u8 *)window + (address - page), part);
		memory_unmap(window, PAGE);
		to = (u8 *)to + part;
		address += part;
		bytes -= part;
	}
	return 0;
}

u64 mm_resident(struct mm *mm)
{
	u64 pages = 0;

	(void)!sys_memory_info(mm->anonymous->memory, nullptr, &pages, nullptr,
			       nullptr);
	return pages * PAGE;
}

static i64 mm_empty(struct mm **out)
{
	struct mm *mm = object_alloc(sizeof(*mm));
	enum status status;

	if (!mm)
		return -ENOMEM;
	mm->references = 1;
	list_init(&mm->areas);
	status = cap_create(guest_pool, OBJECT_ASPACE, ASPACE_FOREIGN, 0,
			    SELF_ASPACE, &mm->aspace);
	if (status != STATUS_OK) {
		object_free(mm);
		return -ENOMEM;
	}
	*out = mm;
	return 0;
}

i64 mm_create(struct mm **out)
{
	struct mm *mm;
	i64 error = mm_empty(&mm);

	if (error)
		return error;
	error = backing_anonymous(MM_MEMORY_BYTES, true, &mm->anonymous);
	if (error)
		mm_put(mm);
	else
		*out = mm;
	return error;
}

void mm_get(struct mm *mm)
{
	mm->references++;
}

static void mm_clear(struct mm *mm)
{
	(void)!sys_aspace_unmap(mm->aspace, PAGE, GUEST_END - PAGE);
	while (!list_empty(&mm->areas))
		area_free(mm, area_of(mm->areas.next));
	mm->brk = mm->brk_start = mm->image_end = 0;
}

i64 mm_reset(struct mm *mm)
{
	struct backing *fresh;
	i64 error;

	mm_clear(mm);
	error = backing_anonymous(MM_MEMORY_BYTES, true, &fresh);
	if (error)
		return error;
	backing_put(mm->anonymous);
	mm->anonymous = fresh;
	mm->next_offset = 0;
	return 0;
}

void mm_put(struct mm *mm)
{
	if (!mm || --mm->references)
		return;
	mm_clear(mm);
	backing_put(mm->anonymous);
	cap_free(mm->aspace);
	object_free(mm->executable);
	object_free(mm);
}

static i64 backing_clone(struct backing *backing)
{
	struct handle slot = cap_alloc();
	enum status status = ERR_QUOTA;

	if (!slot.value)
		return -ENOMEM;
	status = sys_memory_clone(backing->memory, guest_pool, cap_cnode(slot),
				  cap_index(slot));
	if (status == STATUS_OK)
		backing->clone = backing_create(slot, true);
	if (status != STATUS_OK || !backing->clone) {
		cap_free(slot);
		return -ENOMEM;
	}
	return 0;
}

static i64 area_copy(struct mm *to, const struct area *area)
{
	struct backing *backing = area->backing;
	struct area *copy;
	i64 error = 0;

	if (backing->private_copy && !area->shared) {
		if (!backing->clone)
			error = backing_clone(backing);
		if (error)
			return error;
		backing = backing->clone;
	}
	copy = buffer_alloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *area;
	copy->backing = backing;
	copy->name = area->name ? text_copy(area->name) : nullptr;
	backing_get(backing);
	list_add_last(&to->areas, &copy->node);
	to->bytes += copy->end - copy->start;
	return area_show(to, copy);
}

// The references of the clones made are the copies' areas' and to->anonymous's.
static void clones_forget(struct mm *from)
{
	LIST_FOR_EACH(node, &from->areas)
	{
		struct backing *backing = area_of(node)->backing;

		if (!backing->clone)
			continue;
		if (backing != from->anonymous)
			backing_put(backing->clone);
		backing->clone = nullptr;
	}
	from->anonymous->clone = nullptr;
}

i64 mm_copy(struct mm *from, struct mm **out)
{
	struct mm *mm;
	i64 error = mm_empty(&mm);

	if (error)
		return error;
	error = backing_clone(from->anonymous);
	if (!error)
		mm->anonymous = from->anonymous->clone;
	for (struct list *node = from->areas.next;
	     !error && node != &from->areas; node = node->next)
		error = area_copy(mm, area_of(node));
	clones_forget(from);
	mm->next_offset = from->next_offset;
	mm->image_end = from->image_end;
	mm->brk_start = from->brk_start;
	mm->brk = from->brk;
	mm->stack_start = from->stack_start;
	mm->argument_start = from->argument_start;
	mm->argument_end = from->argument_end;
	mm->environment_start = from->environment_start;
	mm->environment_end = from->environment_end;
	mm->executable =
		from->executable ? text_copy(from->executable) : nullptr;
	if (error)
		mm_put(mm);
	else
		*out = mm;
	return error;
}
