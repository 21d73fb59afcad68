// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What must hold of the kernel's structures between steps.
#include "tests/fake_arch/own.h"
#include "tests/fake_arch/fake.h"
#include "kernel/arch/arch.h"
#include "kernel/mm/frame.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "lib/base/bits.h"

static struct slot *slot_of(u64 link)
{
	return (struct slot *)(link & ~1ull);
}

static u64 after(u64 link)
{
	return slot_of(link)->end[link & 1].next;
}

// Is the first end that balances the opening end of slot its own closing end?
static bool brackets_match(struct slot *slot)
{
	u64 link = slot->end[SLOT_OPEN].next, depth = 1;

	for (; link; link = after(link)) {
		depth += link & 1 ? -1 : 1;
		if (!depth)
			return link == ((u64)slot | SLOT_CLOSE);
	}
	return false;
}

// Every slot refers to the object, ends pair up, links agree.
u64 slot_check_locked(const struct object *object)
{
	u64 count = 0, prev = 0;

	for (u64 link = (u64)object->roots; link; link = after(link)) {
		struct slot *slot = slot_of(link);

		CHECK(slot->end[link & 1].prev == prev);
		prev = link;
		CHECK(word_object(slot->word) == object);
		CHECK(word_type(slot->word) == object->type ||
		      word_type(slot->word) == OBJECT_REPLY);
		if (link & 1)
			continue;
		CHECK(brackets_match(slot));
		count++;
	}
	return count;
}

// A slab page: free and used pieces are all.
static void check_slab(const struct frame *frame, u32 class)
{
	struct paddr at = {(u64)frame_number(frame) << PAGE_BITS};
	const u8 *page = arch_direct(at);
	u32 piece_bytes = 64u << class, free = 0, pins = frame->pins;

	for (; pins; free++)
		pins = *(const u16 *)(page + (pins - 1) * piece_bytes);
	CHECK(frame->order == class && free);
	CHECK(free + frame->shares == PAGE_BYTES / piece_bytes);
}

void pool_check(const struct pool *pool)
{
	u64 listed = 0, limbo = 0;

	LIST_FOR_EACH(node, &pool->objects) {
		struct object *o = LIST_ENTRY(node, struct object, in_pool);

		CHECK(node->next->prev == node && o->pool == pool);
		CHECK(o->listed && !o->dead && o->roots);
		(void)slot_check_locked(o);
		listed++;
	}
	LIST_FOR_EACH(node, &pool->limbo) {
		const struct object *o = LIST_ENTRY(node, struct object, in_pool);

		CHECK(o->dead && o->pool == pool && !o->roots);
		limbo++;
	}
	CHECK(limbo == pool->nlimbo && listed + limbo <= pool->nobjects);
	CHECK(pool->used_pages <= pool->limit_pages);
	for (u32 class = 0; class < POOL_CLASSES; class ++)
		for (u32 n = pool->partial[class]; n != FRAME_NONE;
		     n = frame_at(n)->next)
			check_slab(frame_at(n), class);
}

// Free blocks are aligned, whole and linked; all free frames are in one or
// cached; the counts agree.
void frames_check(void)
{
	u64 free, used, total, listed = 0, inside = 0, cached = 0;
	u64 end = (FAKE_BASE + fake_memory_bytes()) >> PAGE_BITS;

	frames_walk(&free, &used, &total);
	for (u64 n = 0; n < end; n++) {
		struct frame *f = frame_of((struct paddr){n << PAGE_BITS});

		if (!f)
			continue;
		cached += f->state == FRAME_CACHED;
		if (f->state != FRAME_FREE)
			continue;
		inside += f->order == FRAME_INSIDE;
		if (f->order == FRAME_INSIDE)
			continue;
		CHECK(f->order <= FRAME_MAX_ORDER);
		CHECK(is_aligned(n, 1ull << f->order));
		for (u32 i = 1; i < 1u << f->order; i++)
			CHECK(f[i].state == FRAME_FREE &&
			      f[i].order == FRAME_INSIDE);
		CHECK(f->next == FRAME_NONE || frame_at(f->next)->prev == n);
		CHECK(f->prev == FRAME_NONE || frame_at(f->prev)->next == n);
		listed += 1ull << f->order;
		inside -= (1ull << f->order) - 1;
	}
	CHECK(!inside && listed + cached == free && free == frames_free());
	CHECK(total == frames_total());
}
