// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Mistakes that tests/unit/token makes on purpose, to see that it finds them: the
// host's programs choose one at run time, everywhere else there is none.
#pragma once

#include "lib/base/types.h"

#ifdef KOCHAB_HOST
extern u32 seeded_bug;
#define TOKEN_BUG(n) (seeded_bug == (n))
#else
#define TOKEN_BUG(n) false
#endif
