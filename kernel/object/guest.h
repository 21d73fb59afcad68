// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// guest: a foreign register state, in a page shared with the personality
// (abi/guest.h), that a thread of a foreign address space can run.
//
// guest_run puts the guest on the thread: thread->running_guest is set and the
// thread's own registers wait in thread->regs. Whenever the thread then leaves
// the kernel, it continues as the guest, until something calls guest_exit().
// One thread runs a guest at a time: the one that set runner. While it does, the
// guest cannot be freed. The frame of the state is shared with the memory
// object, so that the page stays when the memory goes away.
#ifndef KERNEL_OBJECT_GUEST_H
#define KERNEL_OBJECT_GUEST_H
#include "abi/guest.h"
#include "kernel/object/memory.h"
#include "lib/base/status.h"

struct cap_ref;
struct thread;

struct guest {
	struct object object;
	struct guest_state *state; // [I] in the direct map
	struct thread *runner; // [a]
	bool lost; // [a] its memory is gone: cannot run any more
	struct pin pin; // of the state's page
};

// The state is at byte offset of memory, a multiple of 256. The capability allows
// reading and writing. ARGUMENT, RANGE, QUOTA, MEMORY, DEAD.
[[nodiscard]] enum status guest_create(struct pool *pool,
				       const struct cap_ref *memory, u64 offset,
				       struct guest **out);

// One step of destruction; false while a thread still runs it (it is kicked).
bool guest_destroy_step(struct guest *guest);

// It cannot run any more: its memory goes away, or it does.
void guest_lost(struct guest *guest);

// The guest that the thread runs could not go on (home CPU only): write why to
// its state and let guest_run return reason. fault: code is FAULT_CODE bits.
void guest_exit(struct thread *thread, enum guest_reason reason, u64 trap,
		u64 code, u64 address);

// REQUEST_KICK, home CPU: leave the guest if the bound notification has bits or
// the guest goes away. Does nothing when the thread runs no guest.
void guest_kick(struct thread *thread);

// What is in the state page cannot be run: guest_run returns ARGUMENT, or DEAD
// when its memory is gone.
void guest_refuse(struct thread *thread);

// Entry code: the guest left by a system call while the address space under it was
// gone.
[[noreturn]] void guest_orphaned(struct thread *thread);

// The thread is being destroyed (it is stopped): it runs no guest any more.
void guest_abandon(struct thread *thread);

// Supplied by the architecture. begin: save the thread's own bases, it is about
// to become its guest. end: load what the thread needs in its own right if it is
// current; running_guest is NULL. continue: check the state's rip and flags, load
// the state and leave; refuses what cannot be run.
void arch_guest_begin(struct thread *thread);
void arch_guest_end(struct thread *thread);
[[noreturn]] void arch_guest_continue(struct thread *thread);
#endif
