// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Those of RISC-V: ROW(number, name, state, lock) for each.
#pragma once

#define CALL(x86_64, generic, name, state, lock) ROW(generic, name, state, lock)
#define X86_64(number, name, state, lock)
#define AARCH64(number, name, state, lock)
#define RISCV64(number, name, state, lock) ROW(number, name, state, lock)
