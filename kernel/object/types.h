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
	TYPE(ASPACE, aspace)                                                   \
	TYPE(MEMORY, memory)                                                   \
	TYPE(IRQ, irq)                                                         \
	TYPE(GUEST, guest)                                                     \
	TYPE(DMA, dma)                                                         \
	TYPE(TIMER, timer)

#define TYPE(NAME, name)                                                       \
	struct name;                                                           \
	bool name##_destroy_step(struct name *name);
OBJECTS_DESTROYED(TYPE)
#undef TYPE
#endif
