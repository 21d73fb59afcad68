// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See cmos.h.
#include "boot/cmos.h"
#include "boot/calendar.h"

#define STATUS_A 10 // bit 7: an update is in progress
#define STATUS_B 11 // bit 2: binary, not decimal; bit 1: hours 0-23, not 1-12

static struct calendar_time time_read(u8 (*read)(u8 index))
{
	for (u32 i = 0; i < 100000 && read(STATUS_A) & 0x80; i++)
		continue;
	return (struct calendar_time){read(0), read(2), read(4),
				      read(7), read(8), read(9)};
}

static bool time_equal(const struct calendar_time *a, const struct calendar_time *b)
{
	return a->second == b->second && a->minute == b->minute &&
	       a->hour == b->hour && a->day == b->day &&
	       a->month == b->month && a->year == b->year;
}

static u32 from_bcd(u32 value)
{
	return (value >> 4) * 10 + (value & 15);
}

u64 cmos_seconds(u8 (*read)(u8 index))
{
	struct calendar_time t = time_read(read), again = time_read(read);
	u32 format = read(STATUS_B);
	bool afternoon;

	for (u32 i = 0; i < 5 && !time_equal(&t, &again); i++) {
		t = again;
		again = time_read(read);
	}
	afternoon = t.hour & 0x80;
	t.hour &= 0x7f;
	if (!(format & 4))
		t = (struct calendar_time){
			from_bcd(t.second), from_bcd(t.minute),
			from_bcd(t.hour),   from_bcd(t.day),
			from_bcd(t.month),  from_bcd(t.year)};
	if (!(format & 2))
		t.hour = t.hour % 12 + (afternoon ? 12 : 0);
	t.year += 2000;
	return calendar_seconds(&t);
}
