// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Physical frames: a buddy allocator (blocks of 2^0 to 2^FRAME_MAX_ORDER frames)
// above a table with one entry for each frame, and a small cache per CPU. While
// starting, the table's states serve as the map of what is usable and what is
// reserved. One frame has a share count: how many radix nodes refer to it
// (copy-on-write).
//
// Locks: each cache has one, then the global one, both of rank FRAMES; the
// common case takes its own CPU's cache only.
#ifndef KERNEL_MM_FRAME_H
#define KERNEL_MM_FRAME_H
#include "abi/constants.h"
#include "lib/base/atomic.h"
#include "lib/base/status.h"
#include "lib/base/types.h"

#define FRAME_MAX_ORDER 10
#define FRAME_NONE 0xffffffffu // end of a list of frame numbers
#define FRAME_INSIDE 0xff // order of a frame that heads no block

enum frame_state : u8 {
	FRAME_RESERVED, // firmware, kernel image, device, absent
	FRAME_FREE, // head of a free block, or inside one
	FRAME_CACHED, // in a CPU's cache (counts as free)
	FRAME_USED,
};

struct frame {
	u32 shares; // atomic. A pool's slab page: pieces in use
	u8 state;
	u8 order; // of the free block this frame heads. Slab page: its class
	u16 pins; // DMA, atomic. Slab page: 1 + first free piece
	u32 prev, next; // free list, or list of slab pages: frame numbers
};
static_assert(sizeof(struct frame) == 16);

struct boot_info;
// Build the frame table from the firmware's memory map. Everything in use by the
// kernel image, the boot archive and the table itself is reserved, and what lies
// below 1 MiB. Ranges may overlap and come in any order; reserved wins. What the
// direct map does not reach is left out. Panics if there is no room.
void frame_init(const struct boot_info *info);

// 2^order frames, naturally aligned, not zeroed; share count of the first is 1.
[[nodiscard]] enum status frame_alloc(u32 order, struct paddr *out);
void frame_free(struct paddr frame, u32 order);

struct frame *frame_of(struct paddr frame); // NULL when not RAM we manage
struct frame *frame_at(u32 number); // a number from prev or next
u32 frame_number(const struct frame *frame);

// The pages of these registers are the kernel's own from now on. At start only.
void frame_keep_device(u64 start, u64 size_bytes);

// Lists linked by prev and next; *head is FRAME_NONE when one is empty.
void frame_link(u32 *head, u32 number); // comes first
void frame_unlink(u32 *head, u32 number);

// May this range be handed out as device memory? Not if it touches usable RAM,
// the kernel, the boot archive or registers that the kernel keeps.
bool frame_range_is_device(u64 start, u64 size_bytes);

static inline void frame_share(struct frame *frame)
{
	atomic_add_relaxed(&frame->shares, 1);
}
// Drop a share; frees the frame when it was the last. True if freed.
bool frame_unshare(struct paddr frame);

u64 frames_free(void); // free and cached
u64 frames_total(void); // managed
// Walk the whole table (slow): for tests and statistics.
void frames_walk(u64 *free, u64 *used, u64 *total);
#endif
