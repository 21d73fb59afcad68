// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Where traps from user mode arrive, after the architecture saved all registers:
// system calls, page faults, other exceptions. The caller goes on to
// kernel_leave().
#include "gen/abi/syscall_nr.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/object/aspace.h"
#include "kernel/object/guest.h"
#include "kernel/object/message.h"
#include "kernel/object/thread.h"

enum status sysk_null(struct thread *)
{
	return STATUS_OK;
}

void kernel_syscall(struct thread *thread, u64 info)
{
	u32 number = info & 0xff;
	enum status status;

	if (number >= SYS_CALL && number <= SYS_REPLY) {
		message_syscall(thread, number);
		return;
	}
	status = syscall_dispatch(thread, number);
	if (status == STATUS_RESTART)
		arch_syscall_restart(thread);
	else if (status != STATUS_DEFERRED)
		arch_syscall_status(thread, status);
}

// A guest's fault goes to its personality; a personality's fault on its guest's
// memory to its fault vector; everything else to the fault endpoint.
void kernel_page_fault(struct thread *thread, u64 address, u32 code)
{
	struct aspace *aspace = thread->aspace;
	enum fault_result result = FAULT_FAILED;
	bool guest = thread->running_guest;

	thread->fault[1] = address;
	if (aspace && address < (guest ? GUEST_END : USER_END)) {
		result = aspace_fault(aspace, thread, address, code);

		if (result == FAULT_DONE || result == FAULT_BLOCKED)
			return;
	}
	if (guest)
		guest_exit(thread, GUEST_FAULT, 0, code, address);
	else if (thread->fault_vector && address < GUEST_END && aspace &&
		 aspace->kind == ASPACE_FOREIGN)
		arch_set_fault_entry(thread, thread->fault_vector, address);
	else
		thread_fault(thread,
			     result == FAULT_REFUSED ? FAULT_PAGER :
						       FAULT_ACCESS,
			     address, code);
}

void kernel_exception(struct thread *thread, u32 kind, u64 trap, u64 code,
		      u64 address)
{
	if (thread->running_guest)
		guest_exit(thread, GUEST_EXCEPTION, trap, code, address);
	else
		thread_fault(thread, kind, address, code);
}
