// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// irq: see the header. The table maps the architecture's vectors to objects.
#include "kernel/object/irq.h"
#include "abi/constants.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/arch/arch.h"
#include "kernel/lock.h"
#include "kernel/object/cap.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "kernel/sched/cpu.h"

#define SHARERS_MAX 32 // of one line: each interrupt signals them all

// The irqs of each vector; lists change under the lock, are read without.
static struct irq *irq_table[ARCH_IRQ_LINES];
static struct lock irq_table_lock; // taken with no other held: no rank

#define EACH_IRQ(at, vector)                                                   \
	for (struct irq *at = atomic_load(&irq_table[vector]); at;             \
	     at = atomic_load(&at->next))

// A line that others hold already is shared if all agree, and they are not many.
static enum status claim_locked(struct irq *irq, u32 device)
{
	u32 vector = 0, sharers = 0;

	while (vector < ARCH_IRQ_LINES &&
	       !(irq->flags & IRQ_SHARED && irq_table[vector] &&
		 irq_table[vector]->line == irq->line &&
		 irq_table[vector]->flags == irq->flags))
		vector++;
	if (vector == ARCH_IRQ_LINES &&
	    !arch_irq_claim(irq->line, irq->flags, device,
			    cpu_self()->number, &vector, &irq->msi_address,
			    &irq->msi_data))
		return ERR_OCCUPIED;
	EACH_IRQ(other, vector)
		if (++sharers == SHARERS_MAX)
			return ERR_DEPTH;
	irq->vector = vector;
	irq->next = irq_table[vector];
	atomic_store(&irq_table[vector], irq);
	return STATUS_OK;
}

enum status irq_create(struct pool *pool, u64 line, u64 flags, struct irq **out)
{
	enum status status;

	if ((line != IRQ_MSI && line >= ARCH_IRQ_LINES) ||
	    (u32)flags & ~(u32)(IRQ_LEVEL | IRQ_ACTIVE_LOW | IRQ_SHARED) ||
	    (flags & IRQ_SHARED && (line == IRQ_MSI || !(flags & IRQ_LEVEL))))
		return ERR_ARGUMENT;
	status = POOL_NEW(pool, OBJECT_IRQ, out);
	if (status != STATUS_OK)
		return status;
	(*out)->line = line;
	(*out)->flags = (u32)flags;
	slot_init(&(*out)->notification_slot, *out, HOLDER_IRQ_NOTIFICATION);
	lock_take(&irq_table_lock);
	status = claim_locked(*out, (u32)(flags >> 32));
	lock_drop(&irq_table_lock);
	if (status != STATUS_OK)
		pool_object_abandon(&(*out)->object);
	return status;
}

void kernel_interrupt_device(u32 vector)
{
	EACH_IRQ(irq, vector) {
		irq->awaited = irq->notification_slot.word != 0;
		if (irq->flags & IRQ_LEVEL)
			arch_irq_mask(irq->line, true);
		notification_signal_slot(&irq->notification_slot, irq->bits);
	}
}

// This one is served, or cannot be any more: unmask the line if it was the last.
static void served(struct irq *irq)
{
	atomic_store_ordered(&irq->awaited, false);
	EACH_IRQ(other, irq->vector)
	if (atomic_load_ordered(&other->awaited))
		return;
	if (irq->line != IRQ_MSI)
		arch_irq_mask(irq->line, false);
}

void irq_notification_lost(struct irq *irq)
{
	if (irq->awaited && irq->flags & IRQ_SHARED)
		served(irq);
}

enum status sysk_irq_bind(struct thread *, struct cap_ref *cap,
			  struct cap_ref *notification, u64 bits,
			  struct irq_bind_result *out)
{
	struct irq *irq = (struct irq *)cap_object(cap);

	slot_drop(&irq->notification_slot);
	irq->bits = bits;
	enum status status = cap_refer(&irq->notification_slot, notification);
	if (status != STATUS_OK)
		return status;
	served(irq);
	out->msi_address = irq->msi_address;
	out->msi_data = irq->msi_data;
	return STATUS_OK;
}

enum status sysk_irq_ack(struct thread *, struct cap_ref *cap)
{
	struct irq *irq = (struct irq *)cap_object(cap);

	if (irq->flags & IRQ_LEVEL)
		served(irq);
	return STATUS_OK;
}

bool irq_destroy_step(struct irq *irq)
{
	struct irq **link = &irq_table[irq->vector];

	lock_take(&irq_table_lock);
	while (*link != irq)
		link = &(*link)->next;
	atomic_store(link, irq->next);
	if (irq_table[irq->vector])
		served(irq);
	else
		arch_irq_release(irq->line, irq->vector); // masks it
	lock_drop(&irq_table_lock);
	slot_drop(&irq->notification_slot);
	return true;
}
