// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Registers of a stopped thread as thread_registers reads and writes them.
#ifndef KOCHAB_ABI_REGISTERS_H
#define KOCHAB_ABI_REGISTERS_H
#include "abi/arch/registers.h"
#include "lib/base/types.h"

struct thread_registers {
	ARCH_REGISTERS
};
#endif
