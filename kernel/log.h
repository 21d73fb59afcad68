// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel log: a ring of text, also written to the log port.
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H
#include "lib/base/types.h"

[[gnu::format(printf, 1, 2)]] void klog(const char *format, ...);
void log_bytes(const char *text, usize length);
// Copy up to length bytes from byte position on; *next is where to go on.
usize log_read(char *to, usize length, u64 position, u64 *next);
#endif
