// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Mistakes that tests/unit/token makes on purpose, to see that it finds them: the
// host's programs choose one at run time, everywhere else there is none. And places
// where it lets an instance of the token service die.
#pragma once

#include "lib/base/types.h"

#ifdef KOCHAB_HOST
extern u32 seeded_bug;
extern void (*token_point)(void); // may not return
#define TOKEN_BUG(n) (seeded_bug == (n))
#define TOKEN_POINT() (token_point ? token_point() : (void)0)
#else
#define TOKEN_BUG(n) false
#define TOKEN_POINT() ((void)0)
#endif
