// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// poll and select: a set of files with wanted events; the thread enters the queue
// of each file while it sleeps.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/poll.h"
#include "personalities/linux/process.h"
#include "personalities/linux/time.h"

static u32 look(struct watched *set, u32 count)
{
	u32 ready = 0;

	for (u32 i = 0; i < count; i++) {
		struct watched *w = &set[i];

		w->found = 0;
		if (w->file)
			w->found = file_poll(w->file) &
				(w->wanted | POLLERR | POLLHUP);
		ready += w->found != 0;
	}
	return ready;
}

static void enter_all(struct watched *set, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		set[i].entered = set[i].file && set[i].file->queue;
		if (set[i].entered)
			wait_enter(set[i].file->queue, &set[i].entry);
	}
}

static void leave_all(struct watched *set, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (set[i].entered)
			wait_leave(&set[i].entry);
}

i64 poll_wait(struct thread *thread, struct watched *set, u32 count,
	      u64 deadline_ns)
{
	for (;;) {
		u32 ready = look(set, count);
		enum status status;

		if (ready || deadline_ns == 1)
			return ready;
		if (thread_interrupted(thread))
			return -ERESTART_UNLESS_HANDLED;
		enter_all(set, count);
		status = wait_park(deadline_ns);
		leave_all(set, count);
		if (status == ERR_TIMEOUT)
			deadline_ns = 1;
	}
}

void poll_release(struct watched *set, u32 count)
{
	for (u32 i = 0; i < count; i++)
		file_put(set[i].file);
	object_free(set);
}

static i64 poll_files(struct thread *thread, u64 at, u64 count, u64 deadline_ns)
{
	struct watched *set;
	struct linux_pollfd one;
	u32 bad = 0;
	i64 result = 0;

	if (count > FILES_MAX)
		return -EINVAL;
	set = object_alloc((count + 1) * sizeof(*set));
	if (!set)
		return -ENOMEM;
	for (u32 i = 0; i < count && !result; i++) {
		result = guest_copy_in(&one, at + i * sizeof(one), sizeof(one));
		if (result || one.fd < 0)
			continue;
		set[i].wanted = (u16)one.events;
		set[i].file = files_get(thread, (u64)one.fd);
		if (!set[i].file)
			bad++;
	}
	if (!result)
		result = poll_wait(thread, set, (u32)count,
				   bad ? 1 : deadline_ns);
	for (u32 i = 0; i < count && result >= 0; i++) {
		u64 place = at + i * sizeof(one);

		if (guest_copy_in(&one, place, sizeof(one))) {
			result = -EFAULT;
			break;
		}
		one.revents = (i16)set[i].found;
		if (one.fd >= 0 && !set[i].file)
			one.revents = POLLNVAL;
		if (guest_copy_out(place + 6, &one.revents, 2))
			result = -EFAULT;
	}
	poll_release(set, (u32)count);
	return result < 0 ? result : result + bad;
}

i64 call_poll(struct thread *thread, const u64 *a)
{
	i32 timeout = (i32)a[2];
	u64 deadline = 0;

	if (timeout == 0)
		deadline = 1;
	else if (timeout > 0)
		(void)time_deadline((i64)timeout * 1000000, &deadline);
	return poll_files(thread, a[0], (u32)a[1], deadline);
}

// A struct timespec or NULL; zero means not to wait.
static i64 deadline_in(u64 from, u64 *deadline)
{
	i64 ns, error;

	*deadline = 0;
	if (!from)
		return 0;
	error = timespec_in(from, &ns);
	if (error)
		return error;
	if (ns == 0)
		*deadline = 1;
	else
		(void)time_deadline(ns, deadline);
	return 0;
}

i64 poll_mask_in(struct thread *thread, u64 from, u64 size)
{
	u64 mask;

	if (!from)
		return 0;
	if (size != 8)
		return -EINVAL;
	if (guest_copy_in(&mask, from, 8))
		return -EFAULT;
	signal_mask_for_now(thread, mask);
	return 0;
}

i64 poll_mask_back(struct thread *thread, i64 result)
{
	if (thread->restore_mask && result != -ERESTART_UNLESS_HANDLED) {
		thread->blocked = thread->saved_mask;
		thread->restore_mask = false;
		signal_recompute(thread);
	}
	return result;
}

i64 call_ppoll(struct thread *thread, const u64 *a)
{
	u64 deadline;
	i64 error = deadline_in(a[2], &deadline);

	if (!error)
		error = poll_mask_in(thread, a[3], a[4]);
	if (error)
		return error;
	return poll_mask_back(thread,
			      poll_files(thread, a[0], (u32)a[1], deadline));
}

