// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel's start, behind the architecture's entry.
#ifndef KERNEL_START_START_H
#define KERNEL_START_START_H

struct boot_info;
struct pool;

// Make the first process from the boot archive's kochab/bin/<name> (name: the
// command-line word root=, or "root") and start it. Panics if that cannot be done.
void start_root(struct pool *pool, const struct boot_info *info);

#endif
