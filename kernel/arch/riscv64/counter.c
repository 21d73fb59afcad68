// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Time: the time CSR, whose rate the device tree names; the timer, by Sstc or by the
// firmware; the clock of the day. Monotonic time starts at 0 here.
#include "kernel/arch/riscv64/riscv.h"
#include "abi/time_page.h"
#include "kernel/panic.h"

#define NS_PER_SECOND 1000000000ull
#define SHIFT 32

typedef unsigned __int128 u128;

static u64 base_counter;
static u64 ns_per_tick; // << SHIFT
static bool has_stimecmp;

static u64 scale(u64 value, u64 factor)
{
	return (u64)((u128)value * factor >> SHIFT);
}

// Goldfish RTC: nanoseconds since 1970; reading the low half latches the high one.
static u64 read_rtc(u64 physical)
{
	volatile u32 *rtc = arch_direct((struct paddr){physical});
	u64 low = rtc[0];

	return (low | (u64)rtc[1] << 32) / NS_PER_SECOND;
}

void counter_init(struct boot_info *info)
{
	if (info->timebase_hz < 1000 || info->timebase_hz > NS_PER_SECOND)
		panic("the device tree names no usable timebase-frequency");
	ns_per_tick = (NS_PER_SECOND << SHIFT) / info->timebase_hz;
	has_stimecmp = info->isa & BOOT_ISA_SSTC;
	base_counter = arch_counter();
	// Still at start.S's direct map, which shows everything.
	if (info->rtc_kind == BOOT_RTC_GOLDFISH &&
	    info->rtc < ARCH_DIRECT_BYTES - PAGE_BYTES)
		info->realtime_seconds = read_rtc(info->rtc);
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

// Who spins for long sleeps a tick of the clock now and then: other CPUs, which
// share this one's pipeline or, emulated, its host, get on meanwhile.
void counter_relax(void)
{
	struct cpu *cpu = cpu_self();
	u64 enabled, timer;

	if (!has_stimecmp || ++cpu->arch.relaxes % 64)
		return;
	enabled = csr_read("sie");
	timer = csr_read(STIMECMP);
	csr_write("sie", 1 << INTERRUPT_TIMER);
	csr_write(STIMECMP, arch_counter() + 1);
	__asm__ volatile("wfi");
	csr_write(STIMECMP, timer);
	csr_write("sie", enabled);
}

void arch_timer_at(u64 counter)
{
	if (has_stimecmp)
		csr_write(STIMECMP, counter);
	else
		(void)sbi(SBI_TIME, 0, counter, 0, 0);
}

void arch_time_page(struct time_page *page)
{
	*page = (struct time_page){
		.counter_kind = 1,
		.multiplier = ns_per_tick,
		.shift = SHIFT,
		.base_counter = base_counter,
	};
}
