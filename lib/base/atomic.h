// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Words that several CPUs or threads change. The plain names have the order that
// is usual: a load acquires, a store releases, what reads and writes does both.
// relaxed: no order at all, for counters and hints. ordered: in one order with all
// other ordered ones, for two sides that each write one word and read the other's.
// at is the address of an integer, bool or pointer.
#pragma once

#define atomic_load(at) __atomic_load_n(at, __ATOMIC_ACQUIRE)
#define atomic_load_relaxed(at) __atomic_load_n(at, __ATOMIC_RELAXED)
#define atomic_load_ordered(at) __atomic_load_n(at, __ATOMIC_SEQ_CST)

#define atomic_store(at, value) __atomic_store_n(at, value, __ATOMIC_RELEASE)
#define atomic_store_relaxed(at, value)                                        \
	__atomic_store_n(at, value, __ATOMIC_RELAXED)
#define atomic_store_ordered(at, value)                                        \
	__atomic_store_n(at, value, __ATOMIC_SEQ_CST)

// These return what was there before.
#define atomic_swap(at, value) __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL)
#define atomic_or(at, bits) __atomic_fetch_or(at, bits, __ATOMIC_ACQ_REL)
#define atomic_and(at, bits) __atomic_fetch_and(at, bits, __ATOMIC_ACQ_REL)
#define atomic_add(at, n) __atomic_fetch_add(at, n, __ATOMIC_ACQ_REL)
#define atomic_add_relaxed(at, n) __atomic_fetch_add(at, n, __ATOMIC_RELAXED)
#define atomic_sub(at, n) __atomic_fetch_sub(at, n, __ATOMIC_ACQ_REL)
#define atomic_sub_relaxed(at, n) __atomic_fetch_sub(at, n, __ATOMIC_RELAXED)

// Put next where old is; false, and nothing is written, if something else is there.
#define atomic_replace(at, old, next)                                          \
	atomic_replace_with(at, old, next, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define atomic_replace_ordered(at, old, next)                                  \
	atomic_replace_with(at, old, next, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define atomic_replace_with(at, old, next, success, failure)                   \
	({                                                                     \
		typeof(*(at)) expected_ = (old);                               \
		__atomic_compare_exchange_n(at, &expected_, next, false,       \
					    success, failure);                 \
	})
