// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Physical frames: a bitmap while starting, then a buddy allocator above the
// frame table, with a small cache per CPU. One frame has a share count: how many
// radix nodes refer to it (copy-on-write).
#ifndef KERNEL_MM_FRAME_H
#define KERNEL_MM_FRAME_H
#include "abi/constants.h"
#include "lib/base/status.h"
#include "lib/base/types.h"

enum frame_state : u8 {
	FRAME_RESERVED, // firmware, kernel image, device, absent
	FRAME_FREE, // head of a free block, or inside one
	FRAME_CACHED, // in a CPU's cache (counts as free)
	FRAME_USED,
};

struct frame {
	u32 shares; // atomic
	u8 state;
	u8 order; // of the free block this frame heads
	u16 pins; // DMA, atomic
	u32 prev, next; // free list, frame numbers
};
static_assert(sizeof(struct frame) == 16);

struct boot_info;
// Build the frame table from the firmware's memory map. Everything in use by the
// kernel image, the boot archive and the table itself is reserved.
void frame_init(const struct boot_info *info);

// 2^order frames, naturally aligned, not zeroed; share count of the first is 1.
[[nodiscard]] enum status frame_alloc(u32 order, struct paddr *out);
void frame_free(struct paddr frame, u32 order);

struct frame *frame_of(struct paddr frame); // NULL when not RAM we manage
static inline void frame_share(struct frame *frame)
{
	__atomic_fetch_add(&frame->shares, 1, __ATOMIC_RELAXED);
}
// Drop a share; frees the frame when it was the last. True if freed.
bool frame_unshare(struct paddr frame);

u64 frames_free(void); // free and cached
u64 frames_total(void); // managed
// Walk the whole table (slow): for tests and statistics.
void frames_walk(u64 *free, u64 *used, u64 *total);
#endif
