// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The frame table, the buddy lists and the caches. A free block is known by its
// head: state FREE and the block's order; frames inside it are FREE with order
// FRAME_INSIDE. Lists are linked by frame number, so the table can lie anywhere.
#include "kernel/mm/frame.h"
#include "boot/boot_info.h"
#include "kernel/arch/arch.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/sched/cpu.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define LOW_BYTES 0x100000ull // left to firmware and the start of CPUs
#define CACHE_FRAMES 32 // at most in a cache
#define CACHE_BATCH 16 // moved at once
#define KEPT_MAX 83 // interrupt controllers have a part for each CPU

struct frame_cache {
	alignas(64) struct lock lock;
	u32 count;
	u32 frame[CACHE_FRAMES];
};

static struct {
	struct frame_cache cache[CPU_MAX]; // before lock: taken first
	alignas(64) struct lock lock; // guards the lists and free
	u32 head[FRAME_MAX_ORDER + 1];
	u64 free; // frames in the lists
	struct frame *table;
	u32 first, end; // numbers of the frames in the table
	u64 total; // managed
	const struct boot_info *info;
} frames;

// The kernel's own: low memory, image, archive; then registers of devices, some of
// which are kept before the table is made.
static struct boot_range kept[KEPT_MAX];
static u32 nkept = 3;

struct frame *frame_at(u32 number)
{
	return &frames.table[number - frames.first];
}

u32 frame_number(const struct frame *frame)
{
	return frames.first + (u32)(frame - frames.table);
}

struct frame *frame_of(struct paddr frame)
{
	u64 number = frame.value >> PAGE_BITS;

	if (number < frames.first || number >= frames.end ||
	    frame_at((u32)number)->state == FRAME_RESERVED)
		return nullptr;
	return frame_at((u32)number);
}

// ---- lists

void frame_link(u32 *head, u32 number)
{
	struct frame *frame = frame_at(number);

	frame->prev = FRAME_NONE;
	frame->next = *head;
	if (*head != FRAME_NONE)
		frame_at(*head)->prev = number;
	*head = number;
}

void frame_unlink(u32 *head, u32 number)
{
	struct frame *frame = frame_at(number);

	if (frame->prev == FRAME_NONE)
		*head = frame->next;
	else
		frame_at(frame->prev)->next = frame->next;
	if (frame->next != FRAME_NONE)
		frame_at(frame->next)->prev = frame->prev;
}

// ---- lists of free blocks; global lock held

static void list_push(u32 number, u32 order)
{
	frame_at(number)->order = (u8)order;
	frame_link(&frames.head[order], number);
}

static void list_remove_block(u32 number, u32 order)
{
	frame_unlink(&frames.head[order], number);
	frame_at(number)->order = FRAME_INSIDE;
}

static void set_state(u32 number, u32 order, enum frame_state state)
{
	for (u32 i = 0; i < 1u << order; i++) {
		frame_at(number + i)->state = state;
		frame_at(number + i)->order = FRAME_INSIDE;
	}
}

static bool take_block_locked(u32 order, u32 *out)
{
	u32 from = order;

	while (from <= FRAME_MAX_ORDER && frames.head[from] == FRAME_NONE)
		from++;
	if (from > FRAME_MAX_ORDER)
		return false;
	u32 number = frames.head[from];
	list_remove_block(number, from);
	while (from > order) {
		from--;
		list_push(number + (1u << from), from);
	}
	frames.free -= 1ull << order;
	*out = number;
	return true;
}

static void put_block_locked(u32 number, u32 order)
{
	frames.free += 1ull << order;
	set_state(number, order, FRAME_FREE);
	while (order < FRAME_MAX_ORDER) {
		u32 buddy = number ^ 1u << order;

		if (buddy < frames.first || buddy >= frames.end ||
		    frame_at(buddy)->state != FRAME_FREE ||
		    (frame_at(buddy)->order != order &&
		     !(BUG(121) && frame_at(buddy)->order < order)))
			break;
		list_remove_block(buddy, order);
		number &= ~(1u << order);
		order++;
	}
	list_push(number, order);
}

// ---- caches; cache's lock held

static void cache_drain_locked(struct frame_cache *cache, u32 keep)
{
	lock_take(&frames.lock);
	while (cache->count > keep)
		put_block_locked(cache->frame[--cache->count], 0);
	lock_drop(&frames.lock);
}

static void cache_fill_locked(struct frame_cache *cache)
{
	u32 number;

	lock_take(&frames.lock);
	while (cache->count < CACHE_BATCH && take_block_locked(0, &number)) {
		frame_at(number)->state = FRAME_CACHED;
		cache->frame[cache->count++] = number;
	}
	lock_drop(&frames.lock);
}

// Give everything cached back to the lists: memory is short.
static void caches_drain(void)
{
	for (u32 i = 0; i < CPU_MAX; i++) {
		struct frame_cache *cache = &frames.cache[i];

		lock_take(&cache->lock);
		cache_drain_locked(cache, 0);
		lock_drop(&cache->lock);
	}
}

