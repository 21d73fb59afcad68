// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Numbers and structures of the Linux system call interface that are those of the architecture this is compiled for.
#pragma once

#if defined(__x86_64__)
#include "personalities/linux/arch/x86_64/linux_abi.h"
#elif defined(__aarch64__)
#include "personalities/linux/arch/aarch64/linux_abi.h"
#elif defined(__riscv)
#include "personalities/linux/arch/riscv64/linux_abi.h"
#else
#error "personalities/linux/arch: no Linux interface for this architecture"
#endif
