// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The frame of every native component. crt0 calls component_main() with the
// startup page checked. Everything here is single-threaded unless said.
#ifndef LIB_SYS_COMPONENT_H
#define LIB_SYS_COMPONENT_H
#include "abi/constants.h"
#include "abi/startup.h"
#include "lib/base/status.h"

// Written by the component. Returning ends it (the engine restarts it or not, as
// its manifest says); the result is its exit status.
int component_main(const struct startup *startup);

extern const struct startup *startup; // set before component_main
extern u64 user_end, guests_end; // of this machine's address spaces
#define USER_END user_end
#define GUEST_END guests_end

// The named entry of the startup page; NULL when there is none of this kind.
const struct startup_cap *startup_find(const char *name, enum startup_kind kind);
// As above, and ends the component with a message when it is missing.
const struct startup_cap *startup_need(const char *name, enum startup_kind kind);
// A word "name=value" of the kernel command line or of the arguments; false when
// absent. value gets at most size bytes, NUL-terminated.
bool startup_word(const char *name, char *value, usize size);

// A line for the log service (before it runs: the kernel log if allowed).
[[gnu::format(printf, 1, 2)]] void log_print(const char *format, ...);

// Say that the component serves; the engine may route clients to it.
void component_ready(void);
// End this process at once.
[[noreturn]] void component_exit(int code);
[[noreturn, gnu::format(printf, 1, 2)]] void component_fail(const char *format, ...);

// Wait for bits of the main notification; answers heartbeats itself and does not
// return them. deadline_ns absolute or 0. ERR_TIMEOUT.
[[nodiscard]] enum status component_wait(u64 mask, u64 deadline_ns, u64 *bits);
// Answer a heartbeat if bits has it; returns bits without it.
u64 component_heartbeat(u64 bits);

u64 clock_ns(void); // monotonic, from the time page, no system call
u64 clock_realtime_ns(void); // UTC since 1970; 0 when unknown

// ---- slots of the own root cnode
// A free slot (from SLOT_FIRST_FREE up); ends the component when full.
u32 slot_alloc(void);
void slot_free(u32 slot); // deletes what is in it, too
static inline struct handle handle_of(u32 slot)
{
	return (struct handle){slot};
}
#define SELF_CNODE handle_of(SLOT_CNODE)
#define SELF_ASPACE handle_of(SLOT_ASPACE)
#define SELF_POOL handle_of(SLOT_POOL)

// ---- memory
// Map memory anywhere in the free range of the own address space.
[[nodiscard]] enum status memory_map(struct handle memory, u64 offset,
				     u64 length, u32 flags, void **out);
void memory_unmap(void *address, u64 length);
// Heap: first-fit, from the heap range. NULL when exhausted.
void *heap_alloc(usize size);
void *heap_zalloc(usize size);
void heap_free(void *memory);
void *heap_realloc(void *memory, usize size);

// ---- threads inside a component. stack is allocated from the heap.
[[nodiscard]] enum status thread_spawn(void (*entry)(void *), void *argument,
				       usize stack_bytes, u32 *thread_slot);
#endif