static bool cache_take(u32 *out)
{
	struct frame_cache *cache = &frames.cache[cpu_self()->number];

	lock_take(&cache->lock);
	if (!cache->count)
		cache_fill_locked(cache);
	bool found = cache->count;
	if (found)
		*out = cache->frame[--cache->count];
	lock_drop(&cache->lock);
	return found;
}

static void cache_put(u32 number)
{
	struct frame_cache *cache = &frames.cache[cpu_self()->number];

	lock_take(&cache->lock);
	if (cache->count == CACHE_FRAMES)
		cache_drain_locked(cache, CACHE_FRAMES - CACHE_BATCH);
	frame_at(number)->state = FRAME_CACHED;
	cache->frame[cache->count++] = number;
	lock_drop(&cache->lock);
}

// ---- interface

static bool take_global(u32 order, u32 *out)
{
	lock_take(&frames.lock);
	bool found = take_block_locked(order, out);
	lock_drop(&frames.lock);
	return found;
}

enum status frame_alloc(u32 order, struct paddr *out)
{
	u32 number;

	if (order > FRAME_MAX_ORDER)
		return ERR_MEMORY;
	if (!(order ? take_global(order, &number) : cache_take(&number))) {
		caches_drain();
		if (!take_global(order, &number))
			return ERR_MEMORY;
	}
	set_state(number, order, FRAME_USED);
	atomic_store_relaxed(&frame_at(number)->shares, 1);
	frame_at(number)->pins = 0;
	*out = (struct paddr){(u64)number << PAGE_BITS};
	return STATUS_OK;
}

void frame_free(struct paddr address, u32 order)
{
	struct frame *frame = frame_of(address);

	kassert(frame && frame->state == FRAME_USED);
	u32 number = frame_number(frame);
	if (!order) {
		cache_put(number);
		return;
	}
	kassert(is_aligned(number, 1ull << order));
	lock_take(&frames.lock);
	put_block_locked(number, order);
	lock_drop(&frames.lock);
}

bool frame_unshare(struct paddr address)
{
	struct frame *frame = frame_of(address);

	kassert(frame);
	u32 before = atomic_sub(&frame->shares, 1);
	kassert(before);
	if (before > 1)
		return false;
	frame_free(address, 0);
	return true;
}

u64 frames_free(void)
{
	u64 sum = atomic_load_relaxed(&frames.free);

	for (u32 i = 0; i < CPU_MAX; i++)
		sum += atomic_load_relaxed(&frames.cache[i].count);
	return sum;
}

u64 frames_total(void)
{
	return frames.total;
}

void frames_walk(u64 *free, u64 *used, u64 *total)
{
	u64 count[4] = {};

	for (u32 n = frames.first; n < frames.end; n++)
		count[frame_at(n)->state & 3]++;
	*free = count[FRAME_FREE] + count[FRAME_CACHED];
	*used = count[FRAME_USED];
	*total = *free + *used;
}

// ---- start

// The i-th range that is not for use: the kernel's own, then the firmware's.
static bool blocked_range(u32 i, struct boot_range *out)
{
	const struct boot_info *info = frames.info;

	if (i < nkept) {
		*out = kept[i];
		return true;
	}
	i -= nkept;
	if (i >= MIN(info->nranges, BOOT_RANGES))
		return false;
	*out = info->range[i];
	if (out->kind == BOOT_RANGE_USABLE)
		out->size = 0;
	return true;
}

static u64 range_end(const struct boot_range *range)
{
	u64 end;

	return add_fits(range->start, range->size, &end) ? end : ~0ull;
}

// The whole pages of a usable range that the direct map reaches; false if none.
static bool usable_pages(const struct boot_range *range, u64 *first, u64 *end)
{
	if (range->kind != BOOT_RANGE_USABLE ||
	    range->start >= ARCH_DIRECT_BYTES)
		return false;
	*first = (range->start + PAGE_BYTES - 1) >> PAGE_BITS;
	*end = MIN(range_end(range), ARCH_DIRECT_BYTES) >> PAGE_BITS;
	return *first < *end;
}

// Choose the frames the table spans: from the lowest usable range on, as far as a
// range is worth the table for it and the hole before it.
static void choose_span(void)
{
	const struct boot_info *info = frames.info;
	u32 nranges = MIN(info->nranges, BOOT_RANGES);
	u64 low = ~0u, high, before, first, end;

	for (u32 i = 0; i < nranges; i++)
		if (usable_pages(&info->range[i], &first, &end) &&
		    end > LOW_BYTES >> PAGE_BITS)
			low = MIN(low, MAX(first, LOW_BYTES >> PAGE_BITS));
	low = align_down(low, 1ull << FRAME_MAX_ORDER);
	high = low;
	do {
		before = high;
		for (u32 i = 0; i < nranges; i++)
			if (usable_pages(&info->range[i], &first, &end) &&
			    end > high &&
			    (end - first) * PAGE_BYTES / 2 >=
				    (end - high) * sizeof(struct frame))
				high = end;
	} while (high != before);
	for (u32 i = 0; i < nranges; i++)
		if (usable_pages(&info->range[i], &first, &end) && end > high)
			klog("memory at 0x%lx left out: too far away",
			     first << PAGE_BITS);
	frames.first = (u32)low;
	frames.end = (u32)high;
}

