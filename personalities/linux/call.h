// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The Linux system calls that exist: one handler each, from coverage.def. a[0] to
// a[5] are the arguments; the result is what the program gets.
#ifndef PERSONALITIES_LINUX_CALL_H
#define PERSONALITIES_LINUX_CALL_H
#include "lib/base/types.h"
#include "personalities/linux/linux_abi.h"

struct thread;

// The handler has set the registers itself.
#define NO_RESULT (-5000l)

// Which calls have a handler, and whether it runs under the big lock.
#define HANDLER_DONE(name) i64 call_##name(struct thread *thread, const u64 *a);
#define HANDLER_PARTLY(name) HANDLER_DONE(name)
#define HANDLER_NO(name)
#define CALL(x86_64, generic, name, state, lock) HANDLER_##state(name)
#define X86_64(number, name, state, lock) HANDLER_##state(name)
#define AARCH64(number, name, state, lock) HANDLER_##state(name)
#define RISCV64(number, name, state, lock) HANDLER_##state(name)
#include "personalities/linux/coverage.def"
#undef CALL
#undef X86_64
#undef AARCH64
#undef RISCV64
#undef HANDLER_DONE
#undef HANDLER_PARTLY
#undef HANDLER_NO

struct call_entry {
	i64 (*handler)(struct thread *thread, const u64 *a);
	const char *name;
	bool locked;
};
extern const struct call_entry call_table[];
extern const u32 call_table_entries;

// Do the call that the thread's registers ask for. Big lock not held.
void call_dispatch(struct thread *thread);

void signal_mask_for_now(struct thread *thread, u64 mask);
#endif
