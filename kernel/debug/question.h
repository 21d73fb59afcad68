// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What is asked of the kernel shell where the log port cannot be read without waiting:
// semihosting (ARM DUI 0203 and the RISC-V semihosting specification: the same calls).
#ifndef KERNEL_DEBUG_QUESTION_H
#define KERNEL_DEBUG_QUESTION_H
#include "lib/base/types.h"

#ifdef KOCHAB_DEBUG
// The next character of a question; -1: none. host is the call to the host, or NULL.
int question_read(i64 (*host)(u64 operation, const void *parameter));
#else
static inline int question_read(i64 (*)(u64, const void *))
{
	return -1;
}
#endif
#endif
