// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Per-CPU state. A CPU writes only its own, except the fields marked [a] which
// others post to.
#ifndef KERNEL_SCHED_CPU_H
#define KERNEL_SCHED_CPU_H
#include "abi/constants.h"
#include "kernel/arch/arch.h"
#include "kernel/sched/timeout.h"
#include "lib/base/list.h"
#include "lib/base/types.h"

#define CPU_MAX 64
#define PRIORITIES 64 // 0 is the fair class, 63 the most urgent
#define SCRATCH_BYTES 1024
#define FAIR_BUCKETS 64
// Queue p of the fixed priorities is behind the buckets, the first for nobody.
#define RUN_QUEUES (FAIR_BUCKETS + PRIORITIES)
// That one, on CPU 0: ready threads all of whose CPUs are off.
#define STRANDED FAIR_BUCKETS

struct thread;
struct aspace;
struct timer;

// Requests that other CPUs post in cpu->requests; each ends with an IPI.
enum cpu_request : u32 {
	CPU_REQUEST_INBOX = 1, // threads in inbox
	CPU_REQUEST_FLUSH = 2, // reload the page-table root, and answer
	CPU_REQUEST_QUIESCE = 4, // be outside the kernel once, and answer
	CPU_REQUEST_STEAL = 8, // an idle CPU asks for a thread
	CPU_REQUEST_HALT = 16, // panic elsewhere: stop
	CPU_REQUEST_TIMERS = 32, // timers in timer_inbox
	CPU_REQUEST_DEADLINES = 64, // the timer fired: look what is due
	CPU_REQUEST_LEAVE = 128, // run no more threads: cpu_leave_step()
	CPU_REQUEST_CHANGED = 256, // CPU 0: others came or are about to go
};

// Kinds of question, in the order of their requests.
enum : u32 { ASK_FLUSH, ASK_QUIESCE };

struct cpu {
	// Offsets of this group are known to entry.S.
	struct cpu *self;
	struct thread *current; // NULL: idle
	u64 stack_top; // kernel stack
	u64 scratch_sp; // user stack pointer while entering
	u64 in_guest; // current runs as guest
	u64 guest_save; // where entry.S pushes the guest's registers
	struct arch_cpu arch;

	// Fast path
	u64 ready_mask; // bit per priority with ready threads
	struct thread *fpu_owner; // whose state is in the FPU
	bool fpu_enabled;
	bool reschedule; // leave through schedule()
	bool fpu_busy; // [a] writing an FPU area
	u32 number;
	u64 fast_calls; // counters: SYSTEM_INFO_COUNTER
	u64 reaper; // number of condemned objects

	// [a] posted by others
	alignas(64) u32 requests;
	struct thread *inbox;
	struct timer *timer_inbox;
	u64 asked[2], answered[2]; // how often, by kind
	u64 steal_mask; // CPUs that ask for work
	// Address space whose root is loaded, and, while the root changes,
	// also the next one: neither may be taken apart.
	struct aspace *published;
	u64 unflushed; // [a] CPUs whose TLBs may show what this one took away

	// Run queues
	alignas(64) struct list queue[RUN_QUEUES];
	u64 fair_mask; // buckets occupied
	u64 fair_pass; // pass of the fair class's current bucket
	u32 nready; // others read it, as a hint
	u64 accepts; // [a] its bit of thread->allowed_cpus; 0: takes no threads
	struct timeouts timeouts;
	// What the hardware timer is set to, not later than the end of the slice
	// and the next deadline, which was timer_next_ns; ~0: not set.
	u64 timer_set, timer_next_ns;
	u64 slice; // ticks
	// Where there are accounts: up to when time is paid for, and the end of
	// current's slice, which it may not pass even when alone; ~0: it may.
	u64 paid_until_ns, alone_until;
	u64 timer_interrupts;
	struct list condemned; // what the reaper has to destroy
	u32 hardware_id; // as in boot_info
	u32 state; // [a] CPU_STATE_*, written by start/cpus.c
	// Who serves what is posted to this CPU: itself, or CPU 0 while it is off.
	struct cpu *served_by; // [a]
	struct aspace *publishing; // [a] see published
	u8 scratch[SCRATCH_BYTES]; // for copies between user memory and objects
#ifdef KOCHAB_DEBUG
	struct lock *held[8];
	u32 nheld;
#endif
};

extern struct cpu *cpus[CPU_MAX];
extern u32 cpu_count; // known, running or not
extern u64 cpus_online; // [a] a bit for each that runs and answers

// cpu_self() is in arch.h.

// Post a request to a CPU and interrupt it.
void cpu_post(struct cpu *cpu, enum cpu_request request);
// Serve what others posted to this CPU. Only at a point where no lock is held
// and no look-up result is in use.
[[gnu::noinline]] void cpu_serve(void);
// Wait until every other online CPU has been outside the kernel once. No lock
// held, no look-up result in use; serves own requests meanwhile.
void cpu_quiesce_all(void);

// Parts of cpu_serve that live with what they serve.
void thread_serve_inbox(void);
void timer_serve_inbox(void);
void sched_serve_steal(void);
void cpus_serve_changed(void);

// CPUs whose page-table root shows an address space: collected under locks,
// finished after they are dropped.
struct tlb_flush {
	u64 cpus;
};
void tlb_flush_add(struct tlb_flush *flush, struct aspace *aspace);
// CPUs that have loaded a root which leads to it, or are about to.
u64 cpus_showing(struct aspace *aspace);
void tlb_flush_finish(struct tlb_flush *flush);
// CPUs that some CPU is about to flush. Who finds under the locks of page tables
// that there is nothing to take away any more relies on that, and flushes them
// too before frames are reused.
u64 tlb_unflushed(void);
void tlb_flush_finish_all(struct tlb_flush *flush); // those, too
#endif
