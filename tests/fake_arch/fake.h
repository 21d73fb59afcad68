// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The fake machine for tests on the host: some CPUs of which one runs at a time,
// an array for memory, and the kernel's whole state as three pieces of memory
// (its variables with and without initial values, and physical memory).
#ifndef TESTS_FAKE_ARCH_FAKE_H
#define TESTS_FAKE_ARCH_FAKE_H
#include "boot/boot_info.h"
#include "lib/base/types.h"

int printf(const char *format, ...);
int fflush(void *stream);
void *malloc(usize size);
void *calloc(usize count, usize size);
void free(void *memory);
[[noreturn]] void exit(int status);

#define FAKE_BASE 0x100000ull // where physical memory starts

extern u32 fake_cpu_number; // the CPU that runs
extern u64 fake_counter; // its counter and the time in ns
extern struct boot_info fake_info;
extern u32 seeded_bug; // kernel/bugs.h
extern bool fake_quiet; // klog prints nothing

// Called by panic() before it exits with status 1.
extern void (*fake_panic_hook)(void);

// Memory of npages and ncpus CPUs; frames_init() has run.
void fake_machine(u64 npages, u32 ncpus);
usize fake_memory_bytes(void);
// Every variable of the kernel as it was at the start of the program.
void fake_reset(void);

// The state: saved to and restored from memory of fake_state_bytes().
usize fake_state_bytes(void);
void fake_save(void *to);
void fake_restore(const void *from);

// Leave the kernel on every CPU until nothing is left to reap.
void fake_settle(void);

// Run checks in a child process with a seeded bug; true if it failed, which is
// what it must do. what: for the report.
bool fake_bug_is_caught(u32 bug, const char *what, void (*run)(void));

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			fake_fail(__FILE__, __LINE__, #condition);             \
	} while (0)
[[noreturn]] void fake_fail(const char *file, int line, const char *what);

// What must hold between steps; a test fails where it does not. slot_check_locked
// returns the number of slots; pool: nothing may be in the middle of using it.
struct object;
struct pool;
u64 slot_check_locked(const struct object *object);
void pool_check(const struct pool *pool);
void frames_check(void);

static inline u32 fake_random(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (u32)(*seed >> 16);
}
#endif
