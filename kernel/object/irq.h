// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// irq: one interrupt line or message-signalled vector, delivered as a signal. A
// level line stays masked from delivery until its holder acknowledges it. Several
// irqs made with IRQ_SHARED may stand for one level line: each is signalled, and
// the line stays masked until all that could be told have acknowledged it or are
// gone, or their notification is.
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
	struct irq *next; // [a] of the same line
	bool awaited; // [a] delivered, and not acknowledged yet
};

[[nodiscard]] enum status irq_create(struct pool *pool, u64 line, u64 flags,
				     struct irq **out);
bool irq_destroy_step(struct irq *irq);
// The notification behind its slot has gone; that one's lock is held.
void irq_notification_lost(struct irq *irq);
#endif
