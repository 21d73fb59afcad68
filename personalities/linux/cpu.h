// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What programs are told about the CPU (arch/).
#ifndef PERSONALITIES_LINUX_CPU_H
#define PERSONALITIES_LINUX_CPU_H
#include "lib/base/types.h"

u32 cpu_count(void); // at most 64
u32 cpu_capabilities(void); // AT_HWCAP
bool cpu_has_rdrand(void);
#endif
