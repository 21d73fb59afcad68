// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Floating point of threads, exchanged late. It is off per thread until first use.
// The state of cpu->fpu_owner stays in the registers of the CPU with access off
// while others run; it is saved when another thread uses floating point there, or
// when the owner moves. From one thread that has used it straight to another the
// states are exchanged at once: the second would trap for it anyway.
#ifndef KERNEL_SCHED_FPU_H
#define KERNEL_SCHED_FPU_H
#include "kernel/sched/cpu.h"

// The current thread used floating point without access: give it this CPU's. False:
// no memory for its state.
bool fpu_take(struct thread *thread);
// Is floating point on this CPU as next needs it?
static inline bool fpu_fits(const struct cpu *cpu, const struct thread *next)
{
	return cpu->fpu_enabled == (cpu->fpu_owner == next);
}
// If not: make it so before the CPU goes on with next.
void fpu_exchange(struct cpu *cpu, struct thread *next);
// The thread leaves this CPU.
void fpu_save(struct thread *thread);
// The thread is at its end.
void fpu_drop(struct thread *thread);
#endif
