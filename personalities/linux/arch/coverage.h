// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The rows of coverage.def that are system calls of the architecture this is compiled for.
#pragma once

#if defined(__x86_64__)
#include "personalities/linux/arch/x86_64/coverage.h"
#elif defined(__aarch64__)
#include "personalities/linux/arch/aarch64/coverage.h"
#elif defined(__riscv)
#include "personalities/linux/arch/riscv64/coverage.h"
#else
#error "personalities/linux/arch: no system calls for this architecture"
#endif
