// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Pools: charging, pieces of slab pages, the life of objects, the reaper.
//
// Slab pages. A page holds pieces of one size class, aligned to their size. Its
// entry in the frame table says how many are in use (shares), the class (order)
// and the first free piece (pins); a free piece begins with 1 + the number of
// the next one. Pages with free pieces are in the pool's list of their class;
// an empty page goes back at once. Debug builds fill free pieces and what lies
// between a structure and the end of its piece with patterns and check them.
#include "kernel/object/pool.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/arch/arch.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/object/aspace.h"
#include "kernel/object/cap.h"
#include "kernel/object/cnode.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"
#include "kernel/object/types.h"
#include "kernel/panic.h"
#include "kernel/sched/cpu.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define MIN_PIECE_BITS 6
#define POOL_MAX_DEPTH 32 // pools carved from pools
#define LIMBO_BATCH 64 // dead objects worth a grace period
#define LARGE_CNODE 255 // mask of a cnode worth one alone
#define REVOKE_BATCH 32 // slots emptied in a step
#define CONDEMN_BATCH 16
#define REAP_BATCH 4

#define POISON_FREE 0x6b
#define POISON_ZONE 0xa5

// ---- charging

enum status pool_charge(struct pool *pool, u64 npages)
{
	u64 used;

	do {
		used = atomic_load_relaxed(&pool->used_pages);
		if (npages > pool->limit_pages - used)
			return ERR_QUOTA;
	} while (!atomic_replace(&pool->used_pages, used, used + npages));
	return STATUS_OK;
}

void pool_uncharge(struct pool *pool, u64 npages)
{
	u64 used = atomic_sub_relaxed(&pool->used_pages, npages);

	kassert(used >= npages);
}

static enum status charged_frames(struct pool *pool, u32 order,
				  struct paddr *out)
{
	enum status status = pool_charge(pool, 1ull << order);

	if (status != STATUS_OK)
		return status;
	status = frame_alloc(order, out);
	if (status != STATUS_OK)
		pool_uncharge(pool, 1ull << order);
	return status;
}

enum status pool_frames_alloc(struct pool *pool, u32 order, struct paddr *out)
{
	enum status status = charged_frames(pool, order, out);

	if (status == STATUS_OK)
		memset(arch_direct(*out), 0, (usize)PAGE_BYTES << order);
	return status;
}

void pool_frames_free(struct pool *pool, u32 order, struct paddr frame)
{
	frame_free(frame, order);
	pool_uncharge(pool, 1ull << order);
}

// ---- slab pages; pool lock held

static u32 class_of(usize size_bytes)
{
	if (size_bytes <= 1 << MIN_PIECE_BITS)
		return 0;
	return highest_bit(size_bytes - 1) + 1 - MIN_PIECE_BITS;
}

static usize class_bytes(u32 class)
{
	return 1ull << (class + MIN_PIECE_BITS);
}

static u8 *page_of(const struct frame *frame)
{
	return arch_direct(
		(struct paddr){(u64)frame_number(frame) << PAGE_BITS});
}

static void poison(void *memory, u8 pattern, usize from, usize to)
{
	if (DEBUG_BUILD && to > from)
		memset((u8 *)memory + from, pattern, to - from);
}

static void poison_check(const void *memory, u8 pattern, usize from, usize to)
{
	for (usize i = from; DEBUG_BUILD && i < to; i++)
		if (((const u8 *)memory)[i] != pattern)
			panic("kernel memory %p: byte %lu overwritten", memory,
			      i);
}

static enum status slab_page_add(struct pool *pool, u32 class)
{
	struct paddr address;
	enum status status = charged_frames(pool, 0, &address);
	u32 npieces = PAGE_BYTES / class_bytes(class);

	if (status != STATUS_OK)
		return status;
	struct frame *frame = frame_of(address);
	u8 *page = arch_direct(address);
	poison(page, POISON_FREE, 0, PAGE_BYTES);
	for (u32 i = 0; i < npieces; i++)
		*(u16 *)(page + i * class_bytes(class)) =
			i + 1 < npieces ? (u16)(i + 2) : 0;
	frame->shares = 0;
	frame->order = (u8) class;
	frame->pins = 1;
	frame_link(&pool->partial[class], frame_number(frame));
	return STATUS_OK;
}

static void *piece_take(struct pool *pool, u32 class)
{
	struct frame *frame = frame_at(pool->partial[class]);
	u8 *piece = page_of(frame) + (frame->pins - 1) * class_bytes(class);

	poison_check(piece, POISON_FREE, sizeof(u16), class_bytes(class));
	frame->pins = *(u16 *)piece;
	frame->shares++;
	if (!frame->pins)
		frame_unlink(&pool->partial[class], frame_number(frame));
	return piece;
}

