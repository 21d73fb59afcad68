// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The end of the line: a broken invariant of the kernel itself. Input from
// outside never leads here.
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

// Print the message, registers, backtrace, build id to the log and stop.
[[noreturn, gnu::format(printf, 1, 2)]] void panic(const char *format, ...);

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
