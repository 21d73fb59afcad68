// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Time from the time page: a sequence lock over the counter's scale.
#include "abi/time_page.h"
#include "lib/sys/arch/counter.h"
#include "lib/sys/component.h"

static const volatile struct time_page *time_page(void)
{
	if (!startup || !startup->time_page)
		return nullptr;
	return (const volatile struct time_page *)startup->time_page;
}

// counter ticks * multiplier >> shift, without losing what is above bit 63.
static u64 scale(u64 ticks, u64 multiplier, u32 shift)
{
	unsigned __int128 product = (unsigned __int128)ticks * multiplier;
	u64 high = (u64)(product >> 64), low = (u64)product;

	shift &= 63;
	return shift ? high << (64 - shift) | low >> shift : low;
}

static u64 read_clock(const volatile struct time_page *page, u64 *realtime_ns)
{
	for (;;) {
		u32 sequence = page->sequence;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		u64 base_counter = page->base_counter, base_ns = page->base_ns;
		u64 multiplier = page->multiplier, boot = page->boot_realtime_ns;
		u32 shift = page->shift;
		u64 counter = arch_counter();
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if ((sequence & 1) || sequence != page->sequence) {
			arch_pause();
			continue;
		}
		// Another CPU's counter may be a little behind.
		u64 passed = counter > base_counter ? counter - base_counter : 0;
		*realtime_ns = boot;
		return base_ns + scale(passed, multiplier, shift);
	}
}

u64 clock_ns(void)
{
	const volatile struct time_page *page = time_page();
	u64 boot;

	return page ? read_clock(page, &boot) : 0;
}

u64 clock_realtime_ns(void)
{
	const volatile struct time_page *page = time_page();
	u64 boot, now;

	if (!page)
		return 0;
	now = read_clock(page, &boot);
	return boot ? boot + now : 0;
}
