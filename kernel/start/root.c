// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The first process. It gets everything: the pool of all memory, the system
// object, the boot archive. boot/program has found and checked its file.
//
// Its address space: the program where it is linked, then at fixed places below
// USER_END_LEAST stack, startup page, time page and heap.
#include "abi/startup.h"
#include "boot/boot_info.h"
#include "kernel/arch/arch.h"
#include "kernel/log.h"
#include "kernel/object/aspace.h"
#include "kernel/object/cap.h"
#include "kernel/object/cnode.h"
#include "kernel/object/memory.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/sched.h"
#include "kernel/object/slot.h"
#include "kernel/object/thread.h"
#include "kernel/panic.h"
#include "kernel/sched/cpu.h"
#include "kernel/start/start.h"
#include "kernel/system.h"
#include "kernel/time/clock.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"

#define ROOT_SLOTS_BITS 8
#define SLOT_SYSTEM 9
#define SLOT_ARCHIVE 10
#define SLOT_PASSING 15 // memory that is only mapped, while it is made

#define STACK_TOP 0x3fff000000ull
#define STACK_BYTES 65536
#define STARTUP_AT 0x3800000000ull
#define STARTUP_BYTES 8192
#define TIME_AT 0x3800010000ull
#define HEAP_AT 0x0800000000ull
#define HEAP_BYTES (4ull << 20)
#define MAP_AT 0x1000000000ull
#define MAP_END 0x1800000000ull

struct root {
	struct pool *pool;
	struct cnode *cnode;
	struct aspace *aspace;
	struct thread *thread;
};

static void need(enum status status, const char *what)
{
	if (status != STATUS_OK)
		panic("root: %s: %s", what, status_text(status));
}

// Put an object into a slot of root's capability space.
static void give(struct root *root, u32 index, struct object *object,
		 u32 rights)
{
	need(cnode_install(root->cnode, index, object, rights, 0),
	     "capability");
}

static struct cap_ref cap_in(struct root *root, u32 index)
{
	struct slot *slot = &root->cnode->slots[index];

	return (struct cap_ref){
		.slot = slot, .word = slot_word(slot), .badge = slot->badge};
}

static void refer(struct root *root, struct slot *slot, u32 index)
{
	struct cap_ref cap = cap_in(root, index);

	need(cap_refer(slot, &cap), "reference");
}

static void map(struct root *root, u32 index, u64 address, u64 length,
		u32 flags)
{
	struct cap_ref cap = cap_in(root, index);

	need(aspace_map(root->aspace, &cap, 0, address, length, flags), "map");
}

// New memory, filled from data, mapped. The mapping alone keeps it.
static void place(struct root *root, u64 address, u64 length, u32 flags,
		  u64 offset, const void *data, u64 data_bytes)
{
	struct memory *memory;

	need(memory_create(root->pool, length, MEMORY_ANON, &memory), "memory");
	give(root, SLOT_PASSING, &memory->object, RIGHTS_ALL);
	need(memory_write_bytes(memory, offset, data, data_bytes), "contents");
	map(root, SLOT_PASSING, address, length, flags);
	slot_drop(&root->cnode->slots[SLOT_PASSING]);
}

static void place_segment(struct root *root, const struct boot_segment *segment)
{
	u64 start = align_down(segment->address, PAGE_BYTES);
	u64 end =
		align_up(segment->address + segment->memory_bytes, PAGE_BYTES);

	place(root, start, end - start, segment->flags,
	      segment->address - start,
	      arch_direct((struct paddr){segment->data}), segment->data_bytes);
}

static void startup_page(struct root *root, const struct boot_info *info)
{
	static struct startup page; // too large for the stack

	page = (struct startup){.magic = STARTUP_MAGIC,
				.version = 1,
				.ncaps = 2,
				.generation = 1,
				.time_page = TIME_AT,
				.heap_start = HEAP_AT,
				.heap_bytes = HEAP_BYTES,
				.map_start = MAP_AT,
				.map_end = MAP_END,
				.user_end = USER_END,
				.component = "root"};
	strlcpy(page.command_line, info->command_line,
		sizeof page.command_line);
	page.cap[0] = (struct startup_cap){.name = "system",
					   .kind = STARTUP_SYSTEM,
					   .handle = SLOT_SYSTEM};
	page.cap[1] = (struct startup_cap){.name = "archive",
					   .kind = STARTUP_MEMORY,
					   .handle = SLOT_ARCHIVE,
					   .a = info->archive_size};
	place(root, STARTUP_AT, STARTUP_BYTES, MAP_READ, 0, &page, sizeof page);
}

