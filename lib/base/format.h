// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Text from values, without allocation and without floating point. Understood:
//   %s %c %%                     text; %.*s and %.10s cut it
//   %d %i %u %x %X %o %p         with l, ll, z, h, hh; %p is 0x and hex digits
//   flags - 0 + space #, width as a number or *
// Anything else in the format is printed as it stands.
#pragma once

#include <stdarg.h>

#include "lib/base/types.h"

// Write at most size_bytes bytes, a terminator included (if size_bytes is not
// 0). Returns the length the whole text has: it was cut if that is >=
// size_bytes.
[[gnu::format(printf, 3, 0)]] usize format_string(char *buffer,
						  usize size_bytes,
						  const char *format,
						  va_list values);
[[gnu::format(printf, 3, 4)]] usize format_text(char *buffer, usize size_bytes,
						const char *format, ...);
