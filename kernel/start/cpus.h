// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The machine's CPUs.
#ifndef KERNEL_START_CPUS_H
#define KERNEL_START_CPUS_H
#include "kernel/sched/cpu.h"
#include "lib/base/status.h"

void cpus_start(void); // all that boot_info names
// This CPU takes no threads and runs none: on with its way out. Returns when it is
// to serve requests first.
void cpu_leave_step(struct cpu *cpu);
// What system_control does with CPUs.
[[nodiscard]] enum status cpu_control(u32 action, u64 value);
#endif
