// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// eventfd: a counter that can be waited for.
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/process.h"

struct event {
	u64 count;
	bool semaphore;
	struct wait_queue queue;
};

static i64 event_read(struct thread *thread, struct file *file, struct io *io,
		      u64 *position)
{
	struct event *event = file->object;
	u64 value;

	(void)position;
	if (io->left < 8)
		return -EINVAL;
	while (!event->count) {
		i64 error = file->flags & O_NONBLOCK
			? -EAGAIN
			: wait_sleep(thread, &event->queue, 0);

		if (error)
			return error;
	}
	value = event->semaphore ? 1 : event->count;
	event->count -= value;
	wait_wake(&event->queue);
	return io_put(io, &value, 8) ? -EFAULT : 8;
}

static i64 event_write(struct thread *thread, struct file *file, struct io *io,
		       u64 *position)
{
	struct event *event = file->object;
	u64 value;

	(void)position;
	if (io->left < 8)
		return -EINVAL;
	if (io_get(io, &value, 8))
		return -EFAULT;
	if (value == ~0ull)
		return -EINVAL;
	while (value > ~0ull - 1 - event->count) {
		i64 error = file->flags & O_NONBLOCK
			? -EAGAIN
			: wait_sleep(thread, &event->queue, 0);

		if (error)
			return error;
	}
	event->count += value;
	wait_wake(&event->queue);
	return 8;
}

static u32 event_poll(struct file *file)
{
	struct event *event = file->object;

	return (event->count ? POLLIN | POLLRDNORM : 0u) |
		(event->count < ~0ull - 1 ? POLLOUT | POLLWRNORM : 0u);
}

static void event_release(struct file *file)
{
	object_free(file->object);
}

static const struct file_operations event_operations = {
	.kind = "[eventfd]",
	.read = event_read,
	.write = event_write,
	.poll = event_poll,
	.release = event_release,
};

i64 eventfd_create(u64 initial, u32 flags, bool semaphore, struct file **out)
{
	struct event *event = object_alloc(sizeof(*event));

	if (!event)
		return -ENOMEM;
	event->count = initial;
	event->semaphore = semaphore;
	wait_queue_init(&event->queue);
	*out = file_create(&event_operations, flags | O_RDWR, event);
	if (!*out) {
		object_free(event);
		return -ENOMEM;
	}
	(*out)->queue = &event->queue;
	return 0;
}

i64 call_eventfd2(struct thread *thread, const u64 *a)
{
	struct file *file;
	i64 error;

	if (a[1] & ~(u64)(O_CLOEXEC | O_NONBLOCK | 1))
		return -EINVAL;
	error = eventfd_create((u32)a[0], (u32)a[1] & O_NONBLOCK, a[1] & 1,
			       &file);
	return error ? error : files_install(thread, file, 0, a[1] & O_CLOEXEC);
}

i64 call_eventfd(struct thread *thread, const u64 *a)
{
	u64 b[2] = {a[0], 0};

	return call_eventfd2(thread, b);
}
