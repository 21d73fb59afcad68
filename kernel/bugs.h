// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Seeded bugs: mistakes that the tests must catch, so that the tests are tested.
// `make BUG=n` builds the kernel with one of them; programs of the host build
// choose one at run time. Use: if (BUG(101)) ... All others are constant false.
#ifndef KERNEL_BUGS_H
#define KERNEL_BUGS_H
#include "lib/base/types.h"

#ifdef KOCHAB_HOST
extern u32 seeded_bug;
#define BUG(n) (seeded_bug == (n))
#else
// BUG_101 is 1 when the build asks for it: then pasting makes BUG_IS_1, which
// puts a 1 in the place that is read; else there is a 0.
#define BUG(n) BUG_CHOSEN(BUG_##n)
#define BUG_CHOSEN(value) BUG_PASTE(value)
#define BUG_PASTE(value) BUG_PICK(BUG_IS_##value)
#define BUG_PICK(place) BUG_SECOND(place 1, 0, 0)
#define BUG_IS_1 0,
#define BUG_SECOND(first, second, ...) second
#endif
#endif
