// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A machine with weakly ordered memory, on which the threads of a test run real C.
// Each access to a shared word stops its thread; what the access may do next is
// the machine's to choose, and the explorer tries every choice.
//
// Memory is C11's without out-of-thin-air and without load buffering: a word is the
// list of its stores in modification order, a thread has a view (the oldest store
// of each word that it may still read), a release store carries its thread's view
// along, an acquire load takes it over. A relaxed load may read any store that is
// not older than the view; a store may come anywhere behind the view in the list;
// a successful swap reads the store directly before its own. Sequentially consistent
// fences pass one view from each to the next. So everything is found that stores
// delayed, reordered or seen by some and not by others can do; loads are not
// delayed behind later stores of their own thread, but contents that are not atomic
// (put and get) must be ordered by happens-before both ways, which finds the cases
// that matter here: a race is an error at once.
//
// Signals are kept for the waiter and carry the signaller's view; a wait without a
// signal blocks for ever. When nothing can go on and a thread is not at its end,
// that is a lost wake-up.
#pragma once

#include "lib/base/types.h"

#define THREADS_MAX 4u
#define WORDS_MAX 16u
#define STORES_MAX 32u
#define CONTENTS_MAX 8u

// ---- set up by the test, before machine_explore
void machine_reset(void);
void machine_word(const u64 *word); // an atomic one; what is there, is its value
void machine_content(const u64 *word); // not atomic, behind put and get
// A thread; local is memory of it alone, kept with its state. If it may die, run
// dead begins in its place, once in a run of the machine.
void machine_thread(const char *name, void (*run)(void), void (*successor)(void),
		    void *local, usize bytes);
// The last one serves for ever: a run may end while it waits.
void machine_servant(void);

struct outcome {
	const char *violation; // nullptr: none
	u64 states, steps, ends;
	u32 deepest;
};
// Every run from here. state_limit 0: none; when it is reached, violation says so.
// trace: print the run that violates something.
struct outcome machine_explore(u64 state_limit, bool trace);

// ---- for the threads
u32 machine_self(void);
// Nothing that was read since the last of these matters any more but through the
// thread's local memory.
void machine_boundary(void);
[[noreturn]] void machine_violation(const char *text);
#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition))                                              \
			machine_violation(#condition);                         \
	} while (0)
