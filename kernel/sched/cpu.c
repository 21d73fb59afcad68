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

struct cpu *cpus[CPU_MAX];
u32 cpu_count;

void cpu_post(struct cpu *cpu, enum cpu_request request)
{
	u32 old = __atomic_fetch_or(&cpu->requests, request, __ATOMIC_ACQ_REL);

	if (!old && cpu != cpu_self() && !BUG(180))
		arch_ipi(cpu->number);
}

void cpu_serve(void)
{
	struct cpu *self = cpu_self();
	u32 requests;

	while ((requests = __atomic_exchange_n(&self->requests, 0,
					       __ATOMIC_ACQ_REL))) {
		if (requests & CPU_REQUEST_HALT)
			arch_panic_stop();
		if (requests & CPU_REQUEST_FLUSH) {
			u64 wanted = __atomic_load_n(&self->flush_wanted,
						     __ATOMIC_ACQUIRE);
			BUG(172) ? (void)0 : arch_flush_all();
			__atomic_store_n(&self->flush_done, wanted,
					 __ATOMIC_RELEASE);
		}
		if (requests & CPU_REQUEST_QUIESCE)
			__atomic_store_n(&self->quiesce_done,
					 __atomic_load_n(&self->quiesce_wanted,
							 __ATOMIC_ACQUIRE),
					 __ATOMIC_RELEASE);
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

// Ask each CPU of the mask and wait until done has reached what was asked.
static void ask_and_wait(u64 mask, enum cpu_request request, usize wanted_at,
			 usize done_at)
{
	struct cpu *self = cpu_self();
	u64 ticket[CPU_MAX];

	for (u32 i = 0; i < cpu_count; i++) {
		if (!(mask >> i & 1) || i == self->number)
			continue;
		ticket[i] = __atomic_add_fetch(
			(u64 *)((char *)cpus[i] + wanted_at), 1,
			__ATOMIC_ACQ_REL);
		cpu_post(cpus[i], request);
	}
	for (u32 i = 0; i < cpu_count; i++) {
		if (!(mask >> i & 1) || i == self->number)
			continue;
		while (__atomic_load_n((u64 *)((char *)cpus[i] + done_at),
				       __ATOMIC_ACQUIRE) < ticket[i]) {
			if (__atomic_load_n(&self->requests, __ATOMIC_RELAXED) && !BUG(175))
				cpu_serve();
			arch_relax();
		}
	}
}

u64 cpus_online(void)
{
	u64 mask = 0;

	for (u32 i = 0; i < cpu_count; i++)
		if (__atomic_load_n(&cpus[i]->online, __ATOMIC_ACQUIRE))
			mask |= 1ull << i;
	return mask;
}

void cpu_quiesce_all(void)
{
	lock_check_none();
	ask_and_wait(cpus_online(), CPU_REQUEST_QUIESCE,
		     __builtin_offsetof(struct cpu, quiesce_wanted),
		     __builtin_offsetof(struct cpu, quiesce_done));
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
				   : __atomic_load_n(&cpus[i]->publishing,
						     __ATOMIC_ACQUIRE),
			  aspace) ||
		    shows(__atomic_load_n(&cpus[i]->published,
					  __ATOMIC_ACQUIRE),
			  aspace))
			mask |= 1ull << i;
	return mask;
}

void tlb_flush_add(struct tlb_flush *flush, struct aspace *aspace)
{
	u64 mask = cpus_showing(aspace);

	if (mask && !arch_flush_everywhere())
		flush->cpus |= mask;
}

void tlb_flush_finish(struct tlb_flush *flush)
{
	if (!flush->cpus)
		return;
	if (flush->cpus >> cpu_self()->number & 1)
		arch_flush_all();
	flush->cpus &= ~(1ull << cpu_self()->number);
	if (!flush->cpus || BUG(173))
		return;
	flush->cpus &= cpus_online();
	lock_check_none();
	ask_and_wait(flush->cpus, CPU_REQUEST_FLUSH,
		     __builtin_offsetof(struct cpu, flush_wanted),
		     __builtin_offsetof(struct cpu, flush_done));
	flush->cpus = 0;
}
