// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Capability operations. A slot of a cnode is filled under the cnode's fill lock
// (its owner's, rank CNODE) and then the lock of the object it will refer to;
// emptied and moved under the object's lock.
#include "kernel/object/cap.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/object/aspace.h"
#include "kernel/object/memory.h"
#include "kernel/object/pool.h"
#include "kernel/sched/cpu.h"

#define REVOKE_BATCH 32 // slots emptied before the call is restarted

const struct cnode *cap_nested(const struct cnode *root, u64 index, u32 rights)
{
	const struct slot *slot = cnode_slot(root, index);
	u64 word = slot ? slot_word(slot) : 0;

	if (word_type(word) != OBJECT_CNODE || rights & ~word_rights(word))
		return nullptr;
	return object_cnode(word_object(word));
}

enum status cap_lock(const struct cap_ref *cap)
{
	struct object *object = cap_object(cap);

	lock_take(&object->lock);
	if (cap_valid_locked(cap))
		return STATUS_OK;
	lock_drop(&object->lock);
	return ERR_DEAD;
}

enum status cnode_fill_begin(struct cnode *cnode, u32 index, struct slot **out)
{
	struct slot *slot = cnode_slot(cnode, index);
	enum status status = STATUS_OK;

	if (!slot)
		return ERR_RANGE;
	if (cnode == &cnode_empty)
		return ERR_DEAD;
	lock_take(&cnode->fill_lock);
	if (atomic_load_relaxed(&cnode->object.dead) && !BUG(107))
		status = ERR_DEAD;
	else if (slot_word(slot))
		status = ERR_OCCUPIED;
	if (status != STATUS_OK) {
		lock_drop(&cnode->fill_lock);
		return status;
	}
	slot->owner = cnode;
	slot->holder = HOLDER_CNODE;
	*out = slot;
	return STATUS_OK;
}

enum status cnode_install(struct cnode *cnode, u32 index, struct object *object,
			  u32 rights, u64 badge)
{
	struct slot *slot;
	enum status status = cnode_fill_begin(cnode, index, &slot);

	if (status != STATUS_OK)
		return status;
	lock_take(&object->lock);
	slot_fill_locked(slot, object, rights, badge, nullptr);
	lock_drop(&object->lock);
	lock_drop(&cnode->fill_lock);
	return STATUS_OK;
}

enum status cap_install(const struct cap_ref *cnode, u32 index,
			struct object *object, u32 rights, u64 badge)
{
	if (slot_word(cnode->slot) != cnode->word)
		return ERR_DEAD;
	return cnode_install(object_cnode(cap_object(cnode)), index, object,
			     rights, badge);
}

// Fill an empty slot that nobody else may fill now.
static enum status fill(struct slot *slot, const struct cap_ref *cap,
			u32 rights, u64 badge)
{
	enum status status = cap_lock(cap);

	if (status != STATUS_OK)
		return status;
	slot_fill_locked(slot, cap_object(cap), rights, badge, cap->slot);
	lock_drop(&cap_object(cap)->lock);
	return STATUS_OK;
}

enum status cap_derive(struct cnode *cnode, u32 index,
		       const struct cap_ref *source, u32 rights, u64 badge)
{
	struct slot *slot;
	enum status status = cnode_fill_begin(cnode, index, &slot);

	if (status != STATUS_OK)
		return status;
	status = fill(slot, source, rights, badge);
	lock_drop(&cnode->fill_lock);
	return status;
}

// Two calls may want to fill the same embedded slot with different objects.
static struct lock refer_lock = {.rank = LOCK_CNODE};

enum status cap_refer(struct slot *slot, const struct cap_ref *cap)
{
	lock_take(&refer_lock);
	enum status status = slot_word(slot)
		? ERR_OCCUPIED
		: fill(slot, cap, word_rights(cap->word), cap->badge);
	lock_drop(&refer_lock);
	return status;
}

// ---- copies

// The badge of a capability derived from one with badge old, when a badge was
// asked for. A window lies within the window it is cut from, if that is one.
static enum status badge_derive(const struct cap_ref *from, u64 badge)
{
	u64 first = badge >> 32, npages = badge & 0xffffffff;
	u64 old_first, old_npages;
	enum status status;

