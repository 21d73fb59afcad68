// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Stands in for kernel/lock.h on the fake machine (its folder comes first in the
// include path): the same locks, with a place before each is taken and after each
// is dropped where another CPU may make a step.
#ifndef TESTS_FAKE_ARCH_LOCK_H
#define TESTS_FAKE_ARCH_LOCK_H

#define lock_take lock_take_now
#define lock_drop lock_drop_now
#include "../../../kernel/lock.h"
#undef lock_take
#undef lock_drop

void fake_place(void);

static inline void lock_take(struct lock *lock)
{
	fake_place();
	lock_take_now(lock);
}

static inline void lock_drop(struct lock *lock)
{
	lock_drop_now(lock);
	fake_place();
}
#endif
