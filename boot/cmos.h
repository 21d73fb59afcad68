// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The PC's battery-backed clock (Motorola MC146818 data sheet), taken as UTC.
#ifndef BOOT_CMOS_H
#define BOOT_CMOS_H
#include "lib/base/types.h"

// Seconds since 1970-01-01; 0 when what the clock shows is no time of this
// century. read returns one register.
u64 cmos_seconds(u8 (*read)(u8 index));
#endif
