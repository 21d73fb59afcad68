// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// poll, select and epoll. All three are a set of files with wanted events; the
// thread enters the queue of each file while it sleeps. epoll is level-triggered
// (EPOLLET reports levels too) and looks at its whole set at each wait.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/process.h"
#include "personalities/linux/time.h"

struct watched {
	struct file *file; // NULL: not open
	u32 wanted, found;
	struct wait_entry entry;
	bool entered;
};

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

// deadline: 0 none, 1 long past. The number of ready ones or a negative error.
static i64 wait_for_any(struct thread *thread, struct watched *set, u32 count,
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

static void release(struct watched *set, u32 count)
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
		result = wait_for_any(thread, set, (u32)count,
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
	release(set, (u32)count);
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

static i64 mask_in(struct thread *thread, u64 from, u64 size)
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

// The mask goes back at once unless a handler is to run with it in its frame.
static i64 mask_back(struct thread *thread, i64 result)
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
		error = mask_in(thread, a[3], a[4]);
	if (error)
		return error;
	return mask_back(thread, poll_files(thread, a[0], (u32)a[1], deadline));
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
		if (sets[i] && guest_copy_out(sets[i], out.set[i],
				       (count + 63) / 64 * 8))
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
	result = set && fds ? selection_watch(thread, &selection, (u32)count, set,
				      fds, &nset) :
			      -ENOMEM;
	if (!result)
		result = wait_for_any(thread, set, nset, deadline);
	if (result >= 0)
		result = selection_out(&selection, sets, (u32)count, set, fds,
			nset);
	if (set)
		release(set, nset);
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
				value.microseconds * 1000, &deadline);
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
		error = mask_in(thread, mask[0], mask[1]);
	if (error)
		return error;
	return mask_back(thread, select_files(thread, a[0], a + 1, deadline));
}

// ---- epoll

#define EPOLL_ONESHOT (1u << 30)
#define EPOLL_FLAGS 0xf8000000u

struct [[gnu::packed]] epoll_event {
	u32 events;
	u64 data;
};

struct interest {
	struct list node;
	struct file *file; // not counted: closing the file takes it out
	u64 fd;
	struct epoll_event event;
};

struct epoll {
	struct list interests;
	u32 count;
	struct wait_queue queue;
};

static void epoll_release(struct file *file)
{
	struct epoll *epoll = file->object;
	struct list *node;

	while ((node = list_take_first(&epoll->interests))) {
		struct interest *interest =
			CONTAINER_OF(node, struct interest, node);

		file_put(interest->file);
		object_free(interest);
	}
	object_free(epoll);
}

static const struct file_operations epoll_operations = {
	.kind = "[eventpoll]",
	.release = epoll_release,
};

static i64 epoll_make(struct thread *thread, bool close_on_exec)
{
	struct epoll *epoll = object_alloc(sizeof(*epoll));
	struct file *file;

	if (!epoll)
		return -ENOMEM;
	list_init(&epoll->interests);
	wait_queue_init(&epoll->queue);
	file = file_create(&epoll_operations, O_RDWR, epoll);
	if (!file) {
		object_free(epoll);
		return -ENOMEM;
	}
	return files_install(thread, file, 0, close_on_exec);
}

i64 call_epoll_create(struct thread *thread, const u64 *a)
{
	return (i32)a[0] <= 0 ? -EINVAL : epoll_make(thread, false);
}

i64 call_epoll_create1(struct thread *thread, const u64 *a)
{
	if (a[0] & ~(u64)O_CLOEXEC)
		return -EINVAL;
	return epoll_make(thread, a[0] & O_CLOEXEC);
}

static struct interest *interest_find(struct epoll *epoll, struct file *file, u64 fd)
{
	LIST_FOR_EACH(node, &epoll->interests) {
		struct interest *interest =
			CONTAINER_OF(node, struct interest, node);

		if (interest->fd == fd && (!file || interest->file == file))
			return interest;
	}
	return nullptr;
}

