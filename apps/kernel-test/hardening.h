// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Pieces of machine code that run on a thread of their own, which is made for the
// case: for hardening.c and its parts by architecture.
#pragma once

#include "apps/kernel-test/arch/machine.h"
#include "apps/kernel-test/harness/harness.h"

#define PAGE (u64) PAGE_BYTES
#define CODE_AT AREA
#define ALIAS_AT (AREA + 0x100000)

void probe_begin(void);
// The code, and behind it an invalid instruction: it came through.
void probe_code(const struct code *code);
// Run code at pc with these first argument, number of a system call and flags;
// catch its fault; leave the thread stopped. False: no fault came.
bool probe_run(u64 pc, u64 argument, u64 number, u64 flags,
	       struct fault *fault);
