// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// FAT's dates and times (years 1980 to 2107, two seconds) as nanoseconds since
// 1970. The disk is taken to hold UTC.
#ifndef SERVICES_FAT_TIMES_H
#define SERVICES_FAT_TIMES_H
#include "lib/base/types.h"

i64 fat_time_to_ns(u32 date, u32 time);
// date << 16 | time, cut to what FAT can hold.
u32 fat_time_from_ns(i64 ns);
#endif
