// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The kernel shell of debug builds. Nothing of it is in a release image.
#ifndef KERNEL_DEBUG_SHELL_H
#define KERNEL_DEBUG_SHELL_H

struct pool;

#ifdef KOCHAB_DEBUG
// Answer on the log port from now on, from this CPU. pool is the first one.
void shell_start(struct pool *pool);
#else
static inline void shell_start(struct pool *) {}
#endif
#endif
