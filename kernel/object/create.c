// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// object_create and device_create: make an object from a pool and put its first
// capability, with all rights, into a slot. What fails half-way is condemned and
// taken apart by the reaper like any other object.
#include "gen/kernel/syscall_decode.h"
#include "kernel/mm/frame.h"
#include "kernel/object/aspace.h"
#include "kernel/object/cap.h"
#include "kernel/object/cnode.h"
#include "kernel/object/dma.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/guest.h"
#include "kernel/object/ioport.h"
#include "kernel/object/irq.h"
#include "kernel/object/memory.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/sched.h"
#include "kernel/object/thread.h"
#include "kernel/object/timer.h"
#include "lib/base/bits.h"

#define PHYSICAL_END (1ull << 52)

// Call name_create and, if it succeeds, set *out to the new object's header.
#define CREATE(name, ...)                                                      \
	({                                                                     \
		struct name *created_;                                         \
		enum status status_ = name##_create(__VA_ARGS__, &created_);   \
		if (status_ == STATUS_OK)                                      \
			*out = &created_->object;                              \
		status_;                                                       \
	})

static enum status create_aspace(struct thread *self, struct pool *pool,
				 u64 kind, struct handle c, struct object **out)
{
	struct cap_ref container;
	enum status status;

	if (kind > ASPACE_FOREIGN)
		return ERR_ARGUMENT;
	if (kind != ASPACE_FOREIGN)
		return CREATE(aspace, pool, (u32)kind, nullptr);
	status = cap_lookup(self, c.value, OBJECT_ASPACE, RIGHT_CONTROL,
			    &container);
	if (status != STATUS_OK)
		return status;
	return CREATE(aspace, pool, (u32)kind, &container);
}

// Never more than what it is made under allows; an account is not divided.
static enum status create_sched(struct thread *self, struct pool *pool,
				u64 limits, u64 cpus, struct handle c,
				struct object **out)
{
	struct cap_ref above;
	enum status status =
		cap_lookup(self, c.value, OBJECT_SCHED, RIGHT_CONTROL, &above);

	if (status != STATUS_OK)
		return status;
	const struct sched *sched = (struct sched *)cap_object(&above);
	if (SCHED_CEILING(limits) > sched->ceiling || cpus & ~sched->cpus ||
	    sched->budget_ns)
		return ERR_RANGE;
	return CREATE(sched, pool, limits, cpus);
}

static enum status create_guest(struct thread *self, struct pool *pool,
				u64 offset, struct handle c,
				struct object **out)
{
	struct cap_ref memory;
	enum status status = cap_lookup(self, c.value, OBJECT_MEMORY,
					RIGHT_READ | RIGHT_WRITE, &memory);

	if (status != STATUS_OK)
		return status;
	return CREATE(guest, pool, &memory, offset);
}

// Only what is no memory of ours: device registers, tables of the firmware.
static enum status create_physical(struct pool *pool, u64 start, u64 size_bytes,
				   struct object **out)
{
	struct memory *memory;
	enum status status;

	if (!range_within(start, size_bytes, PHYSICAL_END) ||
	    (!frame_range_is_device(start, size_bytes) && !BUG(109)))
		return ERR_ARGUMENT;
	status = memory_create_physical(pool, (struct paddr){start}, size_bytes,
					MEMORY_DEVICE, &memory);
	if (status == STATUS_OK)
		*out = &memory->object;
	return status;
}

// What only the holder of the right to devices may make.
#define DEVICE(type) ((u64)(type) | 1ull << 32)

static enum status create(struct thread *self, struct pool *pool, u64 type,
			  u64 a, u64 b, struct handle c, struct object **out)
{
	switch (type) {
	case OBJECT_CNODE:
		return a > CNODE_MAX_BITS ? ERR_ARGUMENT
					  : CREATE(cnode, pool, (u32)a);
	case OBJECT_ENDPOINT:
		return a > 255 ? ERR_ARGUMENT : CREATE(endpoint, pool, (u32)a);
	case OBJECT_NOTIFICATION:
		return CREATE(notification, pool);
	case OBJECT_THREAD:
		return CREATE(thread, pool);
	case OBJECT_ASPACE:
		return create_aspace(self, pool, a, c, out);
	case OBJECT_MEMORY:
		return CREATE(memory, pool, a, b);
	case OBJECT_POOL:
		return CREATE(pool, pool, a);
	case OBJECT_SCHED:
		return create_sched(self, pool, a, b, c, out);
	case OBJECT_GUEST:
		return create_guest(self, pool, a, c, out);
	case OBJECT_TIMER:
		return CREATE(timer, pool);
	case DEVICE(OBJECT_IRQ):
		return CREATE(irq, pool, a, b);
	case DEVICE(OBJECT_IOPORT):
		return CREATE(ioport, pool, a, b);
	case DEVICE(OBJECT_DMA):
		return CREATE(dma, pool);
	case DEVICE(OBJECT_MEMORY):
		return create_physical(pool, a, b, out);
	default:
		return ERR_ARGUMENT;
	}
}

// What would refuse the capability is found before anything is made.
static enum status check_slot(const struct cap_ref *cap, u32 index)
{
	const struct slot *slot =
		cnode_slot(object_cnode(cap_object(cap)), index);

	if (!slot)
		return ERR_RANGE;
	return slot_word(slot) ? ERR_OCCUPIED : STATUS_OK;
}

// Make the object and put its first capability in place, or come again if memory
// of dead objects can be had first.
static enum status create_at(struct thread *self, struct pool *pool, u64 type,
			     u64 a, u64 b, struct handle c,
			     const struct cap_ref *cnode, u32 index)
{
	struct object *object = nullptr;
	enum status status = check_slot(cnode, index);

	if (status != STATUS_OK)
		return status;
	status = create(self, pool, type, a, b, c, &object);
	if (status != STATUS_OK)
		return pool_reclaim_for(pool, status);
	status = cap_install(cnode, index, object, RIGHTS_ALL, 0);
	if (status != STATUS_OK)
		object_condemn(object);
	return status;
}

enum status sysk_object_create(struct thread *self, struct cap_ref *cap,
			       u32 type, u64 a, u64 b, struct handle c,
			       struct cap_ref *cnode, u32 index)
{
	return create_at(self, object_pool(cap_object(cap)), type, a, b, c,
			 cnode, index);
}

enum status sysk_device_create(struct thread *self, struct cap_ref *, u32 type,
			       u64 a, u64 b, struct cap_ref *pool_cap,
			       struct cap_ref *cnode, u32 index)
{
	return create_at(self, object_pool(cap_object(pool_cap)), DEVICE(type),
			 a, b, (struct handle){}, cnode, index);
}
