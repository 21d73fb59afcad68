// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Areas of an mm and the kernel mappings behind them: see memory.h. Areas never
// overlap; every area is one or more kernel mappings with exactly its access.
#include "personalities/linux/memory.h"

#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/carrier.h"
#include "personalities/linux/container.h"

#define STACK_PIECE 0x20000ull

// The first area that has pages of [offset, offset + length) of the dense object.
static struct area *occupant(struct mm *mm, u64 offset, u64 length)
{
	LIST_FOR_EACH(node, &mm->areas)
	{
		struct area *area = area_of(node);

		if (area->backing == mm->anonymous &&
		    area->offset < offset + length &&
		    offset < area->offset + (area->end - area->start))
			return area;
	}
	return nullptr;
}

// Room in the dense object; false if it has none.
static bool dense_alloc(struct mm *mm, u64 length, u64 *offset)
{
	struct area *area;

	if (length > DENSE_MAX)
		return false;
	*offset = mm->next_offset;
	if (range_within(*offset, length, MM_MEMORY_BYTES)) {
		mm->next_offset += length;
		return true;
	}
	for (*offset = 0; range_within(*offset, length, MM_MEMORY_BYTES);
	     *offset = area->offset + (area->end - area->start)) {
		area = occupant(mm, *offset, length);
		if (!area)
			return true;
	}
	return false;
}

// What was allocated last is given back first.
static void dense_free(struct mm *mm, const struct area *area)
{
	if (area->backing == mm->anonymous &&
	    area->offset + (area->end - area->start) == mm->next_offset)
		mm->next_offset = area->offset;
}

static u32 map_flags(u32 protection)
{
	u32 flags = 0;

	if (protection & (PROT_READ | PROT_WRITE | PROT_EXEC))
		flags |= MAP_READ;
	if (protection & PROT_WRITE)
		flags |= MAP_WRITE;
	else if (protection & PROT_EXEC)
		flags |= MAP_EXEC;
	return flags;
}

struct area *area_from(struct mm *mm, u64 address)
{
	LIST_FOR_EACH(node, &mm->areas)
	if (area_of(node)->end > address)
		return area_of(node);
	return nullptr;
}

struct area *area_find(struct mm *mm, u64 address)
{
	struct area *area = area_from(mm, address);

	return area && area->start <= address ? area : nullptr;
}

bool mm_is_free(struct mm *mm, u64 start, u64 length)
{
	struct area *area = area_from(mm, start);

	return !area || area->start >= start + length;
}

// Top down, as Linux does: below the stack, then each lower gap.
u64 mm_find_room(struct mm *mm, u64 length)
{
	u64 top = MAP_TOP;

	for (struct list *node = mm->areas.prev; node != &mm->areas;
	     node = node->prev) {
		struct area *area = area_of(node);

		if (area->start >= top)
			continue;
		if (area->end <= top && top - area->end >= length)
			break;
		top = area->start;
	}
	return top >= length + IMAGE_LIMIT ? top - length : 0;
}

void area_free(struct mm *mm, struct area *area)
{
	mm->bytes -= area->end - area->start;
	list_remove(&area->node);
	backing_put(area->backing);
	object_free(area->name);
	object_free(area);
}

static void area_insert(struct mm *mm, struct area *area)
{
	struct area *next = area_from(mm, area->start);

	list_insert_after(next ? next->node.prev : mm->areas.prev, &area->node);
	mm->bytes += area->end - area->start;
}

i64 area_show(struct mm *mm, const struct area *area)
{
	u32 flags = map_flags(area->protection);
	enum status status;

	if (!flags)
		return 0; // PROT_NONE: nothing is mapped
	status = sys_aspace_map(mm->aspace, area->backing->memory, area->offset,
				area->start, area->end - area->start, flags);
	if (status == STATUS_OK)
		return 0;
	if (status != ERR_QUOTA && status != ERR_MEMORY)
		log_print("linux: map %lx-%lx: %s", area->start, area->end,
			  status_text(status));
	return status == ERR_RIGHTS ? -EACCES : -ENOMEM;
}

