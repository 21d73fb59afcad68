// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Time: the CPU's counter is measured once against the HPET, or else the 8254
// timer, and so is the local APIC's timer. Monotonic time starts at 0 here.
#include "kernel/arch/x86_64/x86.h"
#include "boot/cmos.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "lib/base/bits.h"

#define WINDOW_NS 4000000ull
#define MSR_TSC_DEADLINE 0x6e0 // compared with the counter; 0: stop

static u64 timer_per_tick; // << CLOCK_SHIFT

// ---- the reference: a clock of known rate
static volatile u8 *hpet; // NULL: the 8254
static u64 reference_fs; // femtoseconds per tick

// IA-PC HPET specification 1.0a, section 2.3; Intel 8254 data sheet: channel 2
// in mode 0 counts down from 65,535 at 1,193,182 Hz, 55 ms long.
static void reference_start(u64 hpet_physical)
{
	if (hpet_physical) {
		hpet = space_map_device(hpet_physical, 1024);
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
	clock_start(ns, counter, end.counter);
	timer_per_tick = (timer << CLOCK_SHIFT) / counter;
	info->realtime_seconds = cmos_seconds(cmos_read);
	klog("clock: counter %lu kHz measured by %s",
	     counter * 1000000 / ns, hpet ? "HPET" : "8254");
}

void arch_timer_at(u64 counter)
{
	u64 now = arch_counter(), count;

	if (cpu_features.tsc_deadline) {
		write_msr(MSR_TSC_DEADLINE, counter);
		return;
	}
	count = counter > now ? clock_scale(counter - now, timer_per_tick) : 0;
	// Never early by rounding; a far deadline is reached in steps.
	apic_timer_start(count < 0xfffffffe ? (u32)count + 1 : ~0u);
}

// Programs ask the CPU themselves.
void arch_identity(u64[4])
{
}
