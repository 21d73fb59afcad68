// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Time: the time CSR, whose rate the device tree names; the timer, by Sstc or by the
// firmware; the clock of the day. Monotonic time starts at 0 here.
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/panic.h"

#define NS_PER_SECOND 1000000000ull

static bool has_stimecmp;

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
	has_stimecmp = info->isa & BOOT_ISA_SSTC;
	clock_start(NS_PER_SECOND, info->timebase_hz, arch_counter());
	// Still at start.S's direct map, which shows everything.
	if (info->rtc_kind == BOOT_RTC_GOLDFISH &&
	    info->rtc < ARCH_DIRECT_BYTES - PAGE_BYTES)
		info->realtime_seconds = read_rtc(info->rtc);
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

// Programs ask for that by other ways.
void arch_identity(u64[4])
{
}
