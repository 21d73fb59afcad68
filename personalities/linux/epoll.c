// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// epoll: a kept set of files with wanted events. It is level-triggered (EPOLLET
// reports levels too) and looks at its whole set at each wait.
#include "lib/base/string.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/poll.h"
#include "personalities/linux/process.h"
#include "personalities/linux/time.h"

#define EPOLL_ONESHOT (1u << 30)
#define EPOLL_FLAGS 0xf8000000u

struct EPOLL_PACKED epoll_event {
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

static struct interest *interest_find(struct epoll *epoll, struct file *file,
				      u64 fd)
{
	LIST_FOR_EACH(node, &epoll->interests)
	{
		struct interest *interest =
			CONTAINER_OF(node, struct interest, node);

		if (interest->fd == fd && (!file || interest->file == file))
			return interest;
	}
	return nullptr;
}

static i64 epoll_change(struct epoll *epoll, struct file *file, u64 fd,
			u64 what, const struct epoll_event *event)
{
	struct interest *interest = interest_find(epoll, file, fd);

	switch (what) {
	case 1: // EPOLL_CTL_ADD
		if (interest)
			return -EEXIST;
		interest = object_alloc(sizeof(*interest));
		if (!interest)
			return -ENOMEM;
		*interest = (struct interest){
			.file = file, .fd = fd, .event = *event};
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
	LIST_FOR_EACH_SAFE(node, &epoll->interests)
	{
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

static i64 epoll_report(struct epoll *epoll, const struct watched *set,
			u32 count, u64 to, u32 max)
{
	u32 i = 0;
	i64 done = 0;

	LIST_FOR_EACH(node, &epoll->interests)
	{
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
	result = set ? poll_wait(thread, set, count, deadline) : -ENOMEM;
	if (result > 0)
		result = epoll_report(poller->object, set, count, a[1],
				      (u32)max);
	if (set)
		poll_release(set, count);
	file_put(poller);
	return result == -ERESTART_UNLESS_HANDLED && !thread->restore_mask
		? -EINTR
		: result;
}

i64 call_epoll_wait(struct thread *thread, const u64 *a)
{
	return epoll_wait_for(thread, a);
}

i64 call_epoll_pwait(struct thread *thread, const u64 *a)
{
	i64 error = poll_mask_in(thread, a[4], a[5]);

	return error ? error
		     : poll_mask_back(thread, epoll_wait_for(thread, a));
}
