// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Slots and the derivation forest, kept as a list of brackets (object.h). A slot
// is readable without a lock at any time, so its word is written last when it is
// filled and last when it is emptied: who sees 0 under the owner's lock may fill
// it again.
#include "kernel/object/slot.h"
#include "kernel/object/aspace.h"
#include "kernel/object/dma.h"
#include "kernel/object/guest.h"
#include "kernel/object/irq.h"
#include "kernel/object/memory.h"
#include "kernel/object/pool.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"

static inline u64 link_to(struct slot *slot, u32 end)
{
	return (u64)slot | end;
}

static inline struct slot *link_slot(u64 link)
{
	return (struct slot *)(link & ~1ull);
}

// Where the list goes on after the place (slot NULL: its beginning).
static void set_next(struct object *object, u64 place, u64 next)
{
	if (place)
		link_slot(place)->end[place & 1].next = next;
	else
		object->roots = link_slot(next); // always an opening end, or 0
}

static void set_prev(u64 place, u64 prev)
{
	if (place)
		link_slot(place)->end[place & 1].prev = prev;
}

static void take_out(struct object *object, struct slot *slot, u32 end)
{
	u64 prev = slot->end[end].prev, next = slot->end[end].next;

	set_next(object, prev, next);
	set_prev(next, prev);
	slot->end[end].prev = slot->end[end].next = 0;
}

static void count_capability(struct object *object, const struct slot *slot,
			     i64 by)
{
	if (slot->holder == HOLDER_CNODE && object->pool)
		atomic_add_relaxed(&object->pool->ncaps, by);
}

void slot_init(struct slot *slot, void *owner, enum slot_holder holder)
{
	*slot = (struct slot){.owner = owner, .holder = holder};
}

void slot_fill_locked(struct slot *slot, struct object *object, u32 rights,
		      u64 badge, struct slot *parent)
{
	u64 prev = parent ? link_to(parent, SLOT_OPEN) : 0;
	u64 next = parent ? parent->end[SLOT_OPEN].next
			  : link_to(object->roots, SLOT_OPEN);

	kassert_debug(!slot->word && !object->dead);
	if (BUG(131) && parent) {
		prev = parent->end[SLOT_OPEN].prev;
		next = link_to(parent, SLOT_OPEN);
	}
	if (!parent)
		pool_object_listed(object);
	slot->end[SLOT_OPEN].prev = prev;
	slot->end[SLOT_OPEN].next = link_to(slot, SLOT_CLOSE);
	slot->end[SLOT_CLOSE].prev = link_to(slot, SLOT_OPEN);
	slot->end[SLOT_CLOSE].next = next;
	set_next(object, prev, link_to(slot, SLOT_OPEN));
	set_prev(next, link_to(slot, SLOT_CLOSE));
	slot->badge = badge;
	count_capability(object, slot, 1);
	atomic_store(&slot->word, make_word(object, rights));
}

// Has the object lost what keeps it alive? A thread has at most one saved reply.
static bool unreferenced(const struct object *object)
{
	const struct slot *first = object->roots;

	return !first ||
		(word_type(first->word) == OBJECT_REPLY &&
		 !first->end[SLOT_CLOSE].next);
}

bool slot_clear_locked(struct slot *slot)
{
	u64 word = slot->word;
	struct object *object = word_object(word);

	kassert_debug(word);
	if (!BUG(136) || slot->end[SLOT_OPEN].next == link_to(slot, SLOT_CLOSE))
		take_out(object, slot, SLOT_CLOSE);
	take_out(object, slot, SLOT_OPEN);
	slot->badge = 0;
	count_capability(object, slot, -1);
	atomic_store(&slot->word, 0);
	if (word_type(word) == OBJECT_REPLY && !BUG(141))
		thread_reply_lost_locked(object_thread(object));
	if (object->dead || !unreferenced(object))
		return false;
	object->dead = true;
	return true;
}

// Put one end of to where that end of from is.
static void replace_end(struct object *object, struct slot *to,
			struct slot *from, u32 end)
{
	to->end[end] = from->end[end];
	set_next(object, to->end[end].prev, link_to(to, end));
	set_prev(to->end[end].next, link_to(to, end));
	from->end[end].prev = from->end[end].next = 0;
}

void slot_move_locked(struct slot *to, struct slot *from)
{
	u64 word = from->word;
	struct object *object = word_object(word);

	kassert_debug(!to->word && word);
	replace_end(object, to, from, SLOT_OPEN);
	if (!BUG(132))
		replace_end(object, to, from, SLOT_CLOSE);
	to->badge = from->badge;
	count_capability(object, to, 1);
	count_capability(object, from, -1);
	atomic_store(&to->word, word);
	if (word_type(word) == OBJECT_REPLY)
		object_thread(object)->reply_slot = to;
	from->badge = 0;
	atomic_store(&from->word, 0);
}

// The object behind an embedded slot has gone: its lock is held.
static void slot_lost(struct object *object, struct slot *slot)
{
	switch (slot->holder) {
	case HOLDER_THREAD_ASPACE:
	case HOLDER_THREAD_CSPACE:
	case HOLDER_THREAD_NOTIFICATION:
	case HOLDER_THREAD_SCHED:
	case HOLDER_THREAD_MESSAGE:
		thread_slot_lost(slot->owner, slot);
		break;
	case HOLDER_MAPPING:
		mapping_lost_locked(slot->owner);
		break;
	case HOLDER_ASPACE_CONTAINER:
		aspace_container_lost(slot->owner);
		break;
	case HOLDER_GUEST_MEMORY:
		object_memory(object)->pinned--;
		guest_lost(slot->owner);
		break;
	case HOLDER_PIN:
		object_memory(object)->pinned--;
		pin_lost_locked(slot->owner);
		break;
	case HOLDER_IRQ_NOTIFICATION:
		irq_notification_lost(slot->owner);
		break;
	default: // whoever uses the slot finds it empty
		break;
	}
}

bool slot_revoke_step_locked(struct object *object, struct slot *slot)
{
	struct slot *victim =
		slot ? link_slot(slot->end[SLOT_OPEN].next) : object->roots;

	if (BUG(135) && victim == slot)
		victim = link_slot(slot->end[SLOT_CLOSE].next);
	if (victim == slot || !victim)
		return false;
	(void)slot_clear_locked(victim);
	slot_lost(object, victim);
	return true;
}

struct object *slot_lock_object(struct slot *slot)
{
	for (;;) {
		u64 word = slot_word(slot);

		if (!word)
			return nullptr;
		struct object *object = word_object(word);
		lock_take(&object->lock);
		if (slot_word(slot) == word)
			return object;
		lock_drop(&object->lock);
	}
}

void slot_drop(struct slot *slot)
{
	struct object *object = slot_lock_object(slot);

	if (!object)
		return;
	bool last = slot_clear_locked(slot);
	lock_drop(&object->lock);
	if (last)
		object_condemn(object);
}
