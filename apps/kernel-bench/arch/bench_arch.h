// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Of the architecture this is compiled for: bench_counter(), whose ticks times
// TICK_INSTRUCTIONS are guest instructions under QEMU's -icount shift=0, and
// touch_fpu(), an instruction that needs floating point.
#pragma once

#include "lib/base/types.h"

#if defined(__x86_64__)
#include "apps/kernel-bench/arch/x86_64/bench_arch.h"
#elif defined(__aarch64__)
#include "apps/kernel-bench/arch/aarch64/bench_arch.h"
#elif defined(__riscv)
#include "apps/kernel-bench/arch/riscv64/bench_arch.h"
#else
#error "apps/kernel-bench/arch: no counter for this architecture"
#endif
