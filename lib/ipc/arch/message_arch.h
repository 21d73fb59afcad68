// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The message instruction of the architecture this is compiled for.
#pragma once

#if defined(__x86_64__)
#include "lib/ipc/arch/x86_64/message_arch.h"
#elif defined(__aarch64__)
#include "lib/ipc/arch/aarch64/message_arch.h"
#elif defined(__riscv)
#include "lib/ipc/arch/riscv64/message_arch.h"
#else
#error "lib/ipc/arch: no message instruction for this architecture"
#endif
