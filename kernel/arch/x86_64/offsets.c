// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Offsets that assembly uses, as gen/offsets.h. Not linked: see ARCH_OFFSET.
#include "kernel/arch/x86_64/x86.h"
#include "kernel/object/guest.h"
#include "kernel/object/thread.h"

#define FIRST(type, member)                                                    \
	static_assert(__builtin_offsetof(struct type, member) == 0)
FIRST(thread, regs);
FIRST(cpu_area, cpu);
FIRST(cpu, self);
#define REG(name) ARCH_OFFSET(REGS_##name, arch_regs, name)

[[gnu::used]] static void offsets(void)
{
	ARCH_NUMBER(STACK_BYTES, STACK_BYTES);
	REG(rsp); REG(rax); REG(rbx); REG(rcx);
	REG(rdx); REG(rsi); REG(rdi); REG(rbp);
	REG(r8); REG(r9); REG(r10); REG(r11);
	REG(r12); REG(r13); REG(r14); REG(r15);
	REG(rip); REG(rflags); REG(fs_base); REG(gs_base);
	ARCH_OFFSET(GUEST_REASON, guest_state, reason);
	ARCH_OFFSET(THREAD_ROOT_FULL, thread, roots.full);
	ARCH_OFFSET(THREAD_RUNNING_GUEST, thread, running_guest);
	ARCH_OFFSET(GUEST_RUNNER, guest, runner);
	ARCH_OFFSET(CPU_CURRENT, cpu, current);
	ARCH_OFFSET(CPU_STACK_TOP, cpu, stack_top);
	ARCH_OFFSET(CPU_IN_GUEST, cpu, in_guest);
	ARCH_OFFSET(CPU_GUEST_SAVE, cpu, guest_save);
	ARCH_OFFSET(THREAD_RESUME_SYSCALL, thread, resume_syscall);
	ARCH_OFFSET(CPU_SCRATCH_SP, cpu, scratch_sp);
	ARCH_OFFSET(CPU_RESCHEDULE, cpu, reschedule);
	ARCH_OFFSET(CPU_REQUESTS, cpu, requests);
	ARCH_OFFSET(CPU_REAPER, cpu, reaper);
}
