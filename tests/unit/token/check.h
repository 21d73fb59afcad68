// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the files of this test share.
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/types.h"

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#condition);                                   \
			exit(1);                                               \
		}                                                              \
	} while (0)

u32 below(u32 limit); // at random

void test_grants(void);
void test_last_request(void);
void test_quota(void);
void test_damage(void);
void test_deaths(void);
