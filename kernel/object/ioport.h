// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// ioport: a range of x86 I/O ports, accessed through the kernel.
#ifndef KERNEL_OBJECT_IOPORT_H
#define KERNEL_OBJECT_IOPORT_H
#include "kernel/object/object.h"
#include "lib/base/status.h"

struct ioport {
	struct object object;
	u32 first, count; // [I]
};

[[nodiscard]] enum status ioport_create(struct pool *pool, u64 first, u64 count,
					struct ioport **out);
#endif
