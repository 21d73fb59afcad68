// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The counter of the architecture this is compiled for.
#pragma once

#if defined(__x86_64__)
#include "lib/sys/arch/x86_64/counter.h"
#elif defined(__aarch64__)
#include "lib/sys/arch/aarch64/counter.h"
#elif defined(__riscv)
#include "lib/sys/arch/riscv64/counter.h"
#else
#error "lib/sys/arch: no counter for this architecture"
#endif
