// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Requests between CPUs: posting, serving, TLB flushes, grace periods.
//
// Spinning. Who waits for another CPU holds no lock, uses no look-up result and
// serves its own requests meanwhile, so two CPUs that wait for each other both
// get their answer.
#include "kernel/sched/cpu.h"
#include "kernel/object/aspace.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"
#include "lib/base/bits.h"

struct cpu *cpus[CPU_MAX];
u32 cpu_count;
u64 cpus_online;

void cpu_post(struct cpu *cpu, enum cpu_request request)
{
	u32 old = atomic_or(&cpu->requests, request);

	if (!old && cpu != cpu_self() && !BUG(180))
		arch_ipi(cpu->number);
}

void cpu_serve(void)
{
	struct cpu *self = cpu_self();
	u32 requests;

	while ((requests = atomic_swap(&self->requests, 0))) {
		if (requests & CPU_REQUEST_HALT)
			arch_panic_stop();
		if (requests & CPU_REQUEST_FLUSH) {
			u64 asked = atomic_load(&self->asked[ASK_FLUSH]);
			BUG(172) ? (void)0 : arch_flush_all();
			atomic_store(&self->answered[ASK_FLUSH], asked);
		}
		if (requests & CPU_REQUEST_CHANGED) // before QUIESCE
			cpus_serve_changed();
		if (requests & CPU_REQUEST_LEAVE) {
			atomic_store_ordered(&self->accepts, 0);
			self->ready_mask = 0; // nothing is picked any more
			if (self->current)
				self->current->leaves = true;
			self->reschedule = true;
		}
		if (requests & CPU_REQUEST_QUIESCE)
			atomic_store(&self->answered[ASK_QUIESCE],
				     atomic_load(&self->asked[ASK_QUIESCE]));
		if (requests & CPU_REQUEST_INBOX)
			thread_serve_inbox();
		if (requests & CPU_REQUEST_TIMERS)
			timer_serve_inbox();
		if (requests & CPU_REQUEST_STEAL)
			sched_serve_steal();
		if (requests & CPU_REQUEST_DEADLINES &&
		    timeouts_run(&self->timeouts, arch_now_ns()))
			cpu_post(self, CPU_REQUEST_DEADLINES);
	}
}

// Ask each other CPU of the mask that runs, and wait for the answers.
static void ask_and_wait(u64 mask, u32 kind)
{
	struct cpu *self = cpu_self();
	u64 ticket[CPU_MAX];

	lock_check_none();
	mask &= atomic_load_ordered(&cpus_online) & ~(1ull << self->number);
	for (u64 left = mask; left; left &= left - 1) {
		struct cpu *cpu = cpus[lowest_bit(left)];

		ticket[cpu->number] = atomic_add(&cpu->asked[kind], 1) + 1;
		cpu_post(cpu, CPU_REQUEST_FLUSH << kind);
	}
	for (; mask; mask &= mask - 1) {
		struct cpu *cpu = cpus[lowest_bit(mask)];

		while (atomic_load(&cpu->answered[kind]) < ticket[cpu->number]) {
			if (atomic_load_relaxed(&self->requests) && !BUG(175))
				cpu_serve();
			arch_relax();
		}
	}
}

void cpu_quiesce_all(void)
{
	ask_and_wait(~0ull, ASK_QUIESCE);
}

// Does this CPU's loaded root show mappings of aspace?
static bool shows(const struct aspace *published, const struct aspace *aspace)
{
	if (!published)
		return false;
	if (published == aspace)
		return true;
	return published->kind == ASPACE_FOREIGN &&
	       (struct aspace *)word_object(published->container_slot.word) ==
		       aspace;
}

u64 cpus_showing(struct aspace *aspace)
{
	u64 mask = 0;

	// The entries were written before: a CPU that loads the root from now
	// on sees them, so it is enough to ask those that show it now.
	BUG(170) ? (void)0 : __atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (u32 i = 0; i < cpu_count; i++)
		if (shows(BUG(171) ? nullptr
				   : atomic_load(&cpus[i]->publishing), aspace) ||
		    shows(atomic_load(&cpus[i]->published), aspace))
			mask |= 1ull << i;
	return mask;
}

void tlb_flush_add(struct tlb_flush *flush, struct aspace *aspace)
{
	u64 mask = cpus_showing(aspace);

	if (!mask || arch_flush_everywhere())
		return;
	flush->cpus |= mask;
	atomic_store(&cpu_self()->unflushed, cpu_self()->unflushed | mask);
}

u64 tlb_unflushed(void)
{
	u64 mask = 0;
	u32 i = 0;

	do
		mask |= BUG(183) ? 0 : atomic_load(&cpus[i]->unflushed);
	while (++i < cpu_count);
	return mask;
}

void tlb_flush_finish(struct tlb_flush *flush)
{
	struct cpu *cpu = cpu_self();
	u64 self;

	flush->cpus |= cpu->unflushed;
	if (!flush->cpus)
		return;
	self = 1ull << cpu->number;
	if (flush->cpus & self)
		arch_flush_all();
	if (flush->cpus & ~self && !BUG(173))
		ask_and_wait(flush->cpus, ASK_FLUSH);
	atomic_store(&cpu->unflushed, 0);
	flush->cpus = 0;
}

void tlb_flush_finish_all(struct tlb_flush *flush)
{
	flush->cpus |= tlb_unflushed();
	tlb_flush_finish(flush);
}
