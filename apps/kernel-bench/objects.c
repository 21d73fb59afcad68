// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Rows of one thread: cheap calls, capabilities, objects.
#include "apps/kernel-bench/bench.h"

#define SLOT_COPY (SLOT_ROW + 1)
#define NESTED 5 // slot of the inner cnode

static u64 null_call(u64 *)
{
	return MEASURE((void)!sys_null());
}

static u64 poll_idle(u64 *)
{
	make(SLOT_ROW, OBJECT_NOTIFICATION, 0, 0);
	return MEASURE((void)!sys_poll(ROW, ~0ull, nullptr));
}

// Poll through a cnode in the root cnode; what is not look-up, the way into the
// kernel and back, is subtracted: the null call.
static u64 lookup(u64 *rounds)
{
	struct handle nested = handle_of(SLOT_COPY << 16 | NESTED);
	u64 elapsed;

	make(SLOT_ROW, OBJECT_NOTIFICATION, 0, 0);
	make(SLOT_COPY, OBJECT_CNODE, 4, 0);
	must(sys_cap_copy(handle_of(SLOT_COPY), NESTED, ROW), "cap_copy");
	if (sys_poll(nested, ~0ull, nullptr) != ERR_AGAIN)
		must(ERR_STATE, "poll through two cnodes");
	samples = nullptr; // a difference of two has no single rounds
	elapsed = MEASURE((void)!sys_poll(nested, ~0ull, nullptr));
	*rounds = ROUNDS; // both loops are subtracted
	return elapsed - MEASURE((void)!sys_null());
}

static void copy_delete(void)
{
	(void)!sys_cap_copy(SELF_CNODE, SLOT_COPY, ROW);
	(void)!sys_cap_delete(SELF_CNODE, SLOT_COPY);
}

static u64 cap_copy_delete(u64 *)
{
	make(SLOT_ROW, OBJECT_NOTIFICATION, 0, 0);
	must(sys_cap_copy(SELF_CNODE, SLOT_COPY, ROW), "cap_copy");
	must(sys_cap_delete(SELF_CNODE, SLOT_COPY), "cap_delete");
	return MEASURE(copy_delete());
}

// What one capability adds to a revoke of many.
#define DERIVED_BITS 10

static u64 cap_revoke(u64 *rounds)
{
	u64 elapsed = 0;

	samples = nullptr; // one call takes many
	make(SLOT_ROW, OBJECT_NOTIFICATION, 0, 0);
	make(SLOT_COPY, OBJECT_CNODE, DERIVED_BITS, 0);
	for (*rounds = 0; *rounds < ROUNDS; *rounds += 1u << DERIVED_BITS) {
		u64 start;

		for (u32 i = 0; i < 1u << DERIVED_BITS; i++)
			must(sys_cap_copy(handle_of(SLOT_COPY), i, ROW),
			     "cap_copy");
		start = ticks();
		must(sys_cap_revoke(SELF_CNODE, SLOT_ROW), "cap_revoke");
		elapsed += ticks() - start;
	}
	return elapsed;
}

[[gnu::always_inline]] static inline void create_delete(u32 type, u64 a)
{
	(void)!sys_object_create(SELF_POOL, type, a, 0, NONE, SELF_CNODE,
				 SLOT_COPY);
	(void)!sys_cap_delete(SELF_CNODE, SLOT_COPY);
}

static u64 objects(void)
{
	u64 count;

	must(sys_pool_info(SELF_POOL, nullptr, nullptr, &count, nullptr,
			   nullptr),
	     "pool_info");
	return count;
}

// The last destruction counts until it is over.
#define MEASURE_OBJECT(type, a)                                                \
	({                                                                     \
		u64 before_ = objects(), start_, took_;                        \
		must(sys_object_create(SELF_POOL, type, a, 0, NONE,            \
				       SELF_CNODE, SLOT_COPY),                 \
		     "object_create");                                         \
		must(sys_cap_delete(SELF_CNODE, SLOT_COPY), "cap_delete");     \
		took_ = MEASURE(create_delete(type, a));                       \
		start_ = ticks();                                              \
		while (objects() > before_)                                    \
			;                                                      \
		took_ + (ticks() - start_);                                    \
	})

static u64 endpoint_create_delete(u64 *)
{
	return MEASURE_OBJECT(OBJECT_ENDPOINT, SERVER_LAYER);
}

static u64 thread_create_delete(u64 *)
{
	return MEASURE_OBJECT(OBJECT_THREAD, 0);
}

const struct row object_rows[] = {
	{"null-syscall", null_call},
	{"poll-notification", poll_idle},
	{"cap-lookup", lookup},
	{"cap-copy-delete", cap_copy_delete},
	{"cap-revoke", cap_revoke},
	{"endpoint-create-delete", endpoint_create_delete},
	{"thread-create-delete", thread_create_delete},
	{}};