// ---- select

#define SELECT_WORDS (FILES_MAX / 64)
#define SELECT_READ (POLLIN | POLLRDNORM | POLLHUP | POLLERR)
#define SELECT_WRITE (POLLOUT | POLLWRNORM | POLLERR)

struct selection {
	u64 set[3][SELECT_WORDS];
};

static bool chosen(const u64 *set, u32 fd)
{
	return set[fd / 64] >> fd % 64 & 1;
}

static i64 selection_in(struct selection *s, const u64 *sets, u32 count)
{
	usize bytes = (count + 63) / 64 * 8;

	memset(s, 0, sizeof(*s));
	for (u32 i = 0; i < 3; i++)
		if (sets[i] && guest_copy_in(s->set[i], sets[i], bytes))
			return -EFAULT;
	return 0;
}

static i64 selection_watch(struct thread *thread, const struct selection *s,
			   u32 count, struct watched *set, u32 *fds, u32 *nset)
{
	*nset = 0;
	for (u32 fd = 0; fd < count; fd++) {
		u32 wanted = (chosen(s->set[0], fd) ? SELECT_READ : 0u) |
			(chosen(s->set[1], fd) ? SELECT_WRITE : 0u) |
			(chosen(s->set[2], fd) ? POLLPRI : 0u);

		if (!wanted)
			continue;
		set[*nset].wanted = wanted;
		set[*nset].file = files_get(thread, fd);
		if (!set[*nset].file)
			return -EBADF;
		fds[(*nset)++] = fd;
	}
	return 0;
}

static i64 selection_out(struct selection *s, const u64 *sets, u32 count,
			 const struct watched *set, const u32 *fds, u32 nset)
{
	static const u32 meaning[3] = {SELECT_READ, SELECT_WRITE, POLLPRI};
	struct selection out = {};
	i64 total = 0;

	for (u32 i = 0; i < nset; i++)
		for (u32 kind = 0; kind < 3; kind++)
			if (chosen(s->set[kind], fds[i]) &&
			    (set[i].found & meaning[kind])) {
				out.set[kind][fds[i] / 64] |= BIT(fds[i] % 64);
				total++;
			}
	for (u32 i = 0; i < 3; i++)
		if (sets[i] &&
		    guest_copy_out(sets[i], out.set[i], (count + 63) / 64 * 8))
			return -EFAULT;
	return total;
}

static i64 select_files(struct thread *thread, u64 count, const u64 *sets,
			u64 deadline)
{
	struct selection selection;
	struct watched *set;
	u32 *fds, nset = 0;
	i64 result;

	if ((i32)count < 0)
		return -EINVAL;
	count = MIN((u64)(u32)count, (u64)FILES_MAX);
	result = selection_in(&selection, sets, (u32)count);
	if (result)
		return result;
	set = object_alloc((count + 1) * sizeof(*set));
	fds = object_alloc((count + 1) * sizeof(*fds));
	result = set && fds ? selection_watch(thread, &selection, (u32)count,
					      set, fds, &nset)
			    : -ENOMEM;
	if (!result)
		result = poll_wait(thread, set, nset, deadline);
	if (result >= 0)
		result = selection_out(&selection, sets, (u32)count, set, fds,
				       nset);
	if (set)
		poll_release(set, nset);
	object_free(fds);
	return result;
}

i64 call_select(struct thread *thread, const u64 *a)
{
	struct linux_timeval value;
	u64 deadline = 0;

	if (a[4]) {
		if (guest_copy_in(&value, a[4], sizeof(value)))
			return -EFAULT;
		if (value.seconds < 0 || value.microseconds < 0)
			return -EINVAL;
		if (!value.seconds && !value.microseconds)
			deadline = 1;
		else
			(void)time_deadline(value.seconds * 1000000000 +
						    value.microseconds * 1000,
					    &deadline);
	}
	return select_files(thread, a[0], a + 1, deadline);
}

i64 call_pselect6(struct thread *thread, const u64 *a)
{
	u64 deadline, mask[2] = {};
	i64 error = deadline_in(a[4], &deadline);

	if (!error && a[5])
		error = guest_copy_in(mask, a[5], sizeof(mask));
	if (!error)
		error = poll_mask_in(thread, mask[0], mask[1]);
	if (error)
		return error;
	return poll_mask_back(thread,
			      select_files(thread, a[0], a + 1, deadline));
}
