// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// frame.c: random use against a model, exhaustion, merging back to the largest
// blocks, memory maps that overlap and come in any order.
#include "tests/fake_arch/own.h"
#include "tests/fake_arch/fake.h"
#include "kernel/arch/arch.h"
#include "kernel/mm/frame.h"
#include "kernel/sched/cpu.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define PAGES 2048
#define STEPS 60000

static u8 owner[PAGES + FAKE_BASE / PAGE_BYTES]; // model: 1 when in use
static struct {
	u64 start;
	u32 order;
} block[PAGES];
static u32 nblocks;
static u64 used_pages;

static void check_counts(void)
{
	u64 free, used, total;

	frames_walk(&free, &used, &total);
	CHECK(used == used_pages && free == frames_free());
	CHECK(total == frames_total() && free + used == total);
	frames_check();
}

static void take(u32 order)
{
	struct paddr got;

	if (frame_alloc(order, &got) != STATUS_OK)
		return;
	CHECK(is_aligned(got.value, (u64)PAGE_BYTES << order));
	for (u32 i = 0; i < 1u << order; i++) {
		u64 number = (got.value >> PAGE_BITS) + i;

		CHECK(number < sizeof owner && !owner[number]);
		owner[number] = 1;
	}
	CHECK(frame_of(got) && frame_of(got)->shares == 1);
	memset(arch_direct(got), 0xee, (usize)PAGE_BYTES << order);
	block[nblocks].start = got.value;
	block[nblocks++].order = order;
	used_pages += 1ull << order;
}

static void give(u32 which)
{
	u64 start = block[which].start;
	u32 order = block[which].order;

	for (u32 i = 0; i < 1u << order; i++)
		owner[(start >> PAGE_BITS) + i] = 0;
	if (order) {
		frame_free((struct paddr){start}, order);
	} else {
		frame_share(frame_of((struct paddr){start}));
		CHECK(!frame_unshare((struct paddr){start}));
		CHECK(frame_unshare((struct paddr){start}));
	}
	used_pages -= 1ull << order;
	block[which] = block[--nblocks];
}

// Fragmentation: of the pages that are free, those that lie in no block of 2^3 or
// more, in percent.
static u32 fragmentation(void)
{
	u64 all = 0, small = 0;

	for (u64 n = FAKE_BASE >> PAGE_BITS;
	     n < (FAKE_BASE + fake_memory_bytes()) >> PAGE_BITS; n++) {
		const struct frame *f = frame_of((struct paddr){n << PAGE_BITS});

		if (!f || f->state != FRAME_FREE || f->order == FRAME_INSIDE)
			continue;
		all += 1ull << f->order;
		small += f->order < 3 ? 1ull << f->order : 0;
	}
	return all ? (u32)(small * 100 / all) : 0;
}

static void test_random(u64 seed)
{
	u64 failures = 0, fragments = 0, looks = 0;

	fake_machine(PAGES, 2);
	CHECK(frames_total() > PAGES - 16);
	for (u32 step = 0; step < STEPS; step++) {
		fake_cpu_number = fake_random(&seed) % 2;
		u32 before = nblocks;
		// Phases of filling and of emptying.
		if (fake_random(&seed) % 8 < (step / 4000 % 2 ? 3 : 6) &&
		    nblocks < PAGES) {
			u32 r = fake_random(&seed) % 16;

			take(r < 12 ? 0 : r - 11);
			failures += before == nblocks;
		} else if (nblocks) {
			give(fake_random(&seed) % nblocks);
		}
		if (step % 500)
			continue;
		check_counts();
		if (frames_free() > PAGES / 4 && ++looks)
			fragments += fragmentation();
	}
	while (nblocks)
		give(nblocks - 1);
	check_counts();
	printf("frame: while a quarter is free and more, %lu %% of it on average "
	       "in blocks of 4 pages and less; when all is free, %u %%\n",
	       fragments / looks, fragmentation());
	CHECK(fragmentation() < 20); // beside what a cache holds apart
	CHECK(frames_free() == frames_total());
	printf("frame: %u random steps, %lu refused\n", STEPS, failures);
}

// To the last frame, although the other CPU's cache holds some; then the
// largest blocks are whole again.
static void test_exhaustion(void)
{
	struct paddr got;
	u32 large = 0;

	fake_machine(PAGES, 2);
	fake_cpu_number = 1;
	take(0);
	give(0);
	fake_cpu_number = 0;
	while (frame_alloc(0, &got) == STATUS_OK)
		used_pages++;
	CHECK(used_pages == frames_total() && !frames_free());
	used_pages = 0;
	for (u64 a = FAKE_BASE; a < FAKE_BASE + PAGES * PAGE_BYTES;
	     a += PAGE_BYTES)
		if (frame_of((struct paddr){a}))
			frame_free((struct paddr){a}, 0);
	check_counts();
	while (frame_alloc(8, &got) == STATUS_OK)
		large++;
	CHECK(large >= PAGES / 256 - 1);
	CHECK(frame_alloc(FRAME_MAX_ORDER + 1, &got) == ERR_MEMORY);
}

