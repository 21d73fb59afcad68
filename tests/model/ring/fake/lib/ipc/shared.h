// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// In the place of lib/ipc/shared.h: every access goes through the explorer.
#pragma once

#include "lib/base/types.h"

u64 shared_load(const u64 *word);
u64 shared_load_acquire(const u64 *word);
void shared_store(u64 *word, u64 value);
void shared_store_release(u64 *word, u64 value);
bool shared_swap(u64 *word, u64 old, u64 value);
void shared_set(u64 *word, u64 bits);
void shared_clear(u64 *word, u64 bits);
void shared_fence(void);
void shared_put(u64 *to, const void *data, u32 bytes);
void shared_get(void *data, const u64 *from, u32 bytes);

extern u32 seeded_bug;
#define RING_BUG(n) (seeded_bug == (n))