static void piece_put(struct pool *pool, void *piece, u32 class)
{
	struct paddr address = arch_physical(piece);
	struct frame *frame = frame_of(address);

	kassert(frame && frame->state == FRAME_USED && frame->order == class &&
		frame->shares);
	poison(piece, POISON_FREE, 0, class_bytes(class));
	*(u16 *)piece = frame->pins;
	if (!frame->pins && !(BUG(112) && frame->shares > 1))
		frame_link(&pool->partial[class], frame_number(frame));
	frame->pins =
		(u16)(1 +
		      (address.value & (PAGE_BYTES - 1)) / class_bytes(class));
	if (--frame->shares)
		return;
	frame_unlink(&pool->partial[class], frame_number(frame));
	frame->pins = 0;
	address.value = align_down(address.value, PAGE_BYTES);
	pool_frames_free(pool, 0, address);
}

// objects, first: what the memory counts as in the pool, from the moment it is
// taken: a dying pool that has none is gone.
static enum status alloc_counted(struct pool *pool, usize size_bytes,
				 u32 objects, u32 first, void **out)
{
	u32 class = class_of(size_bytes);
	enum status status = STATUS_OK;

	kassert(size_bytes <= PAGE_BYTES);
	lock_take(&pool->pool_lock);
	if (pool->dying)
		status = ERR_DEAD;
	else if (pool->partial[class] == FRAME_NONE)
		status = slab_page_add(pool, class);
	if (status == STATUS_OK) {
		*out = piece_take(pool, class);
		pool->nobjects += objects;
		pool->nfirst += first;
	}
	lock_drop(&pool->pool_lock);
	if (status != STATUS_OK)
		return status;
	memset(*out, 0, size_bytes);
	poison(*out, POISON_ZONE, size_bytes, class_bytes(class));
	return STATUS_OK;
}

static void free_counted(struct pool *pool, void *memory, usize size_bytes,
			 u32 objects, u32 first)
{
	u32 class = class_of(size_bytes);

	poison_check(memory, POISON_ZONE, size_bytes, class_bytes(class));
	lock_take(&pool->pool_lock);
	piece_put(pool, memory, class);
	pool->nobjects -= objects;
	pool->nfirst -= first;
	lock_drop(&pool->pool_lock);
}

enum status pool_alloc(struct pool *pool, usize size_bytes, void **out)
{
	return alloc_counted(pool, size_bytes, 0, 0, out);
}

void pool_free(struct pool *pool, void *memory, usize size_bytes)
{
	free_counted(pool, memory, size_bytes, 0, 0);
}

// ---- objects

static usize header_offset(enum object_type type)
{
	return type == OBJECT_THREAD ? OFFSET_OF(struct thread, object) : 0;
}

// Those that must be gone before the rest of a dying pool is touched.
static bool goes_first(enum object_type type)
{
	return type == OBJECT_POOL || type == OBJECT_THREAD;
}

enum status pool_object_alloc(struct pool *pool, enum object_type type,
			      usize size_bytes, struct object **out)
{
	void *memory;
	enum status status = alloc_counted(pool, size_bytes, 1,
					   goes_first(type), &memory);

	if (status != STATUS_OK)
		return status;
	struct object *object =
		(struct object *)((u8 *)memory + header_offset(type));
	object->type = type;
	object->size_bytes = (u16)size_bytes;
	object->pool = pool;
	lock_init(&object->lock,
		  type == OBJECT_ASPACE ? LOCK_ASPACE : LOCK_OBJECT);
	*out = object;
	return STATUS_OK;
}

void pool_object_listed(struct object *object)
{
	struct pool *pool = object->pool;

	if (!pool || object->listed)
		return;
	object->listed = true;
	lock_take(&pool->pool_lock);
	list_insert_after(goes_first(object->type) ? &pool->objects
					     : pool->objects.prev,
			  &object->in_pool);
	lock_drop(&pool->pool_lock);
}

static struct object *entry_object(struct list *node)
{
	return LIST_ENTRY(node, struct object, in_pool);
}

// Its memory goes back to the pool. Nobody looks at it any more.
static void object_release(struct object *object, u32 first)
{
	if (object->type == OBJECT_CNODE && !BUG(114))
		cnode_release(object_cnode(object));
	free_counted(object->pool, (u8 *)object - header_offset(object->type),
		     object->size_bytes, 1, first);
}

void pool_object_abandon(struct object *object)
{
	kassert(!object->listed && !object->dead);
	object_release(object, goes_first(object->type));
}

