// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// For tests of capabilities and pools alone: the smallest possible threads,
// endpoints, notifications and memory, so that the kernel's own need not be
// linked. What such a test never causes ends it.
#include "tests/fake_arch/fake.h"
#include "kernel/object/aspace.h"
#include "kernel/object/dma.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/guest.h"
#include "kernel/object/irq.h"
#include "kernel/object/memory.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"
#include "kernel/object/types.h"
#include "kernel/panic.h"
#include "kernel/sched/cpu.h"

struct cpu *cpus[CPU_MAX];
u32 cpu_count;
u64 cpus_online;
u32 fake_quiesces; // grace periods waited for
u32 fake_destroyed[OBJECT_TYPES]; // objects taken apart

void fake_relax(void)
{
	panic("spinning, and only one CPU runs");
}

void fake_place(void)
{
}

u64 tlb_unflushed(void)
{
	return 0;
}

void tlb_flush_finish_all(struct tlb_flush *flush)
{
	tlb_flush_finish(flush);
}

void tlb_flush_finish(struct tlb_flush *)
{
}

void cpu_serve(void)
{
}

void cpu_quiesce_all(void)
{
	lock_check_none();
	fake_quiesces++;
}

void aspace_flush_lost(void)
{
	lock_check_none();
}

enum status endpoint_create(struct pool *pool, u32, struct endpoint **out)
{
	return pool_object_alloc(pool, OBJECT_ENDPOINT, sizeof(struct endpoint),
				 (struct object **)out);
}

enum status notification_create(struct pool *pool, struct notification **out)
{
	return pool_object_alloc(pool, OBJECT_NOTIFICATION,
				 sizeof(struct notification),
				 (struct object **)out);
}

enum status thread_create(struct pool *pool, struct thread **out)
{
	struct object *object;
	enum status status = pool_object_alloc(pool, OBJECT_THREAD,
					       sizeof(struct thread), &object);

	if (status == STATUS_OK)
		*out = object_thread(object);
	return status;
}

enum status memory_create(struct pool *pool, u64 size_bytes, u64,
			  struct memory **out)
{
	enum status status =
		pool_object_alloc(pool, OBJECT_MEMORY, sizeof(struct memory),
				  (struct object **)out);

	if (status == STATUS_OK)
		(*out)->npages = size_bytes / PAGE_BYTES;
	return status;
}

// Takes two steps, as a real one may.
bool thread_destroy_step(struct thread *thread)
{
	if (!thread->stopped) {
		thread->stopped = true;
		return false;
	}
	fake_destroyed[OBJECT_THREAD]++;
	return true;
}

#define DESTROYED(NAME, name)                                                  \
	bool name##_destroy_step(struct name *)                                \
	{                                                                      \
		fake_destroyed[OBJECT_##NAME]++;                               \
		return true;                                                   \
	}
DESTROYED(ENDPOINT, endpoint)
DESTROYED(NOTIFICATION, notification)
DESTROYED(MEMORY, memory)

#define NEVER(type, call)                                                      \
	type call                                                              \
	{                                                                      \
		panic("%s", __func__);                                         \
	}
NEVER(bool, aspace_destroy_step(struct aspace *))
NEVER(bool, irq_destroy_step(struct irq *))
void irq_notification_lost(struct irq *)
{
}
NEVER(bool, guest_destroy_step(struct guest *))
NEVER(bool, dma_destroy_step(struct dma *))
NEVER(bool, timer_destroy_step(struct timer *))
NEVER(void, thread_slot_lost(struct thread *, struct slot *))
NEVER(void, thread_reply_lost_locked(struct thread *))
NEVER(void, mapping_lost_locked(struct mapping *))
NEVER(void, aspace_container_lost(struct aspace *))
NEVER(void, guest_lost(struct guest *))
NEVER(void, pin_lost_locked(struct dma_pin *))
