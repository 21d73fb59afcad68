// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Time: the generic timer. Its counter runs at a rate that a register tells; each
// CPU has a timer that compares with it. At EL1 that is the virtual timer, at EL2
// the physical one of that level, whose registers CNTP_* name there; both counters
// are the same, because the virtual one has no offset (boot.S).
#include "kernel/arch/aarch64/aarch64.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/time/clock.h"

#define NS_PER_SECOND 1000000000ull

void counter_init(struct boot_info *info)
{
	u64 hz = read_system(cntfrq_el0);

	if (hz < 1000000 || hz > 4000000000)
		panic("the counter runs at %lu Hz: not set by the firmware?",
		      hz);
	clock_start(NS_PER_SECOND, hz, arch_counter());
	// ARM DDI 0224, section 3.3.1: the data register counts seconds.
	if (info->rtc_kind == BOOT_RTC_PL031)
		info->realtime_seconds = *(volatile u32 *)space_map_device(
			info->rtc, PAGE_BYTES);
	klog("clock: counter %lu kHz, at EL%u", hz / 1000, at_el2() ? 2 : 1);
}

// ~0: never, for a comparison that may be signed.
void arch_timer_at(u64 counter)
{
	u64 compare = counter > ~0ull >> 1 ? ~0ull >> 1 : counter;

	if (at_el2())
		write_system(cntp_cval_el0, compare);
	else
		write_system(cntv_cval_el0, compare);
}

void counter_init_cpu(void)
{
	arch_timer_at(~0ull);
	if (at_el2())
		write_system(cntp_ctl_el0, 1);
	else
		write_system(cntv_ctl_el0, 1);
}

void arch_identity(u64 identity[4])
{
	identity[0] = read_system(midr_el1);
	identity[1] = read_system(id_aa64pfr0_el1);
	identity[2] = read_system(id_aa64isar0_el1);
	identity[3] = read_system(id_aa64isar1_el1);
}