static bool overlap(const struct boot_range *range, u64 start, u64 size_bytes)
{
	return range->size && start < range_end(range) &&
		range->start < start + size_bytes;
}

// The end of a range not for use that these bytes overlap; 0: there is none.
static u64 blocked_until(u64 start, u64 size_bytes)
{
	struct boot_range blocked;

	for (u32 i = 0; blocked_range(i, &blocked); i++) {
		u64 end = align_up(MIN(range_end(&blocked), ARCH_DIRECT_BYTES),
				   PAGE_BYTES);

		if (overlap(&blocked, start, size_bytes) && end > start)
			return end;
	}
	return 0;
}

// The lowest place for the table: inside a usable range, clear of all others.
static u64 place_table(u64 size_bytes)
{
	const struct boot_info *info = frames.info;
	u64 best = ~0ull;

	for (u32 i = 0; i < MIN(info->nranges, BOOT_RANGES); i++) {
		u64 first, end, place, next;

		if (!usable_pages(&info->range[i], &first, &end))
			continue;
		next = first << PAGE_BITS;
		do {
			place = next;
			next = blocked_until(place, size_bytes);
		} while (next);
		if (range_within(place, size_bytes, end << PAGE_BITS))
			best = MIN(best, place);
	}
	return best;
}

static void mark(u64 first, u64 end, enum frame_state state)
{
	for (u64 n = MAX(first, frames.first); n < MIN(end, frames.end); n++)
		frame_at((u32)n)->state = state;
}

static void mark_reserved(u64 start, u64 end)
{
	mark(start >> PAGE_BITS,
	     (end >> PAGE_BITS) + !is_aligned(end, PAGE_BYTES), FRAME_RESERVED);
}

static bool all_free(u32 n, u32 end)
{
	while (n < end && n < frames.end && frame_at(n)->state == FRAME_FREE)
		n++;
	return n == end;
}

void frame_init(const struct boot_info *info)
{
	struct boot_range blocked;
	u64 first, end;

	memset(&frames, 0, sizeof(frames));
	frames.info = info;
	kept[0].size = LOW_BYTES;
	kept[1] = (struct boot_range){
		info->kernel_start, info->kernel_end - info->kernel_start, 0};
	kept[2] =
		(struct boot_range){info->archive_start, info->archive_size, 0};
	lock_init(&frames.lock, LOCK_FRAMES);
	for (u32 i = 0; i < CPU_MAX; i++)
		lock_init(&frames.cache[i].lock, LOCK_FRAMES);
	for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
		frames.head[order] = FRAME_NONE;
	choose_span();
	u64 size = align_up((u64)(frames.end - frames.first) *
				    sizeof(struct frame),
			    PAGE_BYTES);
	u64 place = place_table(size);
	if (!size || place == ~0ull)
		panic("no usable memory for a frame table of %lu bytes", size);
	frames.table = arch_direct((struct paddr){place});
	memset(frames.table, 0, size);
	for (u32 n = frames.first; n < frames.end; n++)
		frame_at(n)->order = FRAME_INSIDE;
	for (u32 i = 0; i < MIN(info->nranges, BOOT_RANGES); i++)
		if (usable_pages(&info->range[i], &first, &end))
			mark(first, end, FRAME_FREE);
	for (u32 i = 0; blocked_range(i, &blocked); i++)
		if (blocked.size && !BUG(122))
			mark_reserved(blocked.start, range_end(&blocked));
	mark_reserved(place, place + size);
	for (u32 n = frames.first, order; n < frames.end; n += 1u << order) {
		order = 0;
		if (frame_at(n)->state != FRAME_FREE)
			continue;
		while (order < FRAME_MAX_ORDER && !(n >> order & 1) &&
		       all_free(n + (1u << order), n + (2u << order)))
			order++;
		put_block_locked(n, order); // as large as it can be
	}
	frames.total = frames.free;
}

void frame_keep_device(u64 start, u64 size_bytes)
{
	u64 page = align_down(start, PAGE_BYTES);
	u64 end = align_up(start + size_bytes, PAGE_BYTES);

	if (nkept == KEPT_MAX)
		panic("more than %u ranges of the kernel's", KEPT_MAX);
	kept[nkept++] = (struct boot_range){page, end - page, 0};
}

bool frame_range_is_device(u64 start, u64 size_bytes)
{
	const struct boot_info *info = frames.info;

	for (u32 i = 1; i < nkept; i++) // a device may lie low
		if (overlap(&kept[i], start, size_bytes))
			return false;
	for (u32 i = 0; i < MIN(info->nranges, BOOT_RANGES); i++)
		if (info->range[i].kind == BOOT_RANGE_USABLE &&
		    overlap(&info->range[i], start, size_bytes))
			return false;
	return true;
}
