// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The registers of a program, as the system call interface uses them, of the architecture this is compiled for.
#pragma once

// Each architecture defines, on its struct guest_state:
//
//   guest_pc, guest_sp                  where the program is
//   guest_set_sp, guest_set_thread_pointer
//   guest_start                         everything else is 0
//   guest_call_number, guest_argument (0-5)
//   guest_result, guest_set_result
//   guest_call_again                    run the system call instruction again
//   ENTRY_STACK_GAP                     between the end of a stack and sp at the
//                                       first instruction of a C function

#if defined(__x86_64__)
#include "personalities/linux/arch/x86_64/registers.h"
#elif defined(__aarch64__)
#include "personalities/linux/arch/aarch64/registers.h"
#elif defined(__riscv)
#include "personalities/linux/arch/riscv64/registers.h"
#else
#error "personalities/linux/arch: no registers for this architecture"
#endif
