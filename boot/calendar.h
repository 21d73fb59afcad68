// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A date of the Gregorian calendar, as clocks of machines show it.
#ifndef BOOT_CALENDAR_H
#define BOOT_CALENDAR_H
#include "lib/base/types.h"

struct calendar_time {
	u32 second, minute, hour, day, month, year;
};

// Seconds since 1970-01-01; 0 when it is no time from 2000 to 2099.
u64 calendar_seconds(const struct calendar_time *time);
#endif
