// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The system object: authority over the machine.
#ifndef KERNEL_SYSTEM_H
#define KERNEL_SYSTEM_H
#include "kernel/object/object.h"
#include "lib/base/status.h"

struct boot_info;

// info stays in use for as long as the kernel runs.
[[nodiscard]] enum status system_create(struct pool *pool,
					const struct boot_info *info,
					struct object **out);
#endif
