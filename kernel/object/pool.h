// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// pool: a budget of frames from which all other objects are made.
//
// A pool is a counter over the machine's frames. Child pools are carved: their
// limit is taken from the parent when they are made and returned when they are
// destroyed. Kernel objects are cut from the pool's own pages by size classes,
// so a page of kernel objects never mixes two pools. Destroying a pool destroys
// everything made from it, child pools and threads first.
//
// Life of an object: made from a pool (pool_object_alloc), referred to by slots
// (with the first it joins the pool's list); when the last goes, or its pool
// dies, it is condemned: off the pool's list, on the reaper's of this CPU. The reaper empties its
// forest (a pool: first destroys its contents), takes it apart by its type's
// destroy_step and puts the memory into the pool's limbo.
//
// Grace period: what is in limbo is reused only after every CPU has been outside
// the kernel once, because look-ups read slots and objects without a lock.
#ifndef KERNEL_OBJECT_POOL_H
#define KERNEL_OBJECT_POOL_H
#include "kernel/object/object.h"
#include "lib/base/status.h"

#define POOL_CLASSES 7 // 64, 128, 256, 512, 1024, 2048, 4096

struct pool {
	struct object object;
	struct pool *parent; // [I] NULL for the first
	u64 limit_pages; // [I]
	u64 used_pages; // atomic; children's limits included
	u64 ncaps; // atomic: cnode slots that refer to objects made from it
	struct lock pool_lock; // guards what follows
	bool dying; // nothing more is made from it
	u64 nobjects; // made from it and not released yet
	u64 nfirst; // those of them that must go first and are not in limbo yet
	u64 nlimbo;
	// Made from this pool and alive; pools and threads before the rest.
	struct list objects;
	struct list limbo; // dead objects whose memory awaits a grace period
	u32 partial[POOL_CLASSES]; // slab pages with free pieces: frame numbers
};

static inline struct pool *object_pool(struct object *object)
{
	return (struct pool *)object;
}

// Charge and uncharge pages without taking frames (QUOTA).
[[nodiscard]] enum status pool_charge(struct pool *pool, u64 npages);
void pool_uncharge(struct pool *pool, u64 npages);

// 2^order zeroed frames in one piece, charged to the pool / their return. QUOTA or
// MEMORY.
[[nodiscard]] enum status pool_frames_alloc(struct pool *pool, u32 order,
					    struct paddr *out);
void pool_frames_free(struct pool *pool, u32 order, struct paddr frame);

// Memory for a kernel structure of at most 4096 bytes, zeroed. QUOTA, MEMORY, or
// DEAD when the pool is being destroyed.
[[nodiscard]] enum status pool_alloc(struct pool *pool, usize size_bytes,
				     void **out);
// At once: only for memory nobody else can still be looking at.
void pool_free(struct pool *pool, void *memory, usize size_bytes);

// An object: zeroed, header initialised, not yet referenced. size_bytes is that
// of the whole structure; *out points to its struct object, which lies at the
// beginning but for threads.
[[nodiscard]] enum status pool_object_alloc(struct pool *pool,
					    enum object_type type,
					    usize size_bytes,
					    struct object **out);
// The same for a structure with a member object: *out is set on success.
#define POOL_NEW(pool, type, out)                                              \
	({                                                                     \
		struct object *object_;                                        \
		enum status status_ = pool_object_alloc(                       \
			pool, type, sizeof(**(out)), &object_);                \
		if (status_ == STATUS_OK)                                      \
			*(out) = CONTAINER_OF(object_, typeof(**(out)),        \
					      object);                         \
		status_;                                                       \
	})
// Undo pool_object_alloc of an object never referenced.
void pool_object_abandon(struct object *object);
// The first slot refers to it: put it on the pool's list. Object's lock held.
void pool_object_listed(struct object *object);

// Mark the object dead and queue it on this CPU's reaper; nothing happens if it
// is dead already. For when its forest has become empty, or its pool dies. Not
// with the lock of an object held.
void object_condemn(struct object *object);

// Destroy condemned objects, at most about 4,000 instructions' worth. Returns
// true when this CPU's list is empty. Where no lock is held and no look-up
// result is in use (it may wait for a grace period), so on the way out of the
// kernel only; the current thread may be among what it destroys.
[[gnu::noinline]] bool reaper_step(void);

// Called at a point such as reaper_step's, when something was refused for QUOTA
// or MEMORY or exact figures are wanted: true if memory came free or is about to
// (the system call should be restarted), false if there is nothing to wait for.
bool pool_reclaim(struct pool *pool);
// The same for the status of what was tried: RESTART if it was refused so.
[[nodiscard]] static inline enum status pool_reclaim_for(struct pool *pool,
							 enum status status)
{
	if ((status == ERR_QUOTA || status == ERR_MEMORY) && pool_reclaim(pool))
		return STATUS_RESTART;
	return status;
}

[[nodiscard]] enum status pool_create(struct pool *parent, u64 limit_pages,
				      struct pool **out);
// The first pool, over all memory.
struct pool *pool_create_first(u64 limit_pages);
// A step of destroying what was made from the pool; true when all is gone.
bool pool_destroy_step(struct pool *pool);
// Is pool the same as other, or carved out of it at any depth?
bool pool_within(const struct pool *pool, const struct pool *other);
#endif
