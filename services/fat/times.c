// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See times.h. Days are counted from 1 March of a year, which puts the leap day
// at the end.
#include "services/fat/times.h"

#define NS 1000000000ll
#define DAYS_OF_ERA 146097 // 400 years
#define DAYS_TO_1970 719468 // from 1 March of year 0

static i64 days_from_date(i64 year, i64 month, i64 day)
{
	i64 y = month <= 2 ? year - 1 : year;
	i64 m = month <= 2 ? month + 9 : month - 3;

	return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day -
	       1 - DAYS_TO_1970;
}

i64 fat_time_to_ns(u32 date, u32 time)
{
	i64 year = 1980 + (date >> 9 & 127);
	i64 month = date >> 5 & 15;
	i64 day = date & 31;
	i64 seconds;

	if (month < 1 || month > 12 || day < 1)
		return 0;
	seconds = (time >> 11 & 31) * 3600 + (time >> 5 & 63) * 60 +
		  (time & 31) * 2;
	return (days_from_date(year, month, day) * 86400 + seconds) * NS;
}

u32 fat_time_from_ns(i64 ns)
{
	i64 seconds = ns / NS;
	i64 days, rest, era, year, month, day;

	if (seconds < days_from_date(1980, 1, 1) * 86400)
		return (1 << 5 | 1) << 16;
	days = seconds / 86400 + DAYS_TO_1970;
	rest = seconds % 86400;
	era = days / DAYS_OF_ERA;
	day = days % DAYS_OF_ERA;
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	month = month < 10 ? month + 3 : month - 9;
	year += era * 400 + (month <= 2);
	if (year > 2107)
		year = 2107;
	return (u32)((year - 1980) << 9 | month << 5 | (day + 1)) << 16 |
	       (u32)(rest / 3600 << 11 | rest / 60 % 60 << 5 | rest % 60 / 2);
}
