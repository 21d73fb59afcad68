// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The time page: how to turn the CPU's counter into nanoseconds without a
// system call, and what the CPU is. Readers repeat while sequence is odd or has
// changed.
#ifndef KOCHAB_ABI_TIME_PAGE_H
#define KOCHAB_ABI_TIME_PAGE_H
#include "lib/base/types.h"

struct time_page {
	u32 sequence;
	u32 counter_kind; // 1: the CPU's own counter (TSC, CNTVCT, time)
	u64 multiplier; // ns = (counter - base_counter) * multiplier >> shift
	u32 shift;
	u32 cpus; // that run
	u64 base_counter;
	u64 base_ns; // monotonic time at base_counter
	u64 boot_realtime_ns; // real time (UTC since 1970) at monotonic 0; 0: unknown
	// What the CPU says of itself where programs cannot ask it. AArch64: MIDR,
	// ID_AA64PFR0, ID_AA64ISAR0 and ID_AA64ISAR1 of EL1. Others: 0.
	u64 identity[4];
	u64 cpus_online; // a bit for each CPU that runs
};
#endif
