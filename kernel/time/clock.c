// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The machine's clock. The architecture calibrates its counter; everything else
// follows from the multiplier and shift in the time page.
#include "kernel/time/clock.h"
#include "abi/time_page.h"
#include "boot/boot_info.h"
#include "kernel/arch/arch.h"
#include "kernel/mm/frame.h"
#include "kernel/object/memory.h"
#include "kernel/object/pool.h"

static struct time_page *page;
static struct memory *page_memory;

// shift: 1 to 63
static u64 scale(u64 value, u64 multiplier, u32 shift)
{
	unsigned __int128 product = (unsigned __int128)value * multiplier;

	// By halves: a 128-bit shift may become a library call.
	return (u64)(product >> 64) << (64 - shift) | (u64)product >> shift;
}

u64 clock_ns_of(u64 ticks)
{
	return scale(ticks, page->multiplier, page->shift);
}

u64 clock_ticks(u64 ns)
{
	// 2^64 / multiplier, so that no 128-bit division is needed.
	return scale(ns, ~0ull / page->multiplier, 64 - page->shift);
}

u64 clock_counter_at(u64 ns)
{
	u64 now_ns = arch_now_ns();

	if (ns == ~0ull)
		return ~0ull;
	return arch_counter() + (ns > now_ns ? clock_ticks(ns - now_ns) + 1 : 0);
}

enum status clock_init(struct pool *pool, const struct boot_info *info)
{
	struct paddr frame;
	enum status status = pool_frames_alloc(pool, 0, &frame);

	if (status != STATUS_OK)
		return status;
	page = arch_direct(frame);
	arch_time_page(page);
	page->boot_realtime_ns = info->realtime_seconds * 1000000000ull;
	return memory_create_physical(pool, frame, PAGE_BYTES, MEMORY_PHYSICAL,
				      &page_memory);
}

struct memory *clock_page(void)
{
	return page_memory;
}

void clock_tell_cpus(u32 online)
{
	page->cpus = online;
}
