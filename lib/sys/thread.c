// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Further threads of a component: same address space, same capabilities, same
// layer and priority as the first, and its faults go to the same place.
#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/sys/component.h"

#define START_TRIES 100000

struct beginning {
	void (*entry)(void *);
	void *argument;
	u32 slot;
};

extern char thread_start_here[];
[[noreturn]] void thread_begin(struct beginning *beginning);

[[noreturn]] void thread_begin(struct beginning *beginning)
{
	struct beginning begin = *beginning;

	heap_free(beginning);
	begin.entry(begin.argument);
	// Its stack cannot be freed by itself: it stays stopped.
	for (;;)
		(void)!sys_thread_stop(handle_of(begin.slot));
}

static u64 number(const char *name, u64 otherwise)
{
	const struct startup_cap *cap = startup_find(name, STARTUP_NUMBER);

	return cap ? cap->a : otherwise;
}

static struct handle parent(void)
{
	u32 type = OBJECT_NONE;

	if (sys_cap_info(handle_of(SLOT_PARENT), &type, nullptr, nullptr) !=
		STATUS_OK || type != OBJECT_ENDPOINT)
		return handle_of(0);
	return handle_of(SLOT_PARENT);
}

static enum status prepare(struct handle thread)
{
	enum status status = sys_thread_configure(thread, SELF_ASPACE,
		SELF_CNODE, parent(), (u32)number("layer", 20), 0);

	if (status != STATUS_OK)
		return status;
	return sys_thread_schedule(thread, handle_of(SLOT_SCHED),
		(u32)number("priority", 0), 100, 0);
}

// A request of thread_schedule may still be on its way to the thread's CPU: until
// it has arrived the thread cannot be started.
static enum status start(u32 slot, u64 stack_top, struct beginning *begin)
{
	enum status status = ERR_STATE;

	for (u32 i = 0; i < START_TRIES && status == ERR_STATE; i++) {
		if (i)
			(void)!sys_yield();
		status = sys_thread_start(handle_of(slot),
			(u64)thread_start_here, stack_top, (u64)begin, 0);
	}
	return status;
}

enum status thread_spawn(void (*entry)(void *), void *argument,
	usize stack_bytes, u32 *thread_slot)
{
	struct beginning *begin = heap_alloc(sizeof(*begin));
	u8 *stack = heap_alloc(stack_bytes);
	u32 slot = slot_alloc();
	enum status status = ERR_MEMORY;

	if (begin && stack)
		status = sys_object_create(SELF_POOL, OBJECT_THREAD, 0, 0,
			handle_of(0), SELF_CNODE, slot);
	if (status == STATUS_OK)
		status = prepare(handle_of(slot));
	if (status == STATUS_OK) {
		*begin = (struct beginning){entry, argument, slot};
		*thread_slot = slot;
		status = start(slot, (u64)(stack + stack_bytes), begin);
	}
	if (status == STATUS_OK)
		return STATUS_OK;
	slot_free(slot);
	heap_free(stack);
	heap_free(begin);
	return status;
}
