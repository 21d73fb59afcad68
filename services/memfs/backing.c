// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Contents of files in the kernel's memory objects: made from the pool
// "keep-pool", held in the cnode "keep", both of which outlive the server. They
// are seen through windows of 2 MiB, of which some stay mapped.
#include "services/memfs/backing.h"

#include "abi/constants.h"
#include "gen/abi/objects.h"
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/sys/component.h"
#include "services/memfs/native.h"

#define WINDOWS 64
#define RESERVE_PAGES 24 // of the pool: nodes of page trees, objects
#define RESERVE_FRAMES 512 // of the machine: others want to live, too

struct window {
	u32 slot;
	bool used;
	u64 offset;
	u64 last_use;
	u8 *address;
};

static struct handle keep, pool;
static u64 keep_slots;
static struct window window[WINDOWS];
static u64 uses;

static struct handle object_in(u32 slot)
{
	return handle_of(keep.value << 16 | slot);
}

u32 backing_open(void)
{
	const struct startup_cap *cnode = startup_need("keep", STARTUP_CNODE);
	const struct startup_cap *frames = startup_need("keep-pool", STARTUP_POOL);

	keep = handle_of(cnode->handle);
	keep_slots = MIN(cnode->a, 65535ull);
	pool = handle_of(frames->handle);
	return (u32)keep_slots;
}

struct handle backing_object(u32 slot)
{
	return object_in(slot);
}

static void drop_window(struct window *w)
{
	if (w->used)
		memory_unmap(w->address, WINDOW_BYTES);
	w->used = false;
}

enum status backing_create(u32 slot, u64 bytes)
{
	enum status status;

	backing_destroy(slot); // a predecessor may have died before the commit
	status = sys_object_create(pool, OBJECT_MEMORY, bytes, MEMORY_ANON,
				   handle_of(0), keep, slot);
	if (status == ERR_QUOTA || status == ERR_MEMORY)
		return ERR_NOSPACE;
	if (status != STATUS_OK)
		log_print("object of %lu bytes in slot %u: %s", bytes, slot,
			  status_text(status));
	return status == STATUS_OK ? STATUS_OK : ERR_IO;
}

void backing_destroy(u32 slot)
{
	for (u32 i = 0; i < WINDOWS; i++)
		if (window[i].used && window[i].slot == slot)
			drop_window(&window[i]);
	(void)!sys_cap_delete(keep, slot);
}

static struct window *window_for(u32 slot, u64 offset)
{
	struct window *oldest = &window[0];

	for (u32 i = 0; i < WINDOWS; i++) {
		struct window *w = &window[i];

		if (w->used && w->slot == slot && w->offset == offset)
			return w;
		if (!w->used || (oldest->used && w->last_use < oldest->last_use))
			oldest = w;
	}
	drop_window(oldest);
	return oldest;
}

enum status backing_window(u32 slot, u64 offset, u8 **address, u64 *bytes)
{
	u64 start = align_down(offset, WINDOW_BYTES);
	struct window *w = window_for(slot, start);

	if (!w->used) {
		void *memory;
		enum status status = memory_map(object_in(slot), start,
						WINDOW_BYTES,
						MAP_READ | MAP_WRITE, &memory);

		if (status != STATUS_OK) {
			log_print("window at %lu of slot %u: %s", start, slot,
				  status_text(status));
			return ERR_IO;
		}
		*w = (struct window){slot, true, start, 0, memory};
	}
	w->last_use = ++uses;
	*address = w->address + (offset - start);
	*bytes = WINDOW_BYTES - (offset - start);
	return STATUS_OK;
}

enum status backing_zero(u32 slot, u64 offset, u64 bytes)
{
	enum status status = sys_memory_decommit(object_in(slot), offset, bytes);

	return status == STATUS_OK ? STATUS_OK : ERR_IO;
}

void backing_pages(u64 *limit, u64 *left)
{
	u64 used, free_frames;

	*limit = *left = 0;
	if (sys_pool_info(pool, limit, &used, nullptr, nullptr, &free_frames) !=
	    STATUS_OK)
		return;
	if (*limit > used + RESERVE_PAGES)
		*left = *limit - used - RESERVE_PAGES;
	if (free_frames < RESERVE_FRAMES)
		*left = 0;
	else if (free_frames - RESERVE_FRAMES < *left)
		*left = free_frames - RESERVE_FRAMES;
}

bool backing_room(u64 pages)
{
	u64 limit, left;

	backing_pages(&limit, &left);
	return pages <= left;
}

i64 backing_time_ns(void)
{
	return (i64)clock_realtime_ns();
}