// ---- the reaper: a list per CPU

static struct lock reaper_lock = {.rank = LOCK_POOL};

static void reaper_put(struct cpu *cpu, struct object *object)
{
	lock_take(&reaper_lock);
	list_add_last(&cpu->condemned, &object->in_pool);
	cpu->reaper++;
	lock_drop(&reaper_lock);
}

static struct object *reaper_take(struct cpu *cpu)
{
	struct list *node;

	lock_take(&reaper_lock);
	node = list_take_first(&cpu->condemned);
	if (node)
		cpu->reaper--;
	lock_drop(&reaper_lock);
	return node ? entry_object(node) : nullptr;
}

// Take over what other CPUs have condemned and not come to destroy.
static void reaper_take_over(struct cpu *cpu)
{
	lock_take(&reaper_lock);
	for (u32 i = 0; i < cpu_count; i++) {
		struct cpu *other = cpus[i];

		if (other == cpu || !other->reaper)
			continue;
		list_join(&cpu->condemned, &other->condemned);
		list_remove(&other->condemned);
		cpu->reaper += other->reaper;
		other->reaper = 0;
	}
	lock_drop(&reaper_lock);
}

void object_condemn(struct object *object)
{
	struct pool *pool = object->pool;

	if (!pool)
		return;
	lock_take(&object->lock);
	bool again = object->condemned;
	object->dead = object->condemned = true;
	if (!again && object->listed) {
		lock_take(&pool->pool_lock);
		list_remove(&object->in_pool);
		lock_drop(&pool->pool_lock);
	}
	lock_drop(&object->lock);
	if (!again && !(BUG(113) && !object->roots))
		reaper_put(cpu_self(), object);
}

// Empty its forest in steps; true when it is empty.
static bool forest_step(struct object *object)
{
	bool left = true;

	lock_take(&object->lock);
	for (u32 i = 0; left && i < REVOKE_BATCH; i++)
		left = slot_revoke_step_locked(object, nullptr);
	lock_drop(&object->lock);
	aspace_flush_lost();
	return !left;
}

static bool pool_finish(struct pool *pool)
{
	kassert_debug(!pool->used_pages);
	if (pool->used_pages)
		klog("a pool was destroyed with %lu pages in use",
		     pool->used_pages);
	if (!BUG(110))
		pool_uncharge(pool->parent, pool->limit_pages);
	return true;
}

// Nobody begins to use it any more, and after a grace period nobody is in the middle
// of that.
static void await_unused(struct object *object)
{
	if (object->unused || BUG(182))
		return;
	cpu_quiesce_all();
	cpu_serve();
	object->unused = true;
}

static bool destroy_step(struct object *object)
{
	if (object->type == OBJECT_POOL &&
	    !pool_destroy_step(object_pool(object)))
		return false;
	if (!forest_step(object))
		return false;
	switch (object->type) {
	case OBJECT_THREAD:
		return thread_destroy_step(object_thread(object));
	case OBJECT_POOL:
		return pool_finish(object_pool(object));
#define DESTROY(NAME, name)                                                    \
	case OBJECT_##NAME:                                                    \
		return name##_destroy_step((struct name *)object);
		OBJECTS_DESTROYED(DESTROY)
#undef DESTROY
#define DESTROY(NAME, name)                                                    \
	case OBJECT_##NAME:                                                    \
		await_unused(object);                                          \
		return name##_destroy_step((struct name *)object);
		OBJECTS_DESTROYED_UNUSED(DESTROY)
#undef DESTROY
	default:
		return true;
	}
}

// Everything in limbo is reused after a grace period. False if nothing was.
// Afterwards the pool itself may be gone.
static bool limbo_empty(struct pool *pool)
{
	struct list dead, *node;

	lock_take(&pool->pool_lock);
	list_init(&dead);
	list_join(&pool->limbo, &dead);
	list_remove(&pool->limbo);
	pool->nlimbo = 0;
	lock_drop(&pool->pool_lock);
	if (list_empty(&dead))
		return false;
	BUG(176) ? (void)0 : cpu_quiesce_all();
	while ((node = list_take_first(&dead)))
		object_release(entry_object(node), 0);
	return true;
}

static void object_bury(struct object *object)
{
	struct pool *pool = object->pool;

	lock_take(&pool->pool_lock);
	list_add_last(&pool->limbo, &object->in_pool);
	pool->nfirst -= goes_first(object->type);
	bool full = ++pool->nlimbo >= (cpu_count > 1 ? LIMBO_BATCH : 1) ||
		(object->type == OBJECT_CNODE &&
		 object_cnode(object)->mask > LARGE_CNODE);
	lock_drop(&pool->pool_lock);
	if (full)
		(void)limbo_empty(pool);
}

