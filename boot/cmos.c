// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See cmos.h.
#include "boot/cmos.h"

#define STATUS_A 10 // bit 7: an update is in progress
#define STATUS_B 11 // bit 2: binary, not decimal; bit 1: hours 0-23, not 1-12

struct cmos_time {
	u32 second, minute, hour, day, month, year;
};

static struct cmos_time time_read(u8 (*read)(u8 index))
{
	for (u32 i = 0; i < 100000 && read(STATUS_A) & 0x80; i++)
		continue;
	return (struct cmos_time){ read(0), read(2), read(4),
				   read(7), read(8), read(9) };
}

static bool time_equal(const struct cmos_time *a, const struct cmos_time *b)
{
	return a->second == b->second && a->minute == b->minute &&
	       a->hour == b->hour && a->day == b->day &&
	       a->month == b->month && a->year == b->year;
}

static u32 from_bcd(u32 value)
{
	return (value >> 4) * 10 + (value & 15);
}

// Days from 1970-01-01 to a date of the Gregorian calendar: years begin in March,
// so that the leap day is the last of its year.
static u64 days_since_1970(u32 year, u32 month, u32 day)
{
	u32 y = month <= 2 ? year - 1 : year;
	u32 m = month <= 2 ? month + 9 : month - 3;

	return 365ull * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day -
	       1 - 719468;
}

u64 cmos_seconds(u8 (*read)(u8 index))
{
	struct cmos_time t = time_read(read), again = time_read(read);
	u32 format = read(STATUS_B);
	bool afternoon;

	for (u32 i = 0; i < 5 && !time_equal(&t, &again); i++) {
		t = again;
		again = time_read(read);
	}
	afternoon = t.hour & 0x80;
	t.hour &= 0x7f;
	if (!(format & 4))
		t = (struct cmos_time){ from_bcd(t.second), from_bcd(t.minute),
					from_bcd(t.hour),   from_bcd(t.day),
					from_bcd(t.month),  from_bcd(t.year) };
	if (!(format & 2))
		t.hour = t.hour % 12 + (afternoon ? 12 : 0);
	if (t.second > 59 || t.minute > 59 || t.hour > 23 || t.day < 1 ||
	    t.day > 31 || t.month < 1 || t.month > 12 || t.year > 99)
		return 0;
	return days_since_1970(2000 + t.year, t.month, t.day) * 86400 +
	       t.hour * 3600 + t.minute * 60 + t.second;
}