static i64 epoll_change(struct epoll *epoll, struct file *file, u64 fd, u64 what,
	const struct epoll_event *event)
{
	struct interest *interest = interest_find(epoll, file, fd);

	switch (what) {
	case 1: // EPOLL_CTL_ADD
		if (interest)
			return -EEXIST;
		interest = object_alloc(sizeof(*interest));
		if (!interest)
			return -ENOMEM;
		*interest = (struct interest){.file = file, .fd = fd,
			.event = *event};
		file_get(file);
		list_add_last(&epoll->interests, &interest->node);
		epoll->count++;
		return 0;
	case 2: // EPOLL_CTL_DEL
		if (!interest)
			return -ENOENT;
		list_remove(&interest->node);
		epoll->count--;
		file_put(interest->file);
		object_free(interest);
		return 0;
	case 3: // EPOLL_CTL_MOD
		if (!interest)
			return -ENOENT;
		interest->event = *event;
		return 0;
	default:
		return -EINVAL;
	}
}

i64 call_epoll_ctl(struct thread *thread, const u64 *a)
{
	struct file *poller = files_get(thread, a[0]);
	struct file *file = files_get(thread, a[2]);
	struct epoll_event event = {};
	i64 error = 0;

	if (!poller || !file)
		error = -EBADF;
	else if (poller->operations != &epoll_operations || file == poller ||
		file->operations == &epoll_operations)
		error = -EINVAL;
	else if (file->operations == &fs_file_operations ||
		file_is_directory(file))
		error = -EPERM;
	else if (a[1] != 2 && guest_copy_in(&event, a[3], sizeof(event)))
		error = -EFAULT;
	else
		error = epoll_change(poller->object, file, a[2], a[1], &event);
	if (poller && poller->operations == &epoll_operations)
		wait_wake(&((struct epoll *)poller->object)->queue);
	file_put(poller);
	file_put(file);
	return error;
}

// The set as poll sees it; interests whose descriptor was closed are dropped.
static struct watched *epoll_watch(struct epoll *epoll, u32 *count)
{
	struct watched *set = object_alloc((epoll->count + 1) * sizeof(*set));

	*count = 0;
	if (!set)
		return nullptr;
	LIST_FOR_EACH_SAFE(node, &epoll->interests) {
		struct interest *interest =
			CONTAINER_OF(node, struct interest, node);

		if (interest->file->references == 1) { // only ours is left
			list_remove(&interest->node);
			epoll->count--;
			file_put(interest->file);
			object_free(interest);
			continue;
		}
		set[*count].file = interest->file;
		file_get(interest->file);
		set[(*count)++].wanted = interest->event.events & ~EPOLL_FLAGS;
	}
	return set;
}

static i64 epoll_report(struct epoll *epoll, const struct watched *set, u32 count,
	u64 to, u32 max)
{
	u32 i = 0;
	i64 done = 0;

	LIST_FOR_EACH(node, &epoll->interests) {
		struct interest *interest =
			CONTAINER_OF(node, struct interest, node);
		struct epoll_event event = {0, interest->event.data};

		if (i == count || done == max)
			break;
		if (set[i].file != interest->file)
			continue; // added meanwhile
		event.events = set[i++].found;
		if (!event.events)
			continue;
		if (guest_copy_out(to + (u64)done * sizeof(event), &event,
			    sizeof(event)))
			return -EFAULT;
		if (interest->event.events & EPOLL_ONESHOT)
			interest->event.events &= EPOLL_FLAGS;
		done++;
	}
	return done;
}

static i64 epoll_wait_for(struct thread *thread, const u64 *a)
{
	struct file *poller = files_get(thread, a[0]);
	i32 timeout = (i32)a[3], max = (i32)a[2];
	struct watched *set;
	u64 deadline = 0;
	u32 count;
	i64 result;

	if (!poller)
		return -EBADF;
	if (poller->operations != &epoll_operations || max <= 0) {
		file_put(poller);
		return -EINVAL;
	}
	if (timeout == 0)
		deadline = 1;
	else if (timeout > 0)
		(void)time_deadline((i64)timeout * 1000000, &deadline);
	set = epoll_watch(poller->object, &count);
	result = set ? wait_for_any(thread, set, count, deadline) : -ENOMEM;
	if (result > 0)
		result = epoll_report(poller->object, set, count, a[1], (u32)max);
	if (set)
		release(set, count);
	file_put(poller);
	return result == -ERESTART_UNLESS_HANDLED && !thread->restore_mask ?
		-EINTR :
		result;
}

i64 call_epoll_wait(struct thread *thread, const u64 *a)
{
	return epoll_wait_for(thread, a);
}

i64 call_epoll_pwait(struct thread *thread, const u64 *a)
{
	i64 error = mask_in(thread, a[4], a[5]);

	return error ? error : mask_back(thread, epoll_wait_for(thread, a));
}
