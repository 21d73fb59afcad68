// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// pool: a budget of frames from which all other objects are made.
//
// A pool is a counter over the machine's frames. Child pools are carved: their
// limit is taken from the parent when they are made and returned when they are
// destroyed. Kernel objects are cut from the pool's own pages by size classes,
// so a page of kernel objects never mixes two pools. Destroying a pool destroys
// everything made from it.
//
// Grace period: the memory of a dead object goes to the pool's limbo list and is
// reused only after every CPU has been outside the kernel once, because look-ups
// read slots and objects without a lock. pool_quiesce() waits for that.
#ifndef KERNEL_OBJECT_POOL_H
#define KERNEL_OBJECT_POOL_H
#include "kernel/object/object.h"
#include "lib/base/status.h"

#define POOL_CLASSES 7 // 64, 128, 256, 512, 1024, 2048, 4096

struct slab; // a page of the pool cut into pieces of one class

struct pool {
	struct object object;
	struct pool *parent; // [I] NULL for the first
	u64 limit_pages; // [I]
	u64 used_pages; // atomic; children's limits included
	struct lock pool_lock; // guards what follows
	struct object *objects; // made from this pool, child pools included
	u64 nobjects;
	struct slab *partial[POOL_CLASSES];
	struct object *limbo; // dead objects whose memory awaits a grace period
	bool dying; // nothing more is made from it
};

// Charge and uncharge pages without taking frames (QUOTA).
[[nodiscard]] enum status pool_charge(struct pool *pool, u64 npages);
void pool_uncharge(struct pool *pool, u64 npages);

// A zeroed frame charged to the pool / its return. Used for page tables, radix
// nodes, data. QUOTA or MEMORY.
[[nodiscard]] enum status pool_frame_alloc(struct pool *pool, struct paddr *out);
void pool_frame_free(struct pool *pool, struct paddr frame);

// Memory for a kernel structure of at most 4096 bytes, zeroed. QUOTA, MEMORY, or
// DEAD when the pool is being destroyed.
[[nodiscard]] enum status pool_alloc(struct pool *pool, usize size_bytes,
				     void **out);
// At once: only for memory nobody else can still be looking at.
void pool_free(struct pool *pool, void *memory, usize size_bytes);

// An object: zeroed, header initialised, on the pool's list. Not yet referenced.
[[nodiscard]] enum status pool_object_alloc(struct pool *pool,
					    enum object_type type,
					    usize size_bytes,
					    struct object **out);
// Undo pool_object_alloc of an object never referenced.
void pool_object_abandon(struct object *object);

// The forest of this object has become empty, or its pool dies: mark it dead and
// queue it on this CPU's reaper. Safe to call once per object (checked).
void object_condemn(struct object *object);

// Destroy condemned objects, at most about 4,000 instructions' worth. Returns
// true when nothing is left to do. Holds no locks.
bool reaper_step(void);

[[nodiscard]] enum status pool_create(struct pool *parent, u64 limit_pages,
				      struct pool **out);
// The first pool, over all memory.
struct pool *pool_create_first(u64 limit_pages);
bool pool_destroy_step(struct pool *pool);
#endif
