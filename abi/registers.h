// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Registers of a stopped thread as thread_registers reads and writes them
// (struct thread_registers), in the order of the architecture.
#ifndef KOCHAB_ABI_REGISTERS_H
#define KOCHAB_ABI_REGISTERS_H
#include "abi/arch/registers.h"
#endif
