// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See calendar.h.
#include "boot/calendar.h"

// Years begin in March, so that the leap day is the last of its year.
static u64 days_since_1970(u32 year, u32 month, u32 day)
{
	u32 y = month <= 2 ? year - 1 : year;
	u32 m = month <= 2 ? month + 9 : month - 3;

	return 365ull * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day -
	       1 - 719468;
}

u64 calendar_seconds(const struct calendar_time *t)
{
	if (t->second > 59 || t->minute > 59 || t->hour > 23 || t->day < 1 ||
	    t->day > 31 || t->month < 1 || t->month > 12 || t->year < 2000 ||
	    t->year > 2099)
		return 0;
	return days_since_1970(t->year, t->month, t->day) * 86400 +
	       t->hour * 3600 + t->minute * 60 + t->second;
}
