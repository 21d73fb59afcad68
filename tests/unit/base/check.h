// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What a unit test prints when it fails.
#pragma once

int printf(const char *format, ...);
int snprintf(char *buffer, unsigned long bytes, const char *format, ...);
[[noreturn]] void exit(int status);

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			printf("%s:%d: failed: %s\n", __FILE__, __LINE__,      \
			       #condition);                                    \
			exit(1);                                               \
		}                                                              \
	} while (0)

static inline unsigned random_next(unsigned *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

void test_format(void);
void test_memory(void);
void test_string(void);
void test_parse(void);
