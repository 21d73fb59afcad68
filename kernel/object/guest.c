// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See guest.h. The common case of guest_run is in the architecture's fast path,
// with the same checks; what is here serves the rest.
#include "kernel/object/guest.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/object/aspace.h"
#include "kernel/object/cap.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"
#include "lib/base/bits.h"

static struct guest *object_guest(struct object *object)
{
	return CONTAINER_OF(object, struct guest, object);
}

enum status guest_create(struct pool *pool, const struct cap_ref *memory,
			 u64 offset, struct guest **out)
{
	struct guest *guest;
	enum status status;

	if (!is_aligned(offset, sizeof(struct guest_state)) ||
	    object_memory(cap_object(memory))->flags & ~MEMORY_COMMITTED)
		return ERR_ARGUMENT;
	status = POOL_NEW(pool, OBJECT_GUEST, &guest);
	if (status != STATUS_OK)
		return status;
	status = pool_charge(pool, 1); // the share of the frame
	if (status != STATUS_OK)
		goto abandon;
	slot_init(&guest->pin.slot, guest, HOLDER_GUEST_MEMORY);
	status = memory_pin(&guest->pin, memory, offset);
	if (status != STATUS_OK)
		goto uncharge;
	guest->state =
		(struct guest_state *)((u8 *)arch_direct(guest->pin.frame) +
				       offset % PAGE_BYTES);
	*out = guest;
	return STATUS_OK;
uncharge:
	pool_uncharge(pool, 1);
abandon:
	pool_object_abandon(&guest->object);
	return status;
}

void guest_lost(struct guest *guest)
{
	struct thread *runner;

	atomic_store_ordered(&guest->lost, true);
	runner = atomic_load_ordered(&guest->runner);
	if (runner)
		thread_request(runner, REQUEST_KICK);
}

bool guest_destroy_step(struct guest *guest)
{
	guest_lost(guest);
	if (atomic_load_ordered(&guest->runner))
		return false;
	memory_unpin(&guest->pin);
	pool_uncharge(guest->object.pool, 1);
	return true;
}

// ---- running
static bool kicked(const struct thread *thread)
{
	return thread->bound && atomic_load_ordered(&thread->bound->bits) != 0;
}

enum status sysk_guest_run(struct thread *self, struct cap_ref *cap,
			   struct guest_run_result *out)
{
	struct guest *guest = object_guest(cap_object(cap));

	if (kicked(self)) {
		out->reason = GUEST_KICKED;
		return STATUS_OK;
	}
	if (!self->roots.guest ||
	    !atomic_replace_ordered(&guest->runner, nullptr, self))
		return ERR_STATE;
	// Claimed: it is not freed any more. Was it meant at all? And guest_lost()
	// sets lost, then looks for a runner.
	if (atomic_load_ordered(&cap->slot->word) != cap->word ||
	    atomic_load_ordered(&guest->lost)) {
		atomic_store(&guest->runner, nullptr);
		return ERR_DEAD;
	}
	arch_guest_begin(self);
	self->running_guest = guest;
	cpu_self()->reschedule = true; // leave as the guest
	return STATUS_DEFERRED;
}

static void leave_guest(struct thread *thread, i64 status, u64 reason)
{
	struct guest *guest = thread->running_guest;

	arch_syscall_status(thread, status);
	*arch_syscall_word(thread, 0) = reason;
	thread->running_guest = nullptr;
	thread->resume_syscall = true;
	arch_guest_end(thread);
	atomic_store(&guest->runner, nullptr);
}

void guest_exit(struct thread *thread, enum guest_reason reason, u64 trap,
		u64 code, u64 address)
{
	struct guest_state *state = thread->running_guest->state;

	state->reason = reason;
	state->trap = trap;
	state->code = code;
	state->address = address;
	leave_guest(thread, 0, reason);
}

void guest_kick(struct thread *thread)
{
	struct guest *guest = thread->running_guest;

	if (!guest)
		return;
	if (atomic_load_ordered(&guest->lost))
		leave_guest(thread, ERR_DEAD, 0);
	else if (kicked(thread))
		guest_exit(thread, GUEST_KICKED, 0, 0, 0);
}

void guest_refuse(struct thread *thread)
{
	leave_guest(thread,
		    thread->running_guest->lost ? ERR_DEAD : ERR_ARGUMENT, 0);
}

[[gnu::used]] void guest_orphaned(struct thread *thread)
{
	arch_syscall_status(thread, 0);
	*arch_syscall_word(thread, 0) = GUEST_SYSCALL;
	thread->resume_syscall = true;
	arch_guest_end(thread);
	kernel_leave();
}

void guest_abandon(struct thread *thread)
{
	struct guest *guest = thread->running_guest;

	if (!guest)
		return;
	thread->running_guest = nullptr;
	atomic_store(&guest->runner, nullptr);
}
