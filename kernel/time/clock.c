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
#include "lib/base/bits.h"

#define NS_PER_SECOND 1000000000ull

static struct time_page *page;
static struct memory *page_memory;
static u64 ns_per_tick = 1ull << CLOCK_SHIFT; // << CLOCK_SHIFT
static u64 base_counter;

void clock_start(u64 ns, u64 ticks, u64 base)
{
	ns_per_tick = (ns << CLOCK_SHIFT) / ticks;
	base_counter = base;
}

u64 arch_now_ns(void)
{
	return clock_scale(arch_counter() - base_counter, ns_per_tick);
}

void clock_delay_us(u32 us)
{
	u64 end = arch_now_ns() + us * 1000ull;

	while (arch_now_ns() < end)
		arch_relax();
}

u64 clock_ns_of(u64 ticks)
{
	return clock_scale(ticks, ns_per_tick);
}

u64 clock_ticks(u64 ns)
{
	// 2^64 / ns_per_tick, so that no 128-bit division is needed.
	return clock_scale(ns, ~0ull / ns_per_tick);
}

u64 clock_counter_at(u64 ns)
{
	u64 now_ns;

	if (ns == ~0ull)
		return ~0ull;
	now_ns = arch_now_ns();
	return arch_counter() + (ns > now_ns ? clock_ticks(ns - now_ns) + 1 : 0);
}

enum status clock_init(struct pool *pool, const struct boot_info *info)
{
	struct paddr frame;
	enum status status = pool_frames_alloc(pool, 0, &frame);

	if (status != STATUS_OK)
		return status;
	page = arch_direct(frame);
	*page = (struct time_page){
		.counter_kind = 1,
		.multiplier = ns_per_tick,
		.shift = CLOCK_SHIFT,
		.base_counter = base_counter,
		.boot_realtime_ns = info->realtime_seconds * NS_PER_SECOND,
	};
	arch_identity(page->identity);
	return memory_create_physical(pool, frame, PAGE_BYTES, MEMORY_PHYSICAL,
				      &page_memory);
}

struct memory *clock_page(void)
{
	return page_memory;
}

void clock_tell_cpus(u64 online)
{
	page->cpus = count_bits(online);
	page->cpus_online = online;
}
