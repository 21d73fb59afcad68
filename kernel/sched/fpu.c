// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See fpu.h. cpu->fpu_busy tells a remote fpu_drop() that a save is under way.
#include "kernel/sched/fpu.h"
#include "kernel/object/pool.h"
#include "kernel/object/thread.h"

static void allow(struct cpu *cpu, bool allowed)
{
	if (cpu->fpu_enabled == allowed)
		return;
	cpu->fpu_enabled = allowed;
	arch_fpu_access(allowed);
}

// Save the state that is in the registers; they then belong to nobody.
static void release(struct cpu *cpu)
{
	struct thread *owner;

	atomic_store_ordered(&cpu->fpu_busy, true);
	owner = atomic_load_ordered(&cpu->fpu_owner);
	if (owner) {
		arch_fpu_write(owner->fpu);
		atomic_store_relaxed(&cpu->fpu_owner, nullptr);
	}
	atomic_store(&cpu->fpu_busy, false);
}

static void load(struct cpu *cpu, struct thread *thread)
{
	allow(cpu, true);
	if (cpu->fpu_owner == thread)
		return;
	release(cpu);
	arch_fpu_read(thread->fpu);
	atomic_store_relaxed(&cpu->fpu_owner, thread);
}

bool fpu_take(struct thread *thread)
{
	void *area;

	if (!thread->fpu) {
		if (pool_alloc(thread->object.pool, ARCH_FPU_BYTES, &area) !=
		    STATUS_OK)
			return false;
		thread->fpu = area;
		arch_fpu_init(thread->fpu);
	}
	load(cpu_self(), thread);
	return true;
}

void fpu_exchange(struct cpu *cpu, struct thread *next)
{
	bool owns = cpu->fpu_owner == next;

	if (!owns && next->fpu) {
		load(cpu, next);
	} else {
		cpu->fpu_enabled = owns;
		arch_fpu_access(owns);
	}
}

void fpu_save(struct thread *thread)
{
	struct cpu *cpu = cpu_self();

	if (cpu->fpu_owner != thread)
		return;
	allow(cpu, true);
	release(cpu);
	allow(cpu, false);
}

void fpu_drop(struct thread *thread)
{
	struct cpu *home = thread->cpu;

	if (!thread->fpu)
		return;
	atomic_replace_ordered(&home->fpu_owner, thread, nullptr);
	while (home != cpu_self() && atomic_load_ordered(&home->fpu_busy))
		arch_relax();
	pool_free(thread->object.pool, thread->fpu, ARCH_FPU_BYTES);
	thread->fpu = nullptr;
}
