// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The fake machine with the whole kernel on it: each CPU is in user mode or idle
// between steps; a step is one entry into the kernel, to where it leaves again.
//
// A step can be interleaved: at the n-th place where it takes or has dropped a
// lock, another CPU makes a step of its own. What that step would have to wait
// for makes the interleaving impossible; fake_run() says so.
#ifndef TESTS_FAKE_ARCH_MACHINE_H
#define TESTS_FAKE_ARCH_MACHINE_H
#include "lib/base/types.h"

struct thread;

// Run entry(data) as an entry into the kernel of this CPU. False: impossible,
// the state is undefined.
[[nodiscard]] bool fake_run(u32 cpu, void (*entry)(void *data), void *data);
// The same, and at the place-th lock operation (from 1) the other CPU's entry.
// *reached: there was such a place.
[[nodiscard]] bool fake_run_two(u32 cpu, void (*entry)(void *data), void *data,
				u32 place, u32 other,
				void (*other_entry)(void *data),
				void *other_data, bool *reached);
// Lock operations of the last fake_run().
u32 fake_places(void);

// A test that interleaves the CPUs by itself, each on a stack of its own, runs
// entries by itself and is called at places, where a CPU waits or leaves the kernel
// (it does not return from that), changes the address space or flushes it.
struct cpu;
struct fake_hooks {
	void (*place)(void);
	void (*relax)(void);
	void (*leave)(void);
	void (*flush)(unsigned long address);
	bool (*flush_everywhere)(void);
	void (*load_root)(struct cpu *cpu, struct thread *to);
};
extern const struct fake_hooks *fake_hooks;

// Entries. data of fake_syscall: the thread; its registers say which call.
void fake_interrupt(void *data); // another CPU's request
void fake_timer(void *data);
void fake_syscall(void *data);
#endif
