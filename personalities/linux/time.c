// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Clocks, sleeping and interval timers. Interval timers are kept by a thread of
// the personality that sleeps until the earliest.
#include "personalities/linux/time.h"

#include "lib/base/bits.h"
#include "lib/sys/component.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/process.h"

#define SECOND 1000000000ll
#define FAR_FUTURE (~0ull >> 2)

static i64 realtime_offset; // clock_settime moved it by so much
static struct carrier *timer_carrier;
static u64 tidy_at; // 0: nothing to tidy

u64 time_now(void)
{
	u64 now = clock_ns();

	return now > 1 ? now : 2; // 0 and 1 mean something else as deadlines
}

u64 realtime_now(void)
{
	return clock_realtime_ns() + (u64)realtime_offset;
}

struct linux_timeval time_value(u64 ns)
{
	return (struct linux_timeval){(i64)(ns / SECOND),
				      (i64)(ns % SECOND / 1000)};
}

struct linux_timespec time_spec(i64 ns)
{
	i64 seconds = ns / SECOND, rest = ns % SECOND;

	if (rest < 0)
		seconds--, rest += SECOND;
	return (struct linux_timespec){seconds, rest};
}

i64 timespec_in(u64 from, i64 *ns)
{
	struct linux_timespec spec;

	if (guest_copy_in(&spec, from, sizeof(spec)))
		return -EFAULT;
	if (spec.seconds < 0 || spec.nanoseconds < 0 ||
	    spec.nanoseconds >= SECOND)
		return -EINVAL;
	if (spec.seconds > (i64)(FAR_FUTURE / SECOND))
		spec.seconds = (i64)(FAR_FUTURE / SECOND);
	*ns = spec.seconds * SECOND + spec.nanoseconds;
	return 0;
}

i64 time_deadline(i64 relative_ns, u64 *deadline_ns)
{
	u64 now = time_now();

	*deadline_ns = relative_ns <= 0 ? now : now + (u64)relative_ns;
	return 0;
}

i64 time_deadline_in(u64 from, u64 *deadline_ns)
{
	i64 ns, error = timespec_in(from, &ns);

	return error ? error : time_deadline(ns, deadline_ns);
}

static i64 clock_read(struct thread *thread, u64 clock, u64 *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case 11: // CLOCK_TAI
		*ns = realtime_now();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = clock_ns();
		return 0;
	case CLOCK_THREAD_CPUTIME:
		*ns = carrier_run_ns(thread->carrier) - thread->run_base_ns;
		return 0;
	case CLOCK_PROCESS_CPUTIME:
		mutex_lock(&container_lock);
		*ns = process_run_ns(thread->process);
		mutex_unlock(&container_lock);
		return 0;
	default:
		return -EINVAL;
	}
}

i64 call_clock_gettime(struct thread *thread, const u64 *a)
{
	struct linux_timespec spec;
	u64 ns;
	i64 error = clock_read(thread, (u32)a[0], &ns);

	if (error)
		return error;
	spec = time_spec((i64)ns);
	return guest_copy_out(a[1], &spec, sizeof(spec));
}

i64 call_clock_getres(struct thread *thread, const u64 *a)
{
	struct linux_timespec spec = {0, 1};

	(void)thread;
	if (a[0] > CLOCK_BOOTTIME)
		return -EINVAL;
	return a[1] ? guest_copy_out(a[1], &spec, sizeof(spec)) : 0;
}

i64 call_clock_settime(struct thread *thread, const u64 *a)
{
	i64 ns, error;

	if (a[0] != CLOCK_REALTIME)
		return -EINVAL;
	if (thread->process->euid)
		return -EPERM;
	error = timespec_in(a[1], &ns);
	if (!error)
		realtime_offset = ns - (i64)clock_realtime_ns();
	return error;
}