// Neighbours that continue each other are one area: brk and stacks stay short.
static bool area_extend(struct mm *mm, const struct area_wish *wish)
{
	struct area *before = area_find(mm, wish->start - 1);
	u64 offset = mm->next_offset;

	if (!before || before->end != wish->start || wish->shared ||
	    before->shared || before->name || wish->name || wish->stack ||
	    before->stack || before->protection != wish->protection ||
	    before->backing != mm->anonymous ||
	    before->offset + (before->end - before->start) != offset ||
	    wish->length > DENSE_MAX ||
	    !range_within(offset, wish->length, MM_MEMORY_BYTES))
		return false;
	struct area piece = {.start = wish->start,
			     .end = wish->start + wish->length,
			     .protection = wish->protection,
			     .offset = offset,
			     .backing = mm->anonymous};

	if (area_show(mm, &piece) != 0)
		return false;
	before->end = piece.end;
	mm->bytes += wish->length;
	mm->next_offset += wish->length;
	return true;
}

i64 mm_map(struct mm *mm, const struct area_wish *wish)
{
	struct backing *backing = wish->backing;
	u64 offset = wish->offset;
	struct area *area;
	i64 error;

	if (!backing && area_extend(mm, wish))
		return 0;
	if (!backing && dense_alloc(mm, wish->length, &offset)) {
		backing = mm->anonymous;
		backing_get(backing);
	} else if (!backing) {
		offset = 0;
		error = backing_anonymous(wish->length, true, &backing);
		if (error)
			return error;
	} else {
		backing_get(backing);
	}
	area = object_alloc(sizeof(*area));
	if (!area) {
		backing_put(backing);
		return -ENOMEM;
	}
	*area = (struct area){.start = wish->start,
			      .end = wish->start + wish->length,
			      .protection = wish->protection,
			      .allowed = wish->allowed ? wish->allowed : 7,
			      .offset = offset,
			      .backing = backing,
			      .shared = wish->shared,
			      .stack = wish->stack,
			      .file_node = wish->file_node,
			      .file_offset = wish->file_offset,
			      .name = wish->name ? text_copy(wish->name)
						 : nullptr};
	error = area_show(mm, area);
	if (error) {
		backing_put(backing);
		object_free(area->name);
		object_free(area);
		return error;
	}
	area_insert(mm, area);
	return 0;
}

// Cut the area in two at address, which lies inside.
static i64 area_split(struct area *area, u64 address)
{
	struct area *upper = object_alloc(sizeof(*upper));

	if (!upper)
		return -ENOMEM;
	*upper = *area;
	upper->start = address;
	upper->offset += address - area->start;
	upper->file_offset += address - area->start;
	upper->name = area->name ? text_copy(area->name) : nullptr;
	backing_get(upper->backing);
	area->end = address;
	list_insert_after(&area->node, &upper->node);
	return 0;
}

// Make start and end boundaries of areas.
static i64 split_at(struct mm *mm, u64 start, u64 end)
{
	struct area *area = area_find(mm, start);
	i64 error = 0;

	if (area && area->start < start)
		error = area_split(area, start);
	area = area_find(mm, end);
	if (!error && area && area->start < end)
		error = area_split(area, end);
	return error;
}

static void area_discard(struct area *area)
{
	if (!area->shared && area->backing->private_copy)
		(void)!sys_memory_decommit(area->backing->memory, area->offset,
					   area->end - area->start);
}

i64 mm_unmap(struct mm *mm, u64 start, u64 length)
{
	i64 error = split_at(mm, start, start + length);
	struct area *area;

	if (error)
		return error;
	if (mm_is_free(mm, start, length))
		return 0;
	if (sys_aspace_unmap(mm->aspace, start, length) != STATUS_OK)
		return -ENOMEM;
	while ((area = area_from(mm, start)) && area->start < start + length) {
		area_discard(area);
		dense_free(mm, area);
		area_free(mm, area);
	}
	return 0;
}

