// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Counting checks: a failed one says where and makes the program fail.
#ifndef TESTS_UNIT_LINUX_CHECK_H
#define TESTS_UNIT_LINUX_CHECK_H

void check_that(bool good, const char *what, const char *file, int line);
#define CHECK(condition) check_that((condition), #condition, __FILE__, __LINE__)

void test_line(void);
void test_elf(void);
void test_path(void);
#endif
