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
#define WINDOW_NS 4000000ull
#define SHIFT 32

typedef unsigned __int128 u128;

static u64 base_counter;
static u64 ns_per_tick; // << SHIFT
static u64 timer_per_tick; // << SHIFT
static u64 boot_realtime_ns;

static u64 scale(u64 value, u64 factor)
{
	return (u64)((u128)value * factor >> SHIFT);
}

// ---- the reference: a clock of known rate
static volatile u8 *hpet; // NULL: the 8254
static u64 reference_fs; // femtoseconds per tick

// IA-PC HPET specification 1.0a, section 2.3; Intel 8254 data sheet: channel 2
// in mode 0 counts down from 65,535 at 1,193,182 Hz, 55 ms long.
static void reference_start(u64 hpet_physical)
{
	if (hpet_physical) {
		hpet = paging_map_device(hpet_physical, 1024);
		reference_fs = *(volatile u64 *)hpet >> 32;
		*(volatile u64 *)(hpet + 0x10) |= 1; // count
	}
	if (reference_fs == 0 || reference_fs > 100000000) { // 2.3.4
		hpet = nullptr;
		reference_fs = 838095344;
		out8(0x61, (in8(0x61) & ~2) | 1); // gate on, speaker off
		out8(0x43, 0xb0);
		out8(0x42, 0xff);
		out8(0x42, 0xff);
	}
}

static u32 reference_read(void)
{
	u32 low;

	if (hpet)
		return *(volatile u32 *)(hpet + 0xf0);
	out8(0x43, 0x80); // latch channel 2
	low = in8(0x42);
	return 0xffff - (low | (u32)in8(0x42) << 8);
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
		u32 reference = reference_read(), timer = apic_timer_count();
		u64 after = arch_counter();

		if (after - before < shortest) {
			shortest = after - before;
			best = (struct sample){before + shortest / 2, reference,
					       timer};
		}
	}
	return best;
}

// Wait one window; how long it really was.
static u64 measure(struct sample *start, struct sample *end)
{
	u64 elapsed_ns;

	*start = take_sample();
	for (u32 tries = 0; tries < 1000000; tries++) {
		*end = take_sample();
		elapsed_ns = (u64)(end->reference - start->reference) *
			reference_fs / 1000000;
		if (elapsed_ns >= WINDOW_NS)
			return elapsed_ns;
	}
	panic("no clock to measure the CPU's counter by");
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
	u32 tries = 0;

	reference_start(info->hpet);
	// A virtual machine may have stood still in the middle: measure again.
	do {
		apic_timer_start(~0u);
		ns = measure(&start, &end);
		counter = end.counter - start.counter;
		timer = start.timer - end.timer; // counts down
	} while (ns + counter + timer >= BIT(31) && ++tries < 100);
	apic_timer_start(0);
	if (counter == 0 || (timer == 0 && !cpu_features.tsc_deadline))
		panic("the CPU's counter or timer does not count");
	kassert(ns < BIT(31) && counter < BIT(31) && timer < BIT(31));
	ns_per_tick = (ns << SHIFT) / counter;
	timer_per_tick = (timer << SHIFT) / counter;
	base_counter = end.counter;
	info->realtime_seconds = cmos_seconds(cmos_read);
	boot_realtime_ns = info->realtime_seconds * NS_PER_SECOND;
	if (boot_realtime_ns)
		boot_realtime_ns -= arch_now_ns();
	klog("clock: counter %lu kHz measured by %s",
	     counter * 1000000 / ns, hpet ? "HPET" : "8254");
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

void arch_timer_at(u64 counter)
{
	u64 now = arch_counter(), count;

	if (cpu_features.tsc_deadline) {
		apic_timer_deadline(counter);
		return;
	}
	count = counter > now ? scale(counter - now, timer_per_tick) : 0;
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
