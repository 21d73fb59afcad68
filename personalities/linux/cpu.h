// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What programs are told about the CPU (arch/).
#ifndef PERSONALITIES_LINUX_CPU_H
#define PERSONALITIES_LINUX_CPU_H
#include "lib/base/types.h"

u64 cpu_capabilities(void); // AT_HWCAP
bool cpu_random(u64 *word); // from the CPU's own source; false: it has none
// What /proc/cpuinfo says of CPU number of count.
usize cpu_text(char *to, usize size, u32 number, u32 count);
#endif
