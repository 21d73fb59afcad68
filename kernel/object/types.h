// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The types of objects that are taken apart when they are destroyed, but for
// threads and pools: TYPE(NAME, name) stands for OBJECT_NAME, struct name, and
// bool name_destroy_step(struct name *), one bounded step of it, true when done.
#ifndef KERNEL_OBJECT_TYPES_H
#define KERNEL_OBJECT_TYPES_H
#include "lib/base/types.h"

#define OBJECTS_DESTROYED(TYPE)                                                \
	TYPE(CNODE, cnode)                                                     \
	TYPE(ENDPOINT, endpoint)                                               \
	TYPE(NOTIFICATION, notification)                                       \
	TYPE(MEMORY, memory)                                                   \
	TYPE(GUEST, guest)                                                     \
	TYPE(DMA, dma)

// Those that calls use after look-up alone: destroyed when no call can be in the
// middle of that.
#define OBJECTS_DESTROYED_UNUSED(TYPE)                                         \
	TYPE(ASPACE, aspace)                                                   \
	TYPE(IRQ, irq)                                                         \
	TYPE(TIMER, timer)

#define TYPE(NAME, name)                                                       \
	struct name;                                                           \
	bool name##_destroy_step(struct name *name);
OBJECTS_DESTROYED(TYPE)
OBJECTS_DESTROYED_UNUSED(TYPE)
#undef TYPE
#endif
