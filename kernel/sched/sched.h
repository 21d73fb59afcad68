// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Scheduling: per-CPU run queues, fixed priorities 1-63 with round robin above a
// fair class (stride scheduling over a calendar of pass buckets). Everything here
// runs on the CPU concerned, with no lock.
#ifndef KERNEL_SCHED_SCHED_H
#define KERNEL_SCHED_SCHED_H
#include "kernel/sched/cpu.h"

struct thread;

#define TIME_SLICE_NS 5000000ull // 5 ms

void sched_init(struct cpu *cpu);
void sched_enqueue(struct cpu *cpu, struct thread *thread, bool at_head);
void sched_dequeue(struct cpu *cpu, struct thread *thread);
// Every way out of the kernel: serves requests, reaps a little, schedules if
// needed, sets the timer, leaves. Never returns; the stack is abandoned.
[[noreturn]] void kernel_leave(void);
// Current, or who just was, pays for its time up to now: before it changes for whom it
// works. Nothing to do unless there are accounts: sched_limits.
void sched_pay(struct thread *thread);
// The timer interrupt.
void sched_timer(void);
// A fresh thread's home: the allowed CPU with the fewest ready threads; CPU 0 if
// none of them runs.
struct cpu *sched_place(u64 allowed_cpus);
// The parameters of a thread of this CPU changed. Runs while its requests are
// served (REQUEST_RESCHEDULE). True: it has been handed to another CPU.
bool sched_changed(struct thread *thread);
// Give a thread that is in no queue, with REQUEST_BUSY held, to another CPU.
// There it has these requests. What it leaves here is its thread->cpu.
void sched_hand_over(struct thread *thread, struct cpu *to, u32 requests);
// Make one thread more and some timeouts leave this CPU, which accepts none: as if
// all were due. False: that was the last.
bool sched_evict(struct cpu *cpu);
// May this blocked, unowned thread be moved to this CPU at once?
bool sched_can_pull(const struct thread *thread, const struct cpu *to);
#endif
