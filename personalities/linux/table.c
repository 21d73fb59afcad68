// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The table of system calls, made from coverage.def, and the count of those that
// programs ask for and do not get.
#include "lib/base/format.h"
#include "lib/sys/component.h"
#include "personalities/linux/arch/registers.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/process.h"

#define ENTRY_DONE(name) call_##name
#define ENTRY_PARTLY(name) call_##name
#define ENTRY_NO(name) nullptr
#define LOCK_LOCKED true
#define LOCK_FREE false
#define LOCK_NONE false

const struct call_entry call_table[] = {
#define ROW(number, name, state, lock)                                         \
	[number] = {ENTRY_##state(name), #name, LOCK_##lock},
#include "personalities/linux/arch/coverage.h"
#include "personalities/linux/coverage.def"
};

const u32 call_table_entries = ARRAY_COUNT(call_table);

static u32 missing[ARRAY_COUNT(call_table) + 1]; // last: numbers out of range

static i64 missing_call(u64 number)
{
	u64 index = number < ARRAY_COUNT(call_table) ? number
						     : ARRAY_COUNT(call_table);

	__atomic_fetch_add(&missing[index], 1, __ATOMIC_RELAXED);
	return -ENOSYS;
}

usize missing_calls_text(char *to, usize size)
{
	usize length = 0;

	for (u32 i = 0; i < ARRAY_COUNT(missing) && length < size; i++) {
		u32 count = __atomic_load_n(&missing[i], __ATOMIC_RELAXED);
		const char *name =
			i < ARRAY_COUNT(call_table) && call_table[i].name
			? call_table[i].name
			: "(unknown number)";

		if (count)
			length += format_text(
				to + length, size - length,
				"missing: %s (%u), asked for %u times\n", name,
				i, count);
	}
	return length < size ? length : size;
}

static bool wants_attention(i64 result)
{
	return result == -ERESTART_IF_ASKED ||
		result == -ERESTART_UNLESS_HANDLED;
}

void call_dispatch(struct thread *thread)
{
	struct guest_state *state = thread->carrier->state;
	u64 number = guest_call_number(state);
	u64 a[6] = {guest_argument(state, 0), guest_argument(state, 1),
		    guest_argument(state, 2), guest_argument(state, 3),
		    guest_argument(state, 4), guest_argument(state, 5)};
	const struct call_entry *entry;
	i64 result;

	if (number >= ARRAY_COUNT(call_table) || !call_table[number].handler) {
		guest_set_result(state, (u64)missing_call(number));
		return;
	}
	entry = &call_table[number];
	thread->current_call = number;
	if (entry->locked) {
		mutex_lock(&container_lock);
		result = entry->handler(thread, a);
		mutex_unlock(&container_lock);
	} else {
		result = entry->handler(thread, a);
	}
	if (result == NO_RESULT)
		return;
	guest_set_result(state, (u64)result);
	if (wants_attention(result)) {
		thread->call_number = number;
		thread->call_first = a[0];
		__atomic_store_n(&thread->attention, 1, __ATOMIC_RELEASE);
	}
}