static u64 page_kind(const struct boot_info *info, u64 page)
{
	bool usable = false, reserved = page < FAKE_BASE;
	u64 start = page, end = page + PAGE_BYTES;

	for (u32 i = 0; i < info->nranges; i++) {
		const struct boot_range *range = &info->range[i];
		u64 range_end = range->start + range->size;

		if (range_end < range->start)
			range_end = ~0ull;
		if (range->kind == BOOT_RANGE_USABLE)
			usable |= range->start <= start && range_end >= end;
		else if (range->size)
			reserved |= range->start < end && range_end > start;
	}
	if (info->kernel_start < end && info->kernel_end > start &&
	    info->kernel_start < info->kernel_end)
		reserved = true;
	if (info->archive_size && info->archive_start < end &&
	    info->archive_start + info->archive_size > start)
		reserved = true;
	return usable && !reserved;
}

// Any map: a managed frame is usable and not reserved; all such are managed but
// those of the table itself.
static void test_maps(u64 seed)
{
	static struct boot_info info;
	u64 end = FAKE_BASE + PAGES * PAGE_BYTES;
	u32 maps = 0;

	fake_machine(PAGES, 1);
	for (u32 round = 0; round < 400; round++) {
		u64 good = 0, managed = 0;

		info = (struct boot_info){};
		// One range that surely holds the table.
		info.range[info.nranges++] = (struct boot_range){
			end - 0x100000, 0x100000, BOOT_RANGE_USABLE};
		for (u32 n = fake_random(&seed) % 20; n; n--) {
			u64 start = FAKE_BASE / 2 +
				fake_random(&seed) % (end - FAKE_BASE);
			u64 size = fake_random(&seed) % 0x80000;

			if (start + size > end - 0x100000)
				continue;
			if (fake_random(&seed) % 3)
				start &= ~0xfffull, size &= ~0xfffull;
			info.range[info.nranges++] = (struct boot_range){
				start, size, 1 + fake_random(&seed) % 3};
		}
		if (fake_random(&seed) % 2)
			info.range[info.nranges++] = (struct boot_range){
				1ull << 50, ~0ull, BOOT_RANGE_RESERVED};
		if (fake_random(&seed) % 2)
			info.range[info.nranges++] = (struct boot_range){
				1ull << 39, 0x4000, BOOT_RANGE_USABLE};
		info.kernel_start = FAKE_BASE + 0x10000;
		info.kernel_end = FAKE_BASE + 0x41234;
		info.archive_start = FAKE_BASE + 0x100010;
		info.archive_size = fake_random(&seed) % 0x9000;
		frame_init(&info);
		frames_check();
		for (u64 page = 0; page < end; page += PAGE_BYTES) {
			struct frame *f = frame_of((struct paddr){page});

			good += page_kind(&info, page);
			managed += f != nullptr;
			CHECK(!f || page_kind(&info, page));
		}
		CHECK(managed == frames_total() && managed <= good);
		CHECK(good - managed <= PAGES * 16 / PAGE_BYTES + 5);
		CHECK(!frame_of((struct paddr){1ull << 39}));
		maps++;
	}
	printf("frame: %u memory maps\n", maps);
}

static void test_device(void)
{
	fake_machine(PAGES, 1);
	fake_info.kernel_start = 0x80000000;
	fake_info.kernel_end = 0x80100000;
	frame_init(&fake_info);
	CHECK(frame_range_is_device(0xfee00000, 0x1000));
	frame_keep_device(0xfee00000, 0x1000);
	frame_keep_device(0xfec00010, 0x20);
	CHECK(frame_range_is_device(0xfd000000, 0x1000));
	CHECK(frame_range_is_device(0xa0000, 0x20000));
	CHECK(!frame_range_is_device(0xa0000, 0x60001));
	CHECK(!frame_range_is_device(FAKE_BASE, PAGE_BYTES));
	CHECK(!frame_range_is_device(0, 1ull << 40));
	CHECK(!frame_range_is_device(0xfee00000, 0x1000));
	CHECK(!frame_range_is_device(0xfebff000, 0x2000));
	CHECK(!frame_range_is_device(0xfec00000, 0x1000));
	CHECK(frame_range_is_device(0xfebff000, 0x1000));
	CHECK(!frame_range_is_device(0x800ff000, 0x1000));
	// Interrupt controllers are kept before the table is made.
	frame_init(&fake_info);
	CHECK(!frame_range_is_device(0xfee00000, 0x1000));
}

static void test_all(void)
{
	u64 seed = 0x9e3779b97f4a7c15;

	test_random(seed);
	test_exhaustion();
	test_maps(seed);
	test_device();
}

int main(void)
{
	test_all();
	bool caught = fake_bug_is_caught(121, "buddies of unequal size merge",
					 test_all);
	caught &=
		fake_bug_is_caught(122, "map: reserved does not win", test_all);
	return caught ? 0 : 1;
}
