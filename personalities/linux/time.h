// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Time as Linux programs see it, and deadlines.
#ifndef PERSONALITIES_LINUX_TIME_H
#define PERSONALITIES_LINUX_TIME_H
#include "personalities/linux/linux_abi.h"

struct linux_timeval time_value(u64 ns);
struct linux_timespec time_spec(i64 ns);
// A relative struct timespec in guest memory as an absolute deadline. 0 or error.
i64 time_deadline_in(u64 from, u64 *deadline_ns);
i64 timespec_in(u64 from, i64 *ns);
i64 time_deadline(i64 relative_ns, u64 *deadline_ns);
// Idle carriers are to be looked at before long. Big lock held.
void time_tidy_soon(void);
u64 realtime_now(void);
u64 time_now(void); // monotonic, never 0 or 1
[[nodiscard]] i64 time_init(void);
#endif
