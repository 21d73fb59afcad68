// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// irq: one interrupt line or message-signalled vector, delivered as a signal. A
// level line stays masked from delivery until its holder acknowledges it.
#ifndef KERNEL_OBJECT_IRQ_H
#define KERNEL_OBJECT_IRQ_H
#include "kernel/object/object.h"
#include "lib/base/status.h"

struct irq {
	struct object object;
	struct slot notification_slot;
	u32 line; // [I] IRQ_MSI: message vector
	u32 flags; // [I]
	u32 vector; // [I]
	u64 bits; // object.lock
	u64 msi_address, msi_data; // [I]
	u64 count; // delivered
};

[[nodiscard]] enum status irq_create(struct pool *pool, u64 line, u64 flags,
				     struct irq **out);
bool irq_destroy_step(struct irq *irq);
#endif
