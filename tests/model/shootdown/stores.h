// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Included before every source: at each atomic operation of the kernel another CPU
// may go on, and what it stores atomically goes through the CPU's store buffer (see
// main.c). A read-modify-write and a fence empty the buffer first, as they do on
// x86-64; loads look into it.
#ifndef TESTS_MODEL_SHOOTDOWN_STORES_H
#define TESTS_MODEL_SHOOTDOWN_STORES_H

void fake_place(void);
void buffer_drain(void); // this CPU's
// False: not buffered, the caller stores it.
_Bool buffer_store(void *at, const void *value, unsigned bytes);
void buffer_load(const void *at, void *value, unsigned bytes);

#define __atomic_load_n(at, order)                                             \
	({                                                                     \
		fake_place();                                                  \
		__auto_type loaded_ = __atomic_load_n(at, order);              \
		buffer_load(at, &loaded_, sizeof loaded_);                     \
		loaded_;                                                       \
	})
#define __atomic_store_n(at, value, order)                                     \
	({                                                                     \
		__typeof__(at) at_ = (at);                                     \
		__typeof__(*at_) value_ = (value);                             \
		fake_place();                                                  \
		if (!buffer_store(at_, &value_, sizeof value_))                \
			__atomic_store_n(at_, value_, order);                  \
	})
#define PLACE_ (fake_place(), buffer_drain())
#define __atomic_exchange_n(...) (PLACE_, __atomic_exchange_n(__VA_ARGS__))
#define __atomic_fetch_or(...) (PLACE_, __atomic_fetch_or(__VA_ARGS__))
#define __atomic_fetch_and(...) (PLACE_, __atomic_fetch_and(__VA_ARGS__))
#define __atomic_fetch_add(...) (PLACE_, __atomic_fetch_add(__VA_ARGS__))
#define __atomic_fetch_sub(...) (PLACE_, __atomic_fetch_sub(__VA_ARGS__))
#define __atomic_add_fetch(...) (PLACE_, __atomic_add_fetch(__VA_ARGS__))
#define __atomic_compare_exchange_n(...)                                       \
	(PLACE_, __atomic_compare_exchange_n(__VA_ARGS__))
#define __atomic_thread_fence(order) PLACE_
#endif
