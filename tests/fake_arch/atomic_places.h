// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Included before every source of a test that wants places (fake_place()) not only
// at locks: before each atomic operation another CPU may make a step.
#ifndef TESTS_FAKE_ARCH_ATOMIC_PLACES_H
#define TESTS_FAKE_ARCH_ATOMIC_PLACES_H

void fake_place(void);

#define __atomic_load_n(...) (fake_place(), __atomic_load_n(__VA_ARGS__))
#define __atomic_store_n(...) (fake_place(), __atomic_store_n(__VA_ARGS__))
#define __atomic_exchange_n(...) (fake_place(), __atomic_exchange_n(__VA_ARGS__))
#define __atomic_fetch_or(...) (fake_place(), __atomic_fetch_or(__VA_ARGS__))
#define __atomic_fetch_and(...) (fake_place(), __atomic_fetch_and(__VA_ARGS__))
#define __atomic_fetch_add(...) (fake_place(), __atomic_fetch_add(__VA_ARGS__))
#define __atomic_fetch_sub(...) (fake_place(), __atomic_fetch_sub(__VA_ARGS__))
#define __atomic_add_fetch(...) (fake_place(), __atomic_add_fetch(__VA_ARGS__))
#define __atomic_compare_exchange_n(...)                                       \
	(fake_place(), __atomic_compare_exchange_n(__VA_ARGS__))
#endif