	switch (word_type(from->word)) {
	case OBJECT_ENDPOINT:
	case OBJECT_NOTIFICATION:
		return from->badge && !BUG(104) ? ERR_ARGUMENT : STATUS_OK;
	case OBJECT_MEMORY:
		status = memory_window(object_memory(cap_object(from)),
				       from->badge, &old_first, &old_npages);
		if (status != STATUS_OK)
			return status;
		if (!npages || first < old_first ||
		    (first + npages > old_first + old_npages && !BUG(105)))
			return ERR_ARGUMENT;
		return STATUS_OK;
	default:
		return ERR_ARGUMENT;
	}
}

// Copy what handle names for the thread. badge 0: the one it has.
static enum status copy(struct thread *from, u64 handle, struct cnode *to,
			u32 index, u32 rights, u64 badge)
{
	struct cap_ref source;
	enum status status = cap_lookup(from, handle, OBJECT_ANY,
					BUG(103) ? 0 : RIGHT_DERIVE, &source);

	if (status == STATUS_OK && badge)
		status = badge_derive(&source, badge);
	if (status != STATUS_OK)
		return status;
	if (!BUG(102))
		rights &= word_rights(source.word);
	return cap_derive(to, index, &source, rights,
			  badge ? badge : source.badge);
}

enum status cap_transfer(struct thread *from, u32 from_index, struct thread *to,
			 u32 to_index)
{
	return copy(from, from_index & 0xffff, to->cspace, to_index, RIGHTS_ALL,
		    0);
}

// ---- system calls

enum status sysk_cap_copy(struct thread *self, struct cap_ref *cap, u32 index,
			  struct handle source)
{
	return copy(self, source.value, object_cnode(cap_object(cap)), index,
		    RIGHTS_ALL, 0);
}

enum status sysk_cap_mint(struct thread *self, struct cap_ref *cap, u32 index,
			  struct handle source, u32 rights, u64 badge)
{
	return copy(self, source.value, object_cnode(cap_object(cap)), index,
		    rights, badge);
}

enum status sysk_cap_move(struct thread *self, struct cap_ref *cap, u32 index,
			  struct handle source)
{
	struct cnode *cnode = object_cnode(cap_object(cap));
	struct slot *from = cap_slot(self->cspace, source.value, RIGHT_WRITE);
	struct slot *to;

	if (!from)
		return ERR_HANDLE;
	enum status status = cnode_fill_begin(cnode, index, &to);
	if (status != STATUS_OK)
		return status;
	struct object *object = slot_lock_object(from);
	if (object && BUG(133)) {
		(void)slot_clear_locked(from);
		object->dead = false;
		slot_fill_locked(to, object, RIGHTS_ALL, 0, nullptr);
		lock_drop(&object->lock);
	} else if (object) {
		slot_move_locked(to, from);
		lock_drop(&object->lock);
	}
	lock_drop(&cnode->fill_lock);
	return object ? STATUS_OK : ERR_HANDLE;
}

enum status sysk_cap_delete(struct thread *, struct cap_ref *cap, u32 index)
{
	struct slot *slot = cnode_slot(object_cnode(cap_object(cap)), index);

	if (!slot)
		return ERR_RANGE;
	slot_drop(slot);
	return STATUS_OK;
}

// Is every use of a capability to this type of object checked under its lock?
// The others are used after look-up alone: then who revokes them waits until
// no CPU can be in the middle of that.
static bool used_under_lock(enum object_type type)
{
	return type == OBJECT_ENDPOINT || type == OBJECT_NOTIFICATION ||
		type == OBJECT_REPLY || type == OBJECT_MEMORY;
}

enum status sysk_cap_revoke(struct thread *, struct cap_ref *cap, u32 index)
{
	struct slot *slot = cnode_slot(object_cnode(cap_object(cap)), index);
	struct tlb_flush flush;
	bool left = true;

	if (!slot)
		return ERR_RANGE;
	struct object *object = slot_lock_object(slot);
	if (!object)
		return ERR_HANDLE;
	enum object_type type = object->type;
	for (u32 i = 0; left && i < REVOKE_BATCH; i++)
		left = slot_revoke_step_locked(object, slot) && !BUG(134);
	lock_drop(&object->lock);
	aspace_flush_lost();
	if (left)
		return STATUS_RESTART;
	flush.cpus = tlb_unflushed(); // of who unmaps at this moment
	tlb_flush_finish(&flush);
	if (!used_under_lock(type))
		cpu_quiesce_all();
	return STATUS_OK;
}

enum status sysk_cap_info(struct thread *, struct cap_ref *cap,
			  struct cap_info_result *out)
{
	out->type = word_type(cap->word);
	out->rights = word_rights(cap->word);
	out->badge = cap->badge;
	return STATUS_OK;
}