i64 call_gettimeofday(struct thread *thread, const u64 *a)
{
	struct linux_timeval value = time_value(realtime_now());
	u64 zone = 0;

	(void)thread;
	if (a[0] && guest_copy_out(a[0], &value, sizeof(value)))
		return -EFAULT;
	if (a[1] && guest_copy_out(a[1], &zone, 8))
		return -EFAULT;
	return 0;
}

i64 call_time(struct thread *thread, const u64 *a)
{
	i64 seconds = (i64)(realtime_now() / SECOND);

	(void)thread;
	if (a[0] && guest_copy_out(a[0], &seconds, 8))
		return -EFAULT;
	return seconds;
}

// ---- sleeping

static i64 sleep_until(struct thread *thread, u64 deadline, u64 remaining)
{
	for (;;) {
		u64 now = time_now();
		struct linux_timespec left;
		i64 result;

		if (now >= deadline) {
			thread->sleep_deadline = 0;
			return 0;
		}
		result = wait_sleep(thread, &thread->own, deadline);
		if (result == 0 || result == -ETIMEDOUT)
			continue;
		now = time_now();
		left = time_spec(deadline > now ? (i64)(deadline - now) : 0);
		if (remaining && guest_copy_out(remaining, &left, sizeof(left)))
			return -EFAULT;
		thread->sleep_deadline = deadline;
		return -ERESTART_UNLESS_HANDLED;
	}
}

static i64 sleep_for(struct thread *thread, u64 from, u64 remaining)
{
	u64 deadline = thread->sleep_deadline;
	i64 error = time_deadline_in(from, &deadline);

	if (error)
		return error;
	if (thread->sleep_deadline) // the same sleep, after a stop
		deadline = thread->sleep_deadline;
	thread->sleep_deadline = 0;
	return sleep_until(thread, deadline, remaining);
}

i64 call_nanosleep(struct thread *thread, const u64 *a)
{
	return sleep_for(thread, a[0], a[1]);
}

i64 call_clock_nanosleep(struct thread *thread, const u64 *a)
{
	i64 ns, error;

	if (a[0] != CLOCK_REALTIME && a[0] != CLOCK_MONOTONIC &&
	    a[0] != CLOCK_BOOTTIME)
		return -EINVAL;
	if (!(a[1] & TIMER_ABSTIME))
		return sleep_for(thread, a[2], a[3]);
	error = timespec_in(a[2], &ns);
	if (error)
		return error;
	if (a[0] == CLOCK_REALTIME)
		ns -= (i64)(realtime_now() - clock_ns());
	return sleep_until(thread, ns > 0 ? (u64)ns : 2, 0);
}

// ---- interval timers

static void timer_fire(struct process *process, u64 now)
{
	struct itimer *timer = &process->real_timer;
	struct linux_siginfo info = signal_info(SIGALRM, SI_KERNEL, nullptr);

	if (timer->period_ns)
		timer->deadline_ns +=
			((now - timer->deadline_ns) / timer->period_ns + 1) *
			timer->period_ns;
	else
		timer->deadline_ns = 0;
	signal_process(process, &info);
}

#define TIDY_AFTER 30000000ull

void time_tidy_soon(void)
{
	if (tidy_at)
		return;
	tidy_at = time_now() + TIDY_AFTER;
	if (timer_carrier)
		carrier_wake(timer_carrier);
}

static void timer_loop(void *argument)
{
	(void)argument;
	mutex_lock(&container_lock);
	timer_carrier = carrier_self();
	for (;;) {
		u64 now = time_now(), next = 0;

		LIST_FOR_EACH(node, &processes)
		{
			struct process *process =
				CONTAINER_OF(node, struct process, node);
			struct itimer *timer = &process->real_timer;

			if (timer->deadline_ns && timer->deadline_ns <= now)
				timer_fire(process, now);
			if (timer->deadline_ns &&
			    (!next || timer->deadline_ns < next))
				next = timer->deadline_ns;
		}
		if (tidy_at && tidy_at <= now) {
			tidy_at = 0;
			container_tidy();
		}
		if (tidy_at && (!next || tidy_at < next))
			next = tidy_at;
		(void)!wait_park(next);
	}
}