bool reaper_step(void)
{
	struct cpu *cpu = cpu_self();

	for (u32 i = 0; cpu->reaper && i < REAP_BATCH; i++) {
		struct object *object = reaper_take(cpu);

		if (!object)
			break;
		if (!destroy_step(object)) {
			reaper_put(cpu, object);
			break;
		}
		object_bury(object);
	}
	return !cpu->reaper;
}

bool pool_reclaim(struct pool *pool)
{
	struct cpu *cpu = cpu_self();

	if (!cpu->reaper)
		reaper_take_over(cpu);
	return cpu->reaper || limbo_empty(pool);
}

// ---- pools as objects

static void pool_init(struct pool *pool, struct pool *parent, u64 limit_pages)
{
	pool->parent = parent;
	pool->limit_pages = limit_pages;
	lock_init(&pool->pool_lock, LOCK_POOL);
	list_init(&pool->objects);
	list_init(&pool->limbo);
	for (u32 i = 0; i < POOL_CLASSES; i++)
		pool->partial[i] = FRAME_NONE;
}

static u32 pool_depth(const struct pool *pool)
{
	u32 depth = 0;

	while ((pool = pool->parent))
		depth++;
	return depth;
}

enum status pool_create(struct pool *parent, u64 limit_pages, struct pool **out)
{
	enum status status;

	if (!limit_pages || pool_depth(parent) >= POOL_MAX_DEPTH)
		return ERR_ARGUMENT;
	status = POOL_NEW(parent, OBJECT_POOL, out);
	if (status != STATUS_OK)
		return status;
	status = pool_charge(parent, limit_pages);
	if (status != STATUS_OK) {
		if (!BUG(111))
			pool_object_abandon(&(*out)->object);
		return status;
	}
	pool_init(*out, parent, limit_pages);
	return STATUS_OK;
}

struct pool *pool_create_first(u64 limit_pages)
{
	static struct pool first;

	first = (struct pool){.object.type = OBJECT_POOL};
	lock_init(&first.object.lock, LOCK_OBJECT);
	pool_init(&first, nullptr, limit_pages);
	return &first;
}

bool pool_destroy_step(struct pool *pool)
{
	for (u32 i = 0; i < CONDEMN_BATCH; i++) {
		lock_take(&pool->pool_lock);
		pool->dying = true;
		struct list *first = list_first(&pool->objects);
		struct object *object = first ? entry_object(first) : nullptr;
		bool wait = object && !goes_first(object->type) && pool->nfirst;
		bool gone = !pool->nobjects;
		bool in_limbo = !gone && pool->nlimbo == pool->nobjects;
		lock_drop(&pool->pool_lock);
		if (gone)
			return true;
		if (in_limbo) {
			(void)limbo_empty(pool);
			return false;
		}
		if (!object || wait)
			break;
		if (BUG(137) && pool->parent->parent && object->roots)
			return true;
		object_condemn(object);
	}
	if (!cpu_self()->reaper)
		reaper_take_over(cpu_self());
	return false;
}

bool pool_within(const struct pool *pool, const struct pool *other)
{
	while (pool && pool != other)
		pool = pool->parent;
	return pool;
}

// ---- system calls

enum status sysk_pool_info(struct thread *, struct cap_ref *cap,
			   struct pool_info_result *out)
{
	struct pool *pool = object_pool(cap_object(cap));

	if (pool_reclaim(pool))
		return STATUS_RESTART;
	lock_take(&pool->pool_lock);
	out->limit_pages = pool->limit_pages;
	out->used_pages = pool->used_pages;
	out->objects = pool->nobjects;
	out->capabilities = pool->ncaps;
	lock_drop(&pool->pool_lock);
	out->free_frames = frames_free();
	return STATUS_OK;
}

enum status sysk_pool_destroy(struct thread *self, struct cap_ref *cap)
{
	struct pool *pool = object_pool(cap_object(cap));
	const struct cnode *holder = cap->slot->owner;

	if (!pool->parent)
		return ERR_STATE;
	// Who lives in it, or names it from inside it, cannot see it through:
	// then the reaper does. The former repeats the call until it is gone.
	bool inside = pool_within(self->object.pool, pool);

	if (!inside && !(holder && pool_within(holder->object.pool, pool)) &&
	    !pool_destroy_step(pool))
		return STATUS_RESTART;
	object_condemn(&pool->object);
	return inside ? STATUS_RESTART : STATUS_OK;
}
