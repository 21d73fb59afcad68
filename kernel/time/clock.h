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

// value * factor, which is a number << CLOCK_SHIFT
#define CLOCK_SHIFT 32
static inline u64 clock_scale(u64 value, u64 factor)
{
	return (u64)((unsigned __int128)value * factor >> CLOCK_SHIFT);
}

// The counter runs at this rate, and time was 0 when it stood at base. Told by the
// architecture before anybody asks what time it is: arch_now_ns().
void clock_start(u64 ns, u64 ticks, u64 base);
void clock_delay_us(u32 us);
u64 clock_ticks(u64 ns); // counter ticks in so many nanoseconds
u64 clock_ns_of(u64 ticks);
// What the counter will be then, or a little later; ~0 is never. Exact enough for
// a time near now: when a far one comes near, ask again.
u64 clock_counter_at(u64 ns);
// Make the time page (after the architecture's clock runs).
[[nodiscard]] enum status clock_init(struct pool *pool,
				     const struct boot_info *info);
struct memory *clock_page(void);
void clock_tell_cpus(u64 online); // a bit for each
#endif
