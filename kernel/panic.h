// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The end of the line: a broken invariant of the kernel itself. Input from
// outside never leads here.
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H
#include "lib/base/types.h"

// Print the message, registers, build id and backtrace to the log port and stop.
[[noreturn, gnu::format(printf, 1, 2)]] void panic(const char *format, ...);
extern u32 panicking; // [a]
// Straight to the port: the log's lock may be held by whoever broke.
[[gnu::format(printf, 1, 2)]] void console_print(const char *format, ...);

// An invariant cheap enough to check always.
#define kassert(condition)                                                     \
	do {                                                                   \
		if (__builtin_expect(!(condition), 0))                         \
			panic("%s:%d: %s", __FILE__, __LINE__, #condition);    \
	} while (0)

#ifdef KOCHAB_DEBUG
enum { DEBUG_BUILD = true };
#else
enum { DEBUG_BUILD = false };
#endif
#define kassert_debug(condition) ({ if (DEBUG_BUILD) kassert(condition); })
#endif
