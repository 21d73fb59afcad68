// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// For tests of memory objects and address spaces: threads that only have a
// capability space, processors that only have translation caches, and system
// calls as user space sees them (restarted as often as they ask).
//
// A cache keeps every translation it was given until it is told to forget: after
// each call vm_check() compares what caches hold with the page tables, so a
// missing flush is found even if nobody runs into it.
#ifndef TESTS_UNIT_MEMORY_VM_H
#define TESTS_UNIT_MEMORY_VM_H
#include "kernel/object/aspace.h"
#include "kernel/object/dma.h"
#include "kernel/object/memory.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/thread.h"
#include "tests/fake_arch/fake.h"

#define VM_THREADS 8
#define VM_ROOT 1 // slots: the root cnode, the pool
#define VM_POOL 2
#define VM_FREE 8 // first slot for the test

extern struct thread *vm_self; // makes the system calls
extern struct thread *vm_thread[VM_THREADS]; // touch memory
extern struct pool *vm_pool;
extern u64 vm_fail_at; // the allocation of frames that fails; 0: none
extern bool vm_fail_on; // and all after it
// What other processors do while one waits for them; called once.
extern void (*vm_during_flush)(void);
extern u64 vm_signals; // signals sent to a pager
extern u64 vm_restarts; // calls made again

// A machine with a pool of pool_pages.
void vm_start(u64 npages, u32 ncpus, u64 pool_pages);
// Everything but the first pool destroyed: true if all frames have come back.
bool vm_stop(void);
// What happens on every way out of the kernel.
void vm_leave(void);

// Capabilities: object of the slot, all rights; NULL if it is empty.
struct object *vm_object(u32 slot);
enum status vm_delete(u32 slot);
enum status vm_revoke(u32 slot);
enum status vm_mint(u32 slot, u32 source, u32 rights, u64 badge);

// Objects. Names as those of the system calls.
enum status vm_memory(u32 slot, u64 npages, u32 flags);
enum status vm_aspace(u32 slot, u32 kind, u32 container);
enum status vm_dma(u32 slot);
enum status vm_notification(u32 slot);
enum status vm_map(u32 aspace, u32 memory, u64 offset, u64 address, u64 length,
		   u32 flags);
enum status vm_unmap(u32 aspace, u64 address, u64 length);
enum status vm_protect(u32 aspace, u64 address, u64 length, u32 flags);
enum status vm_clone(u32 memory, u32 slot);
enum status vm_clone_step(u32 memory, u32 slot); // may return RESTART
enum status vm_decommit(u32 memory, u64 offset, u64 length);
enum status vm_supply(u32 memory, u64 offset, u64 length, u32 source,
		      u64 source_offset);
enum status vm_request(u32 memory, u32 notification, u64 bits, u64 *offset);
enum status vm_clean(u32 memory, u64 offset, u64 *dirty);
enum status vm_info(u32 memory, u64 *size, u64 *present);
enum status vm_dma_map(u32 dma, u32 memory, u64 offset, u64 length, u64 *bus);
enum status vm_dma_unmap(u32 dma, u64 bus, u64 length);

// This processor shows this aspace from now on (NULL: none).
void vm_show(u32 cpu, struct aspace *aspace);

// Load or store 8 bytes as a thread on this processor. OK: FAULT_DONE.
enum fault_result vm_load(u32 cpu, u32 thread, u64 address, u64 *value);
enum fault_result vm_store(u32 cpu, u32 thread, u64 address, u64 value);

// Caches against page tables.
void vm_check(void);
// The whole tree of a memory object against its counters and all that shows it.
void vm_check_memory(struct memory *memory);
// The tree of mappings: order, priorities, lists.
void vm_check_aspace(struct aspace *aspace);
#endif