i64 time_init(void)
{
	struct carrier *carrier = carrier_claim(SELF_ASPACE);

	if (!carrier)
		return -ENOMEM;
	carrier_start(carrier, timer_loop, nullptr);
	return 0;
}

static u64 timer_left(const struct process *process)
{
	u64 now = time_now(), deadline = process->real_timer.deadline_ns;

	return !deadline ? 0 : deadline > now ? deadline - now : 1000;
}

static void timer_set(struct process *process, u64 ns, u64 period_ns)
{
	process->real_timer.period_ns = period_ns;
	process->real_timer.deadline_ns = ns ? time_now() + ns : 0;
	if (timer_carrier)
		carrier_wake(timer_carrier);
}

i64 call_alarm(struct thread *thread, const u64 *a)
{
	u64 left = timer_left(thread->process);

	timer_set(thread->process, (u64)(u32)a[0] * SECOND, 0);
	return (i64)((left + SECOND / 2) / SECOND ? (left + SECOND / 2) / SECOND
			     : left		  ? 1
						  : 0);
}

struct interval {
	struct linux_timeval period, value;
};

static struct interval interval_now(const struct process *process)
{
	return (struct interval){time_value(process->real_timer.period_ns),
				 time_value(timer_left(process))};
}

i64 call_getitimer(struct thread *thread, const u64 *a)
{
	struct interval now = interval_now(thread->process);

	if (a[0] > 2)
		return -EINVAL;
	if (a[0])
		now = (struct interval){};
	return guest_copy_out(a[1], &now, sizeof(now));
}

static bool timeval_valid(const struct linux_timeval *value)
{
	return value->seconds >= 0 &&
		value->seconds < (i64)(FAR_FUTURE / SECOND) &&
		value->microseconds >= 0 && value->microseconds < 1000000;
}

static u64 timeval_ns(const struct linux_timeval *value)
{
	return (u64)(value->seconds * SECOND + value->microseconds * 1000);
}

i64 call_setitimer(struct thread *thread, const u64 *a)
{
	struct interval before = interval_now(thread->process), wanted = {};

	if (a[0] > 2)
		return -EINVAL;
	if (a[0]) // ITIMER_VIRTUAL, ITIMER_PROF: CPU time is not watched
		return -EINVAL;
	if (a[1] && guest_copy_in(&wanted, a[1], sizeof(wanted)))
		return -EFAULT;
	if (!timeval_valid(&wanted.period) || !timeval_valid(&wanted.value))
		return -EINVAL;
	if (a[2] && guest_copy_out(a[2], &before, sizeof(before)))
		return -EFAULT;
	timer_set(thread->process, timeval_ns(&wanted.value),
		  timeval_ns(&wanted.period));
	return 0;
}

i64 call_times(struct thread *thread, const u64 *a)
{
	const u64 tick = SECOND / CLOCK_TICKS;
	i64 out[4] = {(i64)(process_run_ns(thread->process) / tick), 0,
		      (i64)(thread->process->children_run_ns / tick), 0};

	if (a[0] && guest_copy_out(a[0], out, sizeof(out)))
		return -EFAULT;
	return (i64)(clock_ns() / tick);
}

i64 call_getrusage(struct thread *thread, const u64 *a)
{
	struct linux_rusage usage = {};

	if (a[0] == 0)
		usage.utime = time_value(process_run_ns(thread->process));
	else if ((i32)a[0] == -1)
		usage.utime = time_value(thread->process->children_run_ns);
	else if (a[0] == 1)
		usage.utime = time_value(carrier_run_ns(thread->carrier) -
					 thread->run_base_ns);
	else
		return -EINVAL;
	usage.other[0] = (i64)(mm_resident(thread->process->mm) / 1024);
	return guest_copy_out(a[1], &usage, sizeof(usage));
}
