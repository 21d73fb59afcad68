// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel's start, behind the architecture's entry.
#ifndef KERNEL_START_START_H
#define KERNEL_START_START_H

struct boot_info;
struct pool;

// Make the first process of info->program and start it. Panics if it cannot.
void start_root(struct pool *pool, const struct boot_info *info);

#endif
