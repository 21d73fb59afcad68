// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// irq: see the header. The table maps the architecture's vectors to objects.
#include "kernel/object/irq.h"
#include "abi/constants.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/arch/arch.h"
#include "kernel/object/cap.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "kernel/sched/cpu.h"

static struct irq *irq_table[ARCH_IRQ_LINES];

enum status irq_create(struct pool *pool, u64 line, u64 flags, struct irq **out)
{
	struct object *object;
	struct irq *irq;
	enum status status;

	if ((line != IRQ_MSI && line >= ARCH_IRQ_LINES) ||
	    (u32)flags & ~(u32)(IRQ_LEVEL | IRQ_ACTIVE_LOW))
		return ERR_ARGUMENT;
	status = pool_object_alloc(pool, OBJECT_IRQ, sizeof(struct irq),
				   &object);
	if (status != STATUS_OK)
		return status;
	irq = (struct irq *)object;
	irq->line = line;
	irq->flags = (u32)flags;
	slot_init(&irq->notification_slot, irq, HOLDER_IRQ_NOTIFICATION);
	if (!arch_irq_claim(irq->line, irq->flags, flags >> 32, cpu_self()->number,
			    &irq->vector, &irq->msi_address, &irq->msi_data)) {
		pool_object_abandon(object);
		return ERR_OCCUPIED;
	}
	__atomic_store_n(&irq_table[irq->vector], irq, __ATOMIC_RELEASE);
	*out = irq;
	return STATUS_OK;
}

void kernel_interrupt_device(u32 vector)
{
	struct irq *irq = __atomic_load_n(&irq_table[vector], __ATOMIC_ACQUIRE);

	if (!irq)
		return;
	irq->count++;
	if (irq->flags & IRQ_LEVEL)
		arch_irq_mask(irq->line, true);
	notification_signal_slot(&irq->notification_slot, irq->bits);
}

enum status sysk_irq_bind(struct thread *, struct cap_ref *cap,
			  struct cap_ref *notification, u64 bits,
			  struct irq_bind_result *out)
{
	struct irq *irq = (struct irq *)cap_object(cap);
	enum status status;

	slot_drop(&irq->notification_slot);
	irq->bits = bits;
	status = cap_refer(&irq->notification_slot, notification);
	if (status != STATUS_OK)
		return status;
	if (irq->line != IRQ_MSI)
		arch_irq_mask(irq->line, false);
	out->msi_address = irq->msi_address;
	out->msi_data = irq->msi_data;
	return STATUS_OK;
}

enum status sysk_irq_ack(struct thread *, struct cap_ref *cap)
{
	struct irq *irq = (struct irq *)cap_object(cap);

	if (irq->flags & IRQ_LEVEL && irq->line != IRQ_MSI)
		arch_irq_mask(irq->line, false);
	return STATUS_OK;
}

bool irq_destroy_step(struct irq *irq)
{
	if (irq->line != IRQ_MSI)
		arch_irq_mask(irq->line, true);
	__atomic_store_n(&irq_table[irq->vector], nullptr, __ATOMIC_RELEASE);
	arch_irq_release(irq->line, irq->vector);
	slot_drop(&irq->notification_slot);
	return true;
}
