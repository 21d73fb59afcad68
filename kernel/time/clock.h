// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The machine's clock: counter ticks and nanoseconds, and the time page that lets
// user space convert between them without a system call.
#ifndef KERNEL_TIME_CLOCK_H
#define KERNEL_TIME_CLOCK_H
#include "lib/base/status.h"
#include "lib/base/types.h"

struct memory;
struct pool;
struct boot_info;

u64 clock_ticks(u64 ns); // counter ticks in so many nanoseconds
u64 clock_ns_of(u64 ticks);
// What the counter will be then, or a little later; ~0 is never. Exact enough for
// a time near now: when a far one comes near, ask again.
u64 clock_counter_at(u64 ns);
// Make the time page (after the architecture's clock runs).
[[nodiscard]] enum status clock_init(struct pool *pool,
				     const struct boot_info *info);
struct memory *clock_page(void);
void clock_tell_cpus(u32 online);
#endif