static void make_objects(struct root *root, const struct boot_info *info)
{
	struct notification *notification;
	struct memory *archive;
	struct object *system;
	struct sched *sched;
	u64 bytes = align_up(info->archive_size, PAGE_BYTES);

	need(cnode_create(root->pool, ROOT_SLOTS_BITS, &root->cnode), "cnode");
	need(aspace_create(root->pool, ASPACE_PLAIN, nullptr, &root->aspace),
	     "aspace");
	need(thread_create(root->pool, &root->thread), "thread");
	need(sched_create(root->pool, PRIORITIES - 1, ~0ull, &sched), "sched");
	need(notification_create(root->pool, &notification), "notification");
	need(system_create(root->pool, info, &system), "system");
	need(memory_create_physical(root->pool,
				    (struct paddr){info->archive_start}, bytes,
				    MEMORY_PHYSICAL, &archive),
	     "archive");
	give(root, SLOT_CNODE, &root->cnode->object, RIGHTS_ALL);
	give(root, SLOT_ASPACE, &root->aspace->object, RIGHTS_ALL);
	give(root, SLOT_THREAD, &root->thread->object, RIGHTS_ALL);
	give(root, SLOT_POOL, &root->pool->object, RIGHTS_ALL);
	give(root, SLOT_SCHED, &sched->object, RIGHTS_ALL);
	give(root, SLOT_NOTIFICATION, &notification->object, RIGHTS_ALL);
	give(root, SLOT_TIME, &clock_page()->object, RIGHT_READ | RIGHT_DERIVE);
	give(root, SLOT_SYSTEM, system, RIGHTS_ALL);
	give(root, SLOT_ARCHIVE, &archive->object,
	     RIGHT_READ | RIGHT_EXEC | RIGHT_DERIVE);
}

static void start_thread(struct root *root, u64 entry)
{
	struct thread *thread = root->thread;
	struct notification *notification = (struct notification *)word_object(
		slot_word(&root->cnode->slots[SLOT_NOTIFICATION]));

	refer(root, &thread->aspace_slot, SLOT_ASPACE);
	refer(root, &thread->cspace_slot, SLOT_CNODE);
	refer(root, &thread->sched_slot, SLOT_SCHED);
	refer(root, &thread->notification_slot, SLOT_NOTIFICATION);
	thread->aspace = root->aspace;
	thread->roots.full = root->aspace->root.value;
	thread->cspace = root->cnode;
	thread->layer = 255;
	thread->priority = thread->effective = 1;
	thread->allowed_cpus = ~0ull;
	thread->bound = notification;
	notification->bound = thread;
	arch_thread_start(thread, entry, STACK_TOP, STARTUP_AT, 0);
	thread_request(thread, REQUEST_START);
}

void start_root(struct pool *pool, const struct boot_info *info)
{
	struct root root = {.pool = pool};

	if (!info->program.nsegments)
		panic("no first program: %s", info->warnings);
	make_objects(&root, info);
	for (u32 i = 0; i < info->program.nsegments; i++)
		place_segment(&root, &info->program.segment[i]);
	place(&root, STACK_TOP - STACK_BYTES, STACK_BYTES, MAP_READ | MAP_WRITE,
	      0, nullptr, 0);
	place(&root, HEAP_AT, HEAP_BYTES, MAP_READ | MAP_WRITE, 0, nullptr, 0);
	startup_page(&root, info);
	map(&root, SLOT_TIME, TIME_AT, PAGE_BYTES, MAP_READ);
	klog("starting %s", info->program.name);
	start_thread(&root, info->program.entry);
}
