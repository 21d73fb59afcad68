// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What every case of the kernel's tests uses: objects, workers (threads), address
// spaces, and ways to fail. The program is the first process of the machine.
//
// A case runs on a thread of its own, the runner, and makes everything from a
// pool of its own (CASE_POOL). The main thread waits for it, with a limit of guest
// time; then it deletes every slot of the case, and nothing may be left: neither
// in the pool of the case nor, against the time before it, in the machine.
// Whatever threads of a case share lies in memory that each of its address spaces
// sees at the same place: struct shared.
#pragma once

#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/rights.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "lib/ipc/message.h"
#include "lib/sys/arch/counter.h"
#include "lib/sys/component.h"

#define SLOT_SYSTEM 9
#define SLOT_IMAGE 27 // constants and code of this program
#define SLOT_STARTUP 29 // a copy of the startup page
#define SLOT_SHARED 30
#define SLOT_RUNNER 32
#define SLOT_RUNNER_BELL 33
#define SLOT_CASE_POOL 34
#define SLOT_CASE_FIRST 35
#define SLOT_CASE_END 192
#define SLOT_NEVER 199 // always empty

#define SYSTEM handle_of(SLOT_SYSTEM)
#define CASE_POOL handle_of(SLOT_CASE_POOL)
#define SCHED handle_of(SLOT_SCHED)
#define NONE handle_of(0)
#define CASE_POOL_PAGES 8192

#define STARTUP_BYTES 8192ull
#define SHARED_AT 0x1800000000ull
#define SHARED_BYTES 0x40000ull
#define AREA 0x1c00000000ull // free for mappings of a case

#define WORKERS 28
#define STACK_BYTES 16384

#define RUNNER_LAYER 250
#define RUNNER_PRIORITY 20
#define WORKER_LAYER 200
#define SERVER_LAYER 100 // of endpoints

#define MS 1000000ul
#define US 1000ul
#define SECOND 1000000000ul

struct worker {
	u32 thread, bell; // slots
	void (*run)(struct worker *self);
	u64 stack;
	u32 layer, priority, weight;
	u64 cpus;
	struct handle aspace, cspace, fault;
	u64 argument[8];
	volatile u64 result[8];
	volatile u32 done;
};

struct shared {
	volatile u32 failed, skipped, finished;
	char text[400];
	volatile u64 number[64];
	struct worker worker[WORKERS];
	u8 bytes[16384];
};
#define shared ((struct shared *)SHARED_AT)

struct test_case {
	const char *name; // NULL ends a table
	void (*run)(void);
	// Lines of gen/tests/conformance_list.txt it shows, with ';' between.
	const char *shows;
	u32 flags;
};
#define NEEDS_TWO_CPUS 1
#define LEAVES_TRACES 2 // what it uses is not compared
#define ONCE 4 // not repeated for the comparison: it is long
#define QUIET 8 // nobody looks every 20 ms whether it still runs

void harness_start(void); // once
void harness_reset(void); // before each case

// ---- verdicts
[[noreturn]] void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
[[noreturn]] void test_skip(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
void test_same(i64 got, i64 want, const char *what, const char *file, int line);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			FAIL("%s", #condition);                                \
	} while (0)
#define SAME(call, want)                                                       \
	test_same((i64)(call), (i64)(want), #call, __FILE__, __LINE__)
#define OK(call) SAME(call, STATUS_OK)

// ---- objects of the case
u32 slot_new(void);
// Numbers of neighbouring slots: the first.
u32 slots_new(u32 count);
struct handle make(u32 type, u64 a, u64 b);
struct handle make_from(struct handle pool, u32 type, u64 a, u64 b);
struct handle memory_of(u64 bytes);
struct handle endpoint(void);
struct handle notification(void);
// A copy with fewer rights / with a badge.
struct handle with_rights(struct handle cap, u32 rights);
struct handle with_badge(struct handle cap, u64 badge);
enum status slot_delete(struct handle cap); // own root cnode
enum status slot_revoke(struct handle cap);
bool slot_full(struct handle cap);
void map_at(struct handle memory, u64 address, u64 bytes, u32 flags);
void unmap(u64 address, u64 bytes);
static inline volatile u64 *word_at(u64 address)
{
	return (volatile u64 *)address;
}

struct usage {
	u64 pages, objects, capabilities, free_frames;
};
void usage_of(struct handle pool, struct usage *out);
bool usage_same(const struct usage *a, const struct usage *b);

// ---- threads
struct worker *worker_new(void (*run)(struct worker *));
void worker_prepare(struct worker *worker); // made and configured
void worker_start(struct worker *worker); // prepares it if need be
struct worker *worker_run(void (*run)(struct worker *), u64 a, u64 b);
void worker_join(struct worker *worker); // fails after a minute
bool worker_ended(struct worker *worker, u64 within_ns);
u64 thread_state(u32 thread);
// Wait until the thread is in this state; fails after a minute.
void worker_wait_state(struct worker *worker, u64 state);
void kill(struct worker *worker); // delete its thread's last capability
struct worker *self_worker(void);
void pause_ns(u64 ns);
[[noreturn]] void park(void);
u32 cpus_online(void);

// ---- faults of a worker, answered by the caller
struct fault {
	u64 kind, address, pc, code, sp;
};
// Receive the next fault at the endpoint. False when none came for a while.
bool fault_receive(struct handle endpoint, struct fault *fault);
bool fault_within(struct handle endpoint, struct fault *fault, u64 ns);
void fault_reply(u64 answer);

// ---- another address space with the same program, its data as they are now
struct handle space_new(void);
struct handle space_from(struct handle pool, u32 memory_slot, u32 aspace_slot);

u64 random_next(u64 *state);

extern const struct test_case suite_caps[], suite_objects[], suite_ipc[],
	suite_pages[],
	suite_memory[], suite_threads[], suite_time[], suite_devices[],
	suite_guest[], suite_hardening[], suite_smp[], suite_rings[], suite_cpus[],
	suite_cpus_smp[], suite_accounts[];
// What an irq object can be made for: a message, or where there are none the line of
// the serial port.
u64 irq_of_machine(u64 *flags);
void generic_run(void);
void fuzz_run(u64 calls, u64 seed, u32 nthreads);
