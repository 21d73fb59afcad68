// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What every kernel object has: a header, and the slots that refer to it.
//
// A *slot* is a place that holds a reference to an object: an entry of a cnode
// (a capability), or a reference embedded in another object (a thread's address
// space, the memory behind a mapping, an irq's notification). All slots that
// refer to an object form its derivation forest: a slot derived from another is
// its child. An object lives as long as its forest is not empty; destroying an
// object empties the forest, so nothing can keep a reference by accident.
//
// The forest is one list of brackets: every slot has an opening and a closing
// end, and what was derived from it lies between the two. Taking both ends out
// of the list gives a slot's children to its parent; all operations are O(1),
// and revoking is taking out what follows the opening end until the closing end
// follows. A link is the address of a slot, plus 1 for its closing end.
//
// Rules. A slot is filled under the lock of its owner (cnode: to reserve the
// empty slot) and of the object it will refer to; it is cleared, moved and
// re-linked under the object's lock alone. Look-up is lock-free: read
// object_and_type, lock the object, read again; unequal means retry. Memory of
// dead objects is reused only after a grace period (pool.h).
#ifndef KERNEL_OBJECT_OBJECT_H
#define KERNEL_OBJECT_OBJECT_H
#include "kernel/lock.h"
#include "lib/base/list.h"
#include "lib/base/types.h"

enum object_type : u8 {
#define OBJECT(name, number, file, text) OBJECT_##name = number,
#include "abi/objects.def"
#undef OBJECT
	OBJECT_TYPES,
	OBJECT_ANY = 255, // cap_lookup only
};

enum rights : u32 {
#define RIGHT(name, bit, text) RIGHT_##name = 1u << (bit),
#include "abi/rights.def"
#undef RIGHT
	RIGHTS_ALL = 0xff,
};

struct pool;
struct cnode;

enum { SLOT_OPEN, SLOT_CLOSE };

// Who holds a slot; decides what happens when the slot is cleared because its
// object goes away (slot_lost in slot.c).
enum slot_holder : u8 {
	HOLDER_CNODE = 1, // owner: struct cnode
	HOLDER_THREAD_ASPACE, // owner: struct thread
	HOLDER_THREAD_CSPACE,
	HOLDER_THREAD_FAULT,
	HOLDER_THREAD_NOTIFICATION,
	HOLDER_THREAD_SCHED,
	HOLDER_THREAD_MESSAGE,
	HOLDER_MAPPING, // owner: struct mapping
	HOLDER_ASPACE_CONTAINER, // owner: struct aspace
	HOLDER_GUEST_MEMORY, // owner: struct guest
	HOLDER_IRQ_NOTIFICATION, // owner: struct irq
	HOLDER_TIMER_NOTIFICATION, // owner: struct timer
	HOLDER_PAGER_NOTIFICATION, // owner: struct memory
	HOLDER_PIN, // owner: struct pin (dma)
	HOLDER_MEMORY_SOURCE, // owner: struct memory, a clone of paged memory
};

struct slot {
	u64 word; // type << 56 | rights << 48 | low 48 bits of the object
	u64 badge;
	// Derivation forest, guarded by the object's lock; 0 ends the list.
	struct {
		u64 prev, next;
	} end[2]; // SLOT_OPEN, SLOT_CLOSE
	void *owner; // [I]
	enum slot_holder holder; // [I]
};
static_assert(sizeof(struct slot) == 64);

struct object {
	enum object_type type; // [I]
	bool dead; // set once under lock; nothing new may refer to it
	bool listed; // on its pool's list (or was): it has been referred to
	bool condemned; // given to the reaper
	bool unused; // nobody is in the middle of using it
	u16 size_bytes; // [I] of the memory it was made in
	struct lock lock;
	struct pool *pool; // [I] charged for it
	// Pool's list, under pool lock; once dead: reaper's list, then limbo.
	struct list in_pool;
	struct slot *roots; // derivation forest: the first slot
};

// The object a slot word refers to (kernel addresses: sign-extended 48 bits).
static inline struct object *word_object(u64 word)
{
	return (struct object *)((i64)(word << 16) >> 16);
}
static inline enum object_type word_type(u64 word)
{
	return (enum object_type)(word >> 56);
}
static inline u32 word_rights(u64 word)
{
	return (word >> 48) & 0xff;
}
static inline u64 make_word(const struct object *object, u32 rights)
{
	return (u64)object->type << 56 | (u64)(rights & 0xff) << 48 |
	       ((u64)object & 0x0000ffffffffffff);
}
#endif
