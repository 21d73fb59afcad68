// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The system call instruction of the architecture this is compiled for.
#pragma once

#if defined(__x86_64__)
#include "lib/sys/arch/x86_64/syscall.h"
#elif defined(__aarch64__)
#include "lib/sys/arch/aarch64/syscall.h"
#elif defined(__riscv)
#include "lib/sys/arch/riscv64/syscall.h"
#else
#error "lib/sys/arch: no system call instruction for this architecture"
#endif
