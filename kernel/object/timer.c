// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// timer: see the header.
#include "kernel/object/timer.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/object/cap.h"
#include "kernel/object/notification.h"
#include "kernel/object/pool.h"
#include "kernel/object/slot.h"
#include "kernel/sched/cpu.h"

#define PERIOD_MIN_NS 100000ull // no more than 10,000 signals a second
#define PERIOD_MAX_NS (1ull << 62) // a deadline plus this does not wrap round

static void timer_changed(struct timer *timer);

static void timer_expire(struct timeout *timeout)
{
	struct timer *timer = CONTAINER_OF(timeout, struct timer, timeout);
	u64 now = arch_now_ns(), bits = 0, next = 0;

	lock_take(&timer->object.lock);
	if (timer->deadline_ns && timer->deadline_ns <= now) {
		bits = timer->bits;
		timer->deadline_ns += timer->period_ns;
		if (!timer->period_ns)
			timer->deadline_ns = 0;
		else if (timer->deadline_ns <= now) // late: skip, keep phase
			timer->deadline_ns += (now - timer->deadline_ns) /
					      timer->period_ns *
					      timer->period_ns + timer->period_ns;
	}
	next = timer->object.dead ? 0 : timer->deadline_ns;
	lock_drop(&timer->object.lock);
	if (next && cpu_self()->accepts) {
		timeout_arm(&cpu_self()->timeouts, timeout, next);
	} else if (next) {
		timer->cpu = cpus[0];
		timer_changed(timer);
	}
	if (bits)
		notification_signal_slot(&timer->notification_slot, bits);
}

enum status timer_create(struct pool *pool, struct timer **out)
{
	enum status status = POOL_NEW(pool, OBJECT_TIMER, out);

	if (status != STATUS_OK)
		return status;
	(*out)->cpu = cpu_self();
	(*out)->timeout.expire = timer_expire;
	slot_init(&(*out)->notification_slot, *out, HOLDER_TIMER_NOTIFICATION);
	return STATUS_OK;
}

// Home CPU: make the tree agree with deadline_ns.
static void timer_rearm(struct timer *timer)
{
	struct timeouts *timeouts = &cpu_self()->timeouts;
	u64 deadline;

	lock_take(&timer->object.lock);
	deadline = timer->object.dead ? 0 : timer->deadline_ns;
	lock_drop(&timer->object.lock);
	timeout_disarm(timeouts, &timer->timeout);
	if (deadline)
		timeout_arm(timeouts, &timer->timeout, deadline);
	cpu_self()->reschedule = true; // so that the hardware timer is set
}

void timer_serve_inbox(void)
{
	struct timer *list = atomic_swap(&cpu_self()->timer_inbox, nullptr);

	while (list) {
		struct timer *timer = list;

		list = timer->inbox_next;
		atomic_store(&timer->posted, false);
		timer_changed(timer);
	}
}

static void timer_changed(struct timer *timer)
{
	struct cpu *cpu = atomic_load(&timer->cpu->served_by);

	if (cpu == cpu_self()) {
		timer->cpu = cpu;
		timer_rearm(timer);
		return;
	}
	if (atomic_swap(&timer->posted, true))
		return;
	do
		timer->inbox_next = atomic_load_relaxed(&cpu->timer_inbox);
	while (!atomic_replace(&cpu->timer_inbox, timer->inbox_next, timer));
	cpu_post(cpu, CPU_REQUEST_TIMERS);
}

enum status sysk_timer_set(struct thread *, struct cap_ref *cap,
			   struct cap_ref *notification, u64 bits,
			   u64 deadline_ns, u64 period_ns)
{
	struct timer *timer = (struct timer *)cap_object(cap);
	enum status status;

	if (period_ns > PERIOD_MAX_NS || (period_ns && period_ns < PERIOD_MIN_NS))
		return ERR_ARGUMENT;
	slot_drop(&timer->notification_slot);
	status = cap_refer(&timer->notification_slot, notification);
	if (status != STATUS_OK)
		return status;
	lock_take(&timer->object.lock);
	timer->bits = bits;
	timer->deadline_ns = deadline_ns;
	timer->period_ns = period_ns;
	lock_drop(&timer->object.lock);
	timer_changed(timer);
	return STATUS_OK;
}

bool timer_destroy_step(struct timer *timer)
{
	if (timer->timeout.armed || timer->posted) {
		timer_changed(timer);
		if (timer->timeout.armed || timer->posted)
			return false;
	}
	slot_drop(&timer->notification_slot);
	return true;
}
