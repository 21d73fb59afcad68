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

// The irqs of each vector; lists change under the lock, are read without.
static struct irq *irq_table[ARCH_IRQ_LINES];
static struct lock irq_table_lock
#ifdef KOCHAB_DEBUG
	= {.rank = LOCK_IRQ_TABLE}
#endif
;

static struct irq *first_of(u32 vector)
{
	return __atomic_load_n(&irq_table[vector], __ATOMIC_ACQUIRE);
}

static struct irq *next_of(const struct irq *irq)
{
	return __atomic_load_n(&irq->next, __ATOMIC_ACQUIRE);
}

// A line that others hold already is shared if all agree.
static bool join_locked(struct irq *irq)
{
	if (irq->line == IRQ_MSI || ~irq->flags & (IRQ_SHARED | IRQ_LEVEL))
		return false;
	for (u32 i = 0; i < ARCH_IRQ_LINES; i++)
		if (irq_table[i] && irq_table[i]->line == irq->line &&
		    irq_table[i]->flags == irq->flags) {
			irq->vector = i;
			return true;
		}
	return false;
}

static bool claim(struct irq *irq, u32 device)
{
	bool done;

	lock_take(&irq_table_lock);
	done = join_locked(irq) ||
		arch_irq_claim(irq->line, irq->flags, device,
			       cpu_self()->number, &irq->vector,
			       &irq->msi_address, &irq->msi_data);
	if (done) {
		irq->next = first_of(irq->vector);
		__atomic_store_n(&irq_table[irq->vector], irq,
				 __ATOMIC_RELEASE);
	}
	lock_drop(&irq_table_lock);
	return done;
}

enum status irq_create(struct pool *pool, u64 line, u64 flags, struct irq **out)
{
	struct object *object;
	struct irq *irq;
	enum status status;

	if ((line != IRQ_MSI && line >= ARCH_IRQ_LINES) ||
	    (u32)flags & ~(u32)(IRQ_LEVEL | IRQ_ACTIVE_LOW | IRQ_SHARED))
		return ERR_ARGUMENT;
	status = pool_object_alloc(pool, OBJECT_IRQ, sizeof(struct irq),
				   &object);
	if (status != STATUS_OK)
		return status;
	irq = (struct irq *)object;
	irq->line = line;
	irq->flags = (u32)flags;
	slot_init(&irq->notification_slot, irq, HOLDER_IRQ_NOTIFICATION);
	if (!claim(irq, (u32)(flags >> 32))) {
		pool_object_abandon(object);
		return ERR_OCCUPIED;
	}
	*out = irq;
	return STATUS_OK;
}

void kernel_interrupt_device(u32 vector)
{
	struct irq *first = first_of(vector);

	if (!first)
		return;
	if (first->flags & IRQ_LEVEL && first->line != IRQ_MSI) {
		for (struct irq *irq = first; irq; irq = next_of(irq))
			__atomic_store_n(&irq->awaited,
					 irq->notification_slot.word != 0,
					 __ATOMIC_RELAXED);
		arch_irq_mask(first->line, true);
	}
	for (struct irq *irq = first; irq; irq = next_of(irq)) {
		irq->count++;
		notification_signal_slot(&irq->notification_slot, irq->bits);
	}
}

// This one is served, or cannot be any more: unmask the line if it was the last.
static void served(struct irq *irq)
{
	if (irq->line == IRQ_MSI)
		return;
	__atomic_store_n(&irq->awaited, false, __ATOMIC_SEQ_CST);
	for (struct irq *at = first_of(irq->vector); at; at = next_of(at))
		if (__atomic_load_n(&at->awaited, __ATOMIC_SEQ_CST))
			return;
	arch_irq_mask(irq->line, false);
}

void irq_notification_lost(struct irq *irq)
{
	if (__atomic_load_n(&irq->awaited, __ATOMIC_RELAXED) &&
	    irq->flags & IRQ_SHARED)
		served(irq);
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

static void leave_locked(struct irq *irq)
{
	struct irq **link = &irq_table[irq->vector];

	while (*link && *link != irq)
		link = &(*link)->next;
	if (*link)
		__atomic_store_n(link, irq->next, __ATOMIC_RELEASE);
}

bool irq_destroy_step(struct irq *irq)
{
	lock_take(&irq_table_lock);
	leave_locked(irq);
	if (!first_of(irq->vector)) {
		if (irq->line != IRQ_MSI)
			arch_irq_mask(irq->line, true);
		arch_irq_release(irq->line, irq->vector);
	} else {
		served(irq);
	}
	lock_drop(&irq_table_lock);
	slot_drop(&irq->notification_slot);
	return true;
}
