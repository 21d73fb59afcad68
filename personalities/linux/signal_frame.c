// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the frames of signal handlers have in common; their layout is the
// architecture's (arch/<arch>/machine_frame.c). Everything read back is checked.
//
// Where programs bring no code of their own for the way back from a handler, a
// page of ours has it: one for the container, at TRAMPOLINE_AT in every process.
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/arch/registers.h"
#include "personalities/linux/container.h"
#include "personalities/linux/process.h"

static bool on_alternate(const struct thread *thread, u64 sp)
{
	return sp > thread->alternate.sp &&
		sp - thread->alternate.sp <= thread->alternate.size;
}

u64 frame_top(struct thread *thread, const struct linux_sigaction *action,
	      u64 redzone_bytes)
{
	u64 sp = guest_sp(thread->carrier->state);

	if ((action->flags & SA_ONSTACK) &&
	    !(thread->alternate.flags & SS_DISABLE) &&
	    !on_alternate(thread, sp))
		return thread->alternate.sp + thread->alternate.size;
	return sp - redzone_bytes;
}

struct linux_stack frame_stack(struct thread *thread)
{
	struct linux_stack stack = thread->alternate;

	stack.flags = stack.flags & SS_DISABLE ? SS_DISABLE
		: on_alternate(thread, guest_sp(thread->carrier->state))
		? SS_ONSTACK
		: 0;
	return stack;
}

void frame_take(struct thread *thread, u64 mask, struct linux_stack stack)
{
	thread->blocked = mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
	if (!(stack.flags & SS_DISABLE) &&
	    !on_alternate(thread, guest_sp(thread->carrier->state))) {
		stack.flags = 0;
		thread->alternate = stack;
	}
	signal_recompute(thread);
}

static struct backing *trampoline; // never put: processes come and go

static i64 trampoline_make(const u32 *code, usize bytes)
{
	struct backing *backing;
	void *window;
	i64 error = backing_committed(PAGE, &backing);

	if (error)
		return error;
	if (memory_map(backing->memory, 0, PAGE, MAP_READ | MAP_WRITE,
		       &window) != STATUS_OK) {
		backing_put(backing);
		return -ENOMEM;
	}
	memcpy(window, code, bytes);
	memory_unmap(window, PAGE);
	trampoline = backing;
	return 0;
}

i64 trampoline_map(struct mm *mm, const u32 *code, usize bytes)
{
	struct area_wish wish = {.start = TRAMPOLINE_AT,
				 .length = PAGE,
				 .protection = PROT_READ | PROT_EXEC,
				 .allowed = PROT_READ | PROT_EXEC,
				 .name = "[vdso]"};
	i64 error = trampoline ? 0 : trampoline_make(code, bytes);

	if (error)
		return error;
	wish.backing = trampoline;
	return mm_map(mm, &wish);
}
