// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Offsets that assembly uses, as gen/offsets.h. Not linked: see ARCH_OFFSET.
#include "kernel/arch/riscv64/riscv.h"
#include "kernel/object/guest.h"
#include "kernel/object/thread.h"

#define FIRST(type, member)                                                    \
	static_assert(__builtin_offsetof(struct type, member) == 0)
FIRST(thread, regs);
FIRST(cpu_area, cpu);
FIRST(cpu, self);
// Register xN is word N.
static_assert(__builtin_offsetof(struct arch_regs, a0) == 8 * 10 &&
	      __builtin_offsetof(struct arch_regs, s2) == 8 * 18 &&
	      __builtin_offsetof(struct arch_regs, t6) == 8 * 31);

[[gnu::used]] static void offsets(void)
{
	ARCH_NUMBER(STACK_BYTES, STACK_BYTES);
	ARCH_OFFSET(REGS_PC, arch_regs, pc);
	ARCH_OFFSET(GUEST_REASON, guest_state, reason);
	ARCH_OFFSET(THREAD_ROOT_FULL, thread, roots.full);
	ARCH_OFFSET(THREAD_RUNNING_GUEST, thread, running_guest);
	ARCH_OFFSET(GUEST_RUNNER, guest, runner);
	ARCH_OFFSET(CPU_CURRENT, cpu, current);
	ARCH_OFFSET(CPU_STACK_TOP, cpu, stack_top);
	ARCH_OFFSET(CPU_IN_GUEST, cpu, in_guest);
	ARCH_OFFSET(CPU_GUEST_SAVE, cpu, guest_save);
	ARCH_OFFSET(CPU_SCRATCH_SP, cpu, scratch_sp);
	ARCH_OFFSET(CPU_ROOT, cpu, arch.root);
}
