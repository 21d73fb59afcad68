// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Time: the CPU's counter is measured once against the HPET, or else the 8254
// timer, and so is the local APIC's timer. Monotonic time starts at 0 here.
#include "kernel/arch/x86_64/x86.h"
#include "abi/time_page.h"
#include "boot/cmos.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"

#define NS_PER_SECOND 1000000000ull
#define WINDOW_NS 5000000ull
#define SHIFT 32

typedef unsigned __int128 u128;

static u64 base_counter;
static u64 ns_per_tick; // << SHIFT
static u64 counter_per_ns, timer_per_ns; // << SHIFT
static u64 boot_realtime_ns;

static u64 scale(u64 value, u64 factor)
{
	return (u64)((u128)value * factor >> SHIFT);
}

// ---- references
static volatile u8 *hpet;
static u64 hpet_period_fs;

// IA-PC HPET specification 1.0a, section 2.3
static bool hpet_start(u64 physical)
{
	if (!physical)
		return false;
	hpet = paging_map_device(physical, 1024);
	hpet_period_fs = *(volatile u64 *)hpet >> 32;
	if (hpet_period_fs == 0 || hpet_period_fs > 100000000)
		return false; // section 2.3.4: at most 100 ns
	*(volatile u64 *)(hpet + 0x10) |= 1; // count
	return true;
}

struct sample {
	u64 counter;
	u32 reference, timer;
};

// All three clocks at one moment: the best of some tries, because an emulator or
// the firmware may take the CPU away in between.
static struct sample take_sample(void)
{
	struct sample best = {};
	u64 shortest = ~0ull;

	for (u32 i = 0; i < 8; i++) {
		u64 before = arch_counter();
		u32 reference = hpet ? *(volatile u32 *)(hpet + 0xf0) : 0;
		u32 timer = apic_timer_count();
		u64 after = arch_counter();

		if (after - before < shortest) {
			shortest = after - before;
			best = (struct sample){ before + shortest / 2,
						reference, timer };
		}
	}
	return best;
}

// Wait one window; how long it really was.
static u64 window_hpet(struct sample *start, struct sample *end)
{
	u64 elapsed_ns;

	*start = take_sample();
	do {
		*end = take_sample();
		elapsed_ns = (u64)(end->reference - start->reference) *
			     hpet_period_fs / 1000000;
	} while (elapsed_ns < WINDOW_NS);
	return elapsed_ns;
}

// Channel 2 counts down from a load; its output shows in port 0x61. Intel 8254
// data sheet, mode 0; 1,193,182 Hz.
static u64 window_8254(struct sample *start, struct sample *end)
{
	u32 count = 1193182 / 200;

	out8(0x61, (in8(0x61) & ~2) | 1);
	out8(0x43, 0xb0);
	out8(0x42, (u8)count);
	out8(0x42, (u8)(count >> 8));
	*start = take_sample();
	for (u32 i = 0; !(in8(0x61) & 0x20); i++)
		if (i > 10000000)
			panic("no HPET and no 8254 timer to measure time by");
	*end = take_sample();
	return (u64)count * NS_PER_SECOND / 1193182;
}

static u8 cmos_read(u8 index)
{
	out8(0x70, index);
	return in8(0x71);
}

// ---- interface
void counter_init(struct boot_info *info)
{
	struct sample start, end;
	u64 ns, counter, timer;

	if (!hpet_start(info->hpet))
		hpet = nullptr;
	if (!cpu_features.tsc_deadline)
		apic_timer_start(~0u);
	ns = hpet ? window_hpet(&start, &end) : window_8254(&start, &end);
	counter = end.counter - start.counter;
	timer = start.timer - end.timer; // counts down
	apic_timer_start(0);
	if (counter == 0 || (timer == 0 && !cpu_features.tsc_deadline))
		panic("the CPU's counter or timer does not count");
	kassert(ns < BIT(31) && counter < BIT(31) && timer < BIT(31));
	ns_per_tick = (ns << SHIFT) / counter;
	counter_per_ns = (counter << SHIFT) / ns;
	timer_per_ns = (timer << SHIFT) / ns;
	base_counter = end.counter;
	info->realtime_seconds = cmos_seconds(cmos_read);
	boot_realtime_ns = info->realtime_seconds * NS_PER_SECOND;
	if (boot_realtime_ns)
		boot_realtime_ns -= arch_now_ns();
	klog("clock: counter %lu kHz measured by %s",
	     scale(1000000, counter_per_ns), hpet ? "HPET" : "8254");
}

u64 arch_now_ns(void)
{
	return scale(arch_counter() - base_counter, ns_per_tick);
}

void clock_delay_us(u32 us)
{
	u64 end = arch_now_ns() + us * 1000ull;

	while (arch_now_ns() < end)
		arch_relax();
}

void arch_timer_set(u64 deadline_ns)
{
	u64 now, count;

	if (deadline_ns == ~0ull) {
		if (cpu_features.tsc_deadline)
			apic_timer_deadline(0);
		else
			apic_timer_start(0);
		return;
	}
	if (cpu_features.tsc_deadline) {
		apic_timer_deadline(base_counter + 1 +
				    scale(deadline_ns, counter_per_ns));
		return;
	}
	now = arch_now_ns();
	count = deadline_ns > now ? scale(deadline_ns - now, timer_per_ns) : 0;
	// Never early by rounding; a far deadline is reached in steps.
	apic_timer_start(count < 0xfffffffe ? (u32)count + 1 : ~0u);
}

void arch_time_page(struct time_page *page)
{
	*page = (struct time_page){
		.counter_kind = 1,
		.multiplier = ns_per_tick,
		.shift = SHIFT,
		.base_counter = base_counter,
		.base_ns = 0,
		.boot_realtime_ns = boot_realtime_ns,
	};
}
