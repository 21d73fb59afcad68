// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The registers of the architecture this is compiled for.
#pragma once

#if defined(__x86_64__)
#include "abi/arch/x86_64/registers.h"
#elif defined(__aarch64__)
#include "abi/arch/aarch64/registers.h"
#elif defined(__riscv)
#include "abi/arch/riscv64/registers.h"
#else
#error "abi/arch: no registers for this architecture"
#endif
