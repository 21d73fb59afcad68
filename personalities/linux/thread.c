// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The life of a Linux thread on its carrier: run the guest until it traps, see
// why, do that, repeat. The work ends when the thread does.
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/sys/component.h"
#include "personalities/linux/arch/registers.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/exec.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"

static void exception(struct thread *thread, const struct guest_state *state)
{
	struct trap_meaning meaning = trap_meaning(state);

	signal_force(thread, meaning.signo, meaning.code, meaning.address,
		     state->code);
}

// A page fault that the kernel could not answer.
static void page_fault(struct thread *thread, u64 address, u32 code)
{
	struct mm *mm = thread->process->mm;
	struct area *area = area_find(mm, address);
	bool allowed = area &&
		(area->protection &
		 (code & FAULT_CODE_WRITE ? PROT_WRITE
			  : code & FAULT_CODE_EXEC
			  ? PROT_EXEC
			  : PROT_READ | PROT_WRITE | PROT_EXEC));
	u64 error;

	if (!area && mm_fault(mm, address, code))
		return;
	error = trap_page_fault(thread->carrier->state, code, area);
	if (!allowed) {
		signal_force(thread, SIGSEGV, area ? SEGV_ACCERR : SEGV_MAPERR,
			     address, error);
		return;
	}
	if (area->backing && area->backing != mm->anonymous &&
	    !area->backing->private_copy) {
		// A file's memory that its server cannot supply.
		signal_force(thread, SIGBUS, BUS_ADRERR, address, error);
		return;
	}
	// Allowed and yet impossible: the pool has no page left.
	log_print("linux: out of memory: process %u (%s) ended",
		  thread->process->pid, thread->name);
	process_exit(thread->process, SIGKILL);
}

// Bits of others' wakes that nobody waits for any more.
static void drop_kick(struct carrier *carrier)
{
	(void)!sys_poll(carrier->notification, NOTE_WAKE, nullptr);
}

// The calls that need neither the lock nor a message: they have three arguments
// at most and do not touch other registers.
static bool serve_free_call(struct thread *thread, struct guest_state *state)
{
	u64 number = guest_call_number(state);
	const struct call_entry *entry = &call_table[number];

	if (number >= call_table_entries || entry->locked || !entry->handler)
		return false;
	guest_set_result(
		state,
		(u64)entry->handler(thread,
				    (const u64[]){guest_argument(state, 0),
						  guest_argument(state, 1),
						  guest_argument(state, 2)}));
	return true;
}

static void serve(struct thread *thread, u64 reason)
{
	struct guest_state *state = thread->carrier->state;

	switch (reason) {
	case GUEST_SYSCALL:
		call_dispatch(thread);
		return;
	case GUEST_KICKED:
		drop_kick(thread->carrier);
		return;
	case GUEST_FAULT:
		mutex_lock(&container_lock);
		page_fault(thread, state->address, (u32)state->code);
		break;
	default:
		mutex_lock(&container_lock);
		exception(thread, state);
		break;
	}
	mutex_unlock(&container_lock);
}

static void begin(struct thread *thread)
{
	if (thread->fpu) {
		fpu_load((void *)align_up((u64)thread->fpu, 64));
		object_free(thread->fpu);
		thread->fpu = nullptr;
	}
	if (thread->set_child_tid) {
		(void)!guest_copy_out(thread->set_child_tid, &thread->tid, 4);
		thread->set_child_tid = 0;
	}
	if (thread->image) {
		mutex_lock(&container_lock);
		exec_finish(thread);
		mutex_unlock(&container_lock);
	}
}

void thread_work(void *argument)
{
	struct thread *thread = argument;
	struct carrier *self = thread->carrier;

	self->leave = false;
	begin(thread);
	for (;;) {
		enum status status;
		u64 reason = 0;

		if (__atomic_load_n(&thread->attention, __ATOMIC_ACQUIRE)) {
			mutex_lock(&container_lock);
			if (!signals_attend(thread))
				break;
			mutex_unlock(&container_lock);
		}
		status = sys_guest_run(self->guest, &reason);
		if (status != STATUS_OK) {
			mutex_lock(&container_lock);
			log_print("linux: process %u cannot run: %s",
				  thread->process->pid, status_text(status));
			process_exit(thread->process, SIGKILL);
			mutex_unlock(&container_lock);
			continue;
		}
		if (reason == GUEST_SYSCALL &&
		    serve_free_call(thread, self->state))
			continue;
		serve(thread, reason);
		if (self->leave)
			return; // exec went on with another carrier
	}
	thread_exit(thread, (i32)thread->process->exit_code);
	mutex_unlock(&container_lock);
}
