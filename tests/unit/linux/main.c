// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The pure parts of the Linux personality: line discipline, ELF checks, paths.
#include <stdio.h>

#include "tests/unit/linux/check.h"

static unsigned checks, failures;

void check_that(bool good, const char *what, const char *file, int line)
{
	checks++;
	if (good)
		return;
	failures++;
	printf("FAIL %s:%d: %s\n", file, line, what);
}

int main(void)
{
	test_line();
	test_elf();
	test_path();
	printf("%u checks, %u failed\n", checks, failures);
	return failures != 0;
}
