// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Offsets that assembly uses, as gen/offsets.h. Not linked: see ARCH_OFFSET.
#include "kernel/arch/aarch64/aarch64.h"
#include "kernel/object/guest.h"
#include "kernel/object/thread.h"

#define FIRST(type, member)                                                    \
	static_assert(__builtin_offsetof(struct type, member) == 0)
FIRST(thread, regs);
FIRST(cpu_area, cpu);
FIRST(cpu, self);

[[gnu::used]] static void offsets(void)
{
	ARCH_NUMBER(STACK_BYTES, STACK_BYTES);
	ARCH_OFFSET(REGS_sp, arch_regs, sp);
	ARCH_OFFSET(REGS_pc, arch_regs, pc);
	ARCH_OFFSET(REGS_pstate, arch_regs, pstate);
	ARCH_OFFSET(REGS_tpidr, arch_regs, tpidr);
	ARCH_OFFSET(GUEST_REASON, guest_state, reason);
	ARCH_OFFSET(THREAD_ROOT_FULL, thread, roots.full);
	ARCH_OFFSET(THREAD_RUNNING_GUEST, thread, running_guest);
	ARCH_OFFSET(GUEST_RUNNER, guest, runner);
	ARCH_OFFSET(CPU_CURRENT, cpu, current);
	ARCH_OFFSET(CPU_STACK_TOP, cpu, stack_top);
	ARCH_OFFSET(CPU_IN_GUEST, cpu, in_guest);
	ARCH_OFFSET(CPU_GUEST_SAVE, cpu, guest_save);
	ARCH_OFFSET(CPU_FATAL_STACK, cpu, arch.fatal_stack);
	ARCH_OFFSET(CPU_RESCHEDULE, cpu, reschedule);
	ARCH_OFFSET(CPU_REQUESTS, cpu, requests);
	ARCH_OFFSET(CPU_REAPER, cpu, reaper);
}
