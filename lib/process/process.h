// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Building a process: used by root (for the vault), the vault (for the engine) and
// the engine (for everything else). Steps in order: process_begin, then any of
// process_image, process_fixed, process_give, process_map …, then process_start,
// then process_end in any case. The first error sticks: later steps do nothing,
// and process_start returns it; builder->step names what failed.
#pragma once

#include "abi/startup.h"
#include "lib/base/status.h"
#include "lib/process/elf.h"

// Where things are in a native process, from its base (a container's lies above
// GUEST_END, any other's is 0) on; it maps memory from PROCESS_MAP to USER_END.
#define PROCESS_STARTUP 0x200000ull
#define PROCESS_TIME 0x203000ull
#define PROCESS_HEALTH 0x204000ull
#define PROCESS_STACK_BOTTOM 0x210000ull
#define PROCESS_STACK_TOP 0x3f0000ull
#define PROCESS_IMAGE 0x400000ull
#define PROCESS_IMAGE_END 0x10000000ull
#define PROCESS_STASH 0x10000000ull
#define PROCESS_HEAP 0x20000000ull
#define PROCESS_HEAP_MAX 0x60000000ull
#define PROCESS_MAP 0x100000000ull

struct process_plan {
	const char *name;
	struct handle pool; // everything is made from it
	u64 base;
	u32 aspace_kind; // ASPACE_*
	u32 slots_log2; // of the root cnode
	u64 stack_bytes, heap_bytes;
};

struct process_builder {
	struct process_plan plan;
	u32 aspace, cnode, thread, page_slot; // slots of the builder's root cnode
	u32 next; // slot of the new process
	u64 entry;
	struct startup *page; // mapped here; to be filled in
	enum status status;
	const char *step;
};

void process_begin(struct process_builder *builder,
	const struct process_plan *plan);
void process_image(struct process_builder *builder,
	const struct elf_image *image);
// Put a capability into a well-known slot. rights 0: those of the source.
void process_fixed(struct process_builder *builder, u32 slot,
	struct handle source, u32 rights, u64 badge);
// Put a capability into a free slot; returns its number.
u32 process_give(struct process_builder *builder, struct handle source,
	u32 rights, u64 badge);
// Name what is in slot (and peer) in the startup page.
void process_name(struct process_builder *builder, const char *name,
	enum startup_kind kind, u32 slot, u32 peer, u64 a, u64 b);
// Map memory at an address counted from the base.
void process_map(struct process_builder *builder, struct handle memory,
	u64 address, u64 bytes, u32 flags);

struct process_thread {
	struct handle sched;
	u32 priority, layer;
	struct handle fault; // endpoint for its faults; 0: none
	struct handle notification; // bound to it; 0: none
	// Where the capability to the thread shall go.
	struct handle keep_cnode;
	u32 keep_index;
};

[[nodiscard]] enum status process_start(struct process_builder *builder,
	const struct process_thread *thread);
// Gives back what the builder itself used.
void process_end(struct process_builder *builder);