// PROT_NONE means unmapped for the kernel; so access changes by mapping anew
// where the old or the new access is none.
static i64 area_protect(struct mm *mm, struct area *area, u32 protection)
{
	u32 before = map_flags(area->protection), after = map_flags(protection);
	u64 length = area->end - area->start;

	if (before == after) {
		area->protection = protection;
		return 0;
	}
	if (before && after &&
	    sys_aspace_protect(mm->aspace, area->start, length, after) ==
		    STATUS_OK) {
		area->protection = protection;
		return 0;
	}
	if (before &&
	    sys_aspace_unmap(mm->aspace, area->start, length) != STATUS_OK)
		return -ENOMEM;
	area->protection = protection;
	return area_show(mm, area);
}

static bool continues(const struct area *a, const struct area *b)
{
	return a->end == b->start && a->backing == b->backing &&
		a->offset + (a->end - a->start) == b->offset &&
		a->protection == b->protection && a->allowed == b->allowed &&
		a->shared == b->shared && !a->stack && !b->stack && !a->name &&
		!b->name;
}

// Join neighbours around a range that continue each other, as Linux does.
static void merge(struct mm *mm, u64 start, u64 end)
{
	struct area *area = area_from(mm, start ? start - 1 : 0);

	while (area && area->node.next != &mm->areas && area->end <= end) {
		struct area *next = area_of(area->node.next);

		if (!continues(area, next)) {
			area = next;
			continue;
		}
		area->end = next->end;
		list_remove(&next->node);
		backing_put(next->backing);
		object_free(next);
	}
}

i64 mm_protect(struct mm *mm, u64 start, u64 length, u32 protection)
{
	u64 end = start + length, at = start;
	i64 error;

	for (struct area *area = area_from(mm, start); at < end;) {
		if (!area || area->start > at)
			return -ENOMEM;
		if (protection & ~area->allowed)
			return -EACCES;
		at = area->end;
		area = area_from(mm, at);
	}
	error = split_at(mm, start, end);
	for (at = start; !error && at < end;) {
		struct area *area = area_find(mm, at);

		error = area_protect(mm, area, protection);
		at = area->end;
	}
	merge(mm, start, end);
	return error;
}

i64 mm_discard(struct mm *mm, u64 start, u64 length)
{
	u64 end = start + length;

	for (struct area *area = area_from(mm, start);
	     area && area->start < end; area = area_from(mm, area->end)) {
		u64 from = MAX(area->start, start), to = MIN(area->end, end);

		if (area->shared || !area->backing->private_copy)
			continue;
		if (sys_memory_decommit(area->backing->memory,
					area->offset + (from - area->start),
					to - from) != STATUS_OK)
			return -EINVAL;
	}
	return 0;
}

// The stack grows when touched below its lowest page, down to its limit, by
// pieces that are areas of their own.
static bool stack_grow(struct mm *mm, u64 address)
{
	struct area *area = area_from(mm, address);
	struct area_wish wish = {.protection = PROT_READ | PROT_WRITE,
				 .stack = true,
				 .name = "[stack]"};

	if (!area || !area->stack || area->start <= address ||
	    address < STACK_TOP - STACK_BYTES)
		return false;
	wish.start =
		MAX(STACK_TOP - STACK_BYTES, align_down(address, STACK_PIECE));
	wish.length = area->start - wish.start;
	if (!mm_is_free(mm, wish.start, wish.length) || mm_map(mm, &wish))
		return false;
	mm->stack_start = wish.start;
	return true;
}

bool mm_fault(struct mm *mm, u64 address, u32 code)
{
	(void)code;
	return address < GUEST_END && stack_grow(mm, address);
}
