// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The registers of the architecture this is compiled for:
// ARCH_REGISTERS    the members of struct thread_registers, with which struct
//                   guest_state and the kernel's saved registers begin as well
// ARCH_GUEST_BYTES  size of struct guest_state, a power of two
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
