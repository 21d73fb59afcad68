// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// thread: the system calls on it.
#include "abi/registers.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/object/aspace.h"
#include "kernel/object/cap.h"
#include "kernel/object/cnode.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "lib/base/bits.h"

static struct thread *cap_thread(const struct cap_ref *cap)
{
	return object_thread(cap_object(cap));
}

// The new references of a claimed thread. On an error it has none.
static enum status set_references(struct thread *thread,
				  const struct cap_ref *aspace_cap,
				  const struct cap_ref *cspace_cap,
				  const struct cap_ref *fault)
{
	struct aspace *aspace = (struct aspace *)cap_object(aspace_cap);
	enum status status;

	thread->aspace = nullptr;
	thread->roots = (struct arch_roots){};
	thread->cspace = &cnode_empty;
	slot_drop(&thread->aspace_slot);
	slot_drop(&thread->cspace_slot);
	slot_drop(&thread->fault_slot);
	status = cap_refer(&thread->aspace_slot, aspace_cap);
	if (status == STATUS_OK)
		status = cap_refer(&thread->cspace_slot, cspace_cap);
	if (status == STATUS_OK && fault)
		status = cap_refer(&thread->fault_slot, fault);
	if (status != STATUS_OK) {
		slot_drop(&thread->aspace_slot);
		slot_drop(&thread->cspace_slot);
		return status;
	}
	thread->aspace = aspace;
	thread->roots.full = aspace->root.value;
	thread->roots.guest = aspace->guest_root.value;
	thread->cspace = object_cnode(cap_object(cspace_cap));
	return STATUS_OK;
}

enum status sysk_thread_configure(struct thread *self, struct cap_ref *cap,
				  struct cap_ref *aspace, struct cap_ref *cspace,
				  struct handle fault_endpoint, u32 layer,
				  u64 fault_vector)
{
	struct thread *thread = cap_thread(cap);
	struct cap_ref fault;
	enum status status;

	if (layer > 255 || (fault_vector && !arch_address_ok(fault_vector)))
		return ERR_ARGUMENT;
	if (fault_endpoint.value) {
		status = cap_lookup(self, fault_endpoint.value, OBJECT_ENDPOINT,
				    RIGHT_CALL, &fault);
		if (status != STATUS_OK)
			return status;
	}
	status = thread_claim(cap);
	if (status != STATUS_OK)
		return status;
	status = set_references(thread, aspace, cspace,
				fault_endpoint.value ? &fault : nullptr);
	thread->layer = layer;
	thread->fault_vector = fault_vector;
	thread_release(thread);
	return status;
}

void message_page_drop(struct thread *thread)
{
	if (!thread->message_pin.frame.value)
		return;
	atomic_store(&thread->message, nullptr);
	memory_unpin(&thread->message_pin);
	thread->message_pin.frame.value = 0;
	pool_uncharge(thread->object.pool, 1);
}

static enum status message_page_set(struct thread *thread,
				    const struct cap_ref *memory, u64 offset)
{
	enum status status;

	if (~word_rights(memory->word) & (RIGHT_READ | RIGHT_WRITE))
		return ERR_RIGHTS;
	if (!is_aligned(offset, PAGE_BYTES) ||
	    object_memory(cap_object(memory))->flags & ~MEMORY_COMMITTED)
		return ERR_ARGUMENT;
	status = pool_charge(thread->object.pool, 1); // the share of the frame
	if (status != STATUS_OK)
		return status;
	status = memory_pin(&thread->message_pin, memory, offset);
	if (status != STATUS_OK) {
		pool_uncharge(thread->object.pool, 1);
		thread->message_pin.frame.value = 0;
		return status;
	}
	atomic_store(&thread->message, arch_direct(thread->message_pin.frame));
	return STATUS_OK;
}

enum status sysk_thread_message(struct thread *self, struct cap_ref *cap,
				struct handle handle, u64 offset)
{
	struct thread *thread = cap_thread(cap);
	struct cap_ref memory;
	enum status status = STATUS_OK;

	if (handle.value)
		status = cap_lookup(self, handle.value, OBJECT_MEMORY, 0,
				    &memory);
	if (status == STATUS_OK && thread != self)
		status = thread_claim(cap);
	if (status != STATUS_OK)
		return status;
	message_page_drop(thread);
	if (handle.value)
		status = message_page_set(thread, &memory, offset);
	if (thread != self)
		thread_release(thread);
	return status;
}

enum status sysk_thread_start(struct thread *, struct cap_ref *cap, u64 pc,
			      u64 sp, u64 argument, u64 thread_pointer)
{
	struct thread *thread = cap_thread(cap);
	enum status status;

	if (pc && (!arch_address_ok(pc) || !arch_address_ok(sp) ||
		   !arch_address_ok(thread_pointer)))
		return ERR_ADDRESS;
	status = thread_claim(cap);
	if (status != STATUS_OK)
		return status;
	if (!slot_word(&thread->aspace_slot) || !slot_word(&thread->sched_slot)) {
		thread_release(thread);
		return ERR_STATE;
	}
	if (pc) {
		arch_thread_start(thread, pc, sp, argument, thread_pointer);
		if (!thread->run_time)
			thread->cpu = sched_place(thread->allowed_cpus);
	}
	thread->state = THREAD_STOPPED;
	thread_request(thread, REQUEST_START);
	thread_release(thread);
	return STATUS_OK;
}

enum status sysk_thread_stop(struct thread *self, struct cap_ref *cap)
{
	struct thread *thread = cap_thread(cap);
	enum status status;

	if (thread == self) {
		arch_syscall_status(self, STATUS_OK);
		thread_halt_current(THREAD_STOPPED);
		return STATUS_DEFERRED;
	}
	if (thread_claim(cap) == STATUS_OK) {
		thread_release(thread);
		return STATUS_OK;
	}
	status = thread_ask(cap, REQUEST_STOP);
	return status == STATUS_OK ? STATUS_RESTART : status;
}

enum status sysk_thread_registers(struct thread *self, struct cap_ref *cap,
				  struct uaddr buffer, bool write)
{
	struct thread *thread = cap_thread(cap);
	struct thread_registers registers;
	enum status status = STATUS_OK;

	if (write)
		status = aspace_read(self->aspace, buffer.value, &registers,
				     sizeof registers);
	if (status == STATUS_OK)
		status = thread_claim(cap);
	if (status != STATUS_OK)
		return status;
	if (!write)
		arch_registers_read(thread, &registers);
	else if (!arch_registers_write(thread, &registers))
		status = ERR_ADDRESS;
	thread_release(thread);
	if (!write)
		status = aspace_write(self->aspace, buffer.value, &registers,
				      sizeof registers);
	return status;
}

enum status sysk_thread_info(struct thread *, struct cap_ref *cap,
			     struct thread_info_result *out)
{
	const struct thread *thread = cap_thread(cap);
	u64 words[5] = {};

	arch_fault_words(thread, words);
	// A sender that has been received waits for the reply (message.c).
	out->state = thread->state == THREAD_SENDING && !thread->wait_on ?
			     THREAD_REPLY :
			     thread->state;
	out->run_ns = clock_ns_of(thread->run_time);
	out->cpu = thread->cpu->number;
	out->fault_address = thread->fault[1];
	out->pc = words[2];
	return STATUS_OK;
}
