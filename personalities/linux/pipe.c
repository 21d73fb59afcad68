// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Pipes and named pipes: bytes in a ring with one queue for all who wait. Writes of
// up to PIPE_ATOMIC bytes are whole.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/pipe.h"
#include "personalities/linux/process.h"

static struct list named = {&named, &named};

struct pipe *pipe_new(void)
{
	struct pipe *pipe = object_alloc(sizeof(*pipe));

	if (!pipe)
		return nullptr;
	wait_queue_init(&pipe->queue);
	pipe->waiters = &pipe->queue;
	list_init(&pipe->node);
	pipe->references = 1;
	return pipe;
}

void pipe_put(struct pipe *pipe)
{
	wait_wake(pipe->waiters);
	if (--pipe->references)
		return;
	list_remove(&pipe->node);
	object_free(pipe->data);
	if (pipe->partner)
		pipe_put(pipe->partner);
	object_free(pipe);
}

static i64 take_bytes(struct pipe *pipe, struct io *io)
{
	i64 total = 0;

	while (io->left && pipe->used) {
		u32 part = MIN(pipe->used, PIPE_BYTES - pipe->head);

		part = (u32)MIN((u64)part, io->left);
		if (io_put(io, pipe->data + pipe->head, part))
			return total ? total : -EFAULT;
		pipe->head = (pipe->head + part) % PIPE_BYTES;
		pipe->used -= part;
		total += part;
	}
	if (!pipe->used)
		pipe->head = 0;
	return total;
}

static i64 put_bytes(struct pipe *pipe, struct io *io)
{
	i64 total = 0;

	while (io->left && pipe->used < PIPE_BYTES) {
		u32 tail = (pipe->head + pipe->used) % PIPE_BYTES;
		u32 part = MIN(PIPE_BYTES - pipe->used, PIPE_BYTES - tail);

		part = (u32)MIN((u64)part, io->left);
		if (io_get(io, pipe->data + tail, part))
			return total ? total : -EFAULT;
		pipe->used += part;
		total += part;
	}
	return total;
}

i64 pipe_take(struct thread *thread, struct pipe *pipe, struct io *io,
	      bool nonblocking)
{
	bool was_full;
	i64 result;

	if (!io->left)
		return 0;
	while (!pipe->used) {
		if (!pipe->writers)
			return 0;
		if (nonblocking)
			return -EAGAIN;
		result = wait_sleep(thread, pipe->waiters, 0);
		if (result)
			return result;
	}
	// Only who found too little room can be waiting for it.
	was_full = pipe->used > PIPE_BYTES - PIPE_ATOMIC;
	result = take_bytes(pipe, io);
	if (was_full)
		wait_wake(pipe->waiters);
	return result;
}

i64 pipe_put_bytes(struct thread *thread, struct pipe *pipe, struct io *io,
		   bool nonblocking)
{
	bool atomic = io->left <= PIPE_ATOMIC;
	i64 total = 0, result = 0;

	if (!pipe->data && !(pipe->data = buffer_alloc(PIPE_BYTES)))
		return -ENOMEM;
	while (io->left) {
		u32 room = PIPE_BYTES - pipe->used;

		if (!pipe->readers)
			return total ? total : -EPIPE;
		if (room && (!atomic || room >= io->left)) {
			bool was_empty = !pipe->used;

			result = put_bytes(pipe, io);
			if (was_empty && pipe->used)
				wait_wake(pipe->waiters);
			if (result < 0)
				return total ? total : result;
			total += result;
			continue;
		}
		if (nonblocking)
			return total ? total : -EAGAIN;
		result = wait_sleep(thread, pipe->waiters, 0);
		if (result)
			return total ? total : result;
	}
	return total;
}

static i64 pipe_read(struct thread *thread, struct file *file, struct io *io,
		     u64 *position)
{
	(void)position;
	return pipe_take(thread, file->object, io, file->flags & O_NONBLOCK);
}

static i64 pipe_write(struct thread *thread, struct file *file, struct io *io,
		      u64 *position)
{
	(void)position;
	return pipe_put_bytes(thread, file->object, io,
			      file->flags & O_NONBLOCK);
}

static u32 pipe_poll(struct file *file)
{
	struct pipe *pipe = file->object;
	u32 mode = file->flags & O_ACCMODE, events = 0;

	if (mode != O_WRONLY) {
		if (pipe->used)
			events |= POLLIN | POLLRDNORM;
		if (!pipe->writers && pipe->writer_openings)
			events |= POLLHUP;
	}
	if (mode != 0) {
		if (PIPE_BYTES - pipe->used >= PIPE_ATOMIC)
			events |= POLLOUT | POLLWRNORM;
		if (!pipe->readers)
			events |= POLLERR;
	}
	return events;
}

static i64 pipe_ioctl(struct thread *thread, struct file *file, u32 command,
		      u64 argument)
{
	struct pipe *pipe = file->object;

	(void)thread;
	if (command != FIONREAD)
		return -ENOTTY;
	return guest_copy_out(argument, &pipe->used, 4);
}

static void pipe_release(struct file *file)
{
	struct pipe *pipe = file->object;
	u32 mode = file->flags & O_ACCMODE;

	if (mode != O_WRONLY)
		pipe->readers--;
	if (mode != 0)
		pipe->writers--;
	pipe_put(pipe);
}

static const struct file_operations pipe_operations = {
	.kind = "pipe",
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
};

static struct file *pipe_file(struct pipe *pipe, u32 flags)
{
	struct file *file = file_create(&pipe_operations, flags, pipe);

	if (!file)
		return nullptr;
	file->queue = pipe->waiters;
	pipe->references++;
	if ((flags & O_ACCMODE) != O_WRONLY)
		pipe->readers++, pipe->reader_openings++;
	if ((flags & O_ACCMODE) != 0)
		pipe->writers++, pipe->writer_openings++;
	return file;
}

i64 pipe_create(struct file **reader, struct file **writer, u32 flags)
{
	struct pipe *pipe = pipe_new();

	if (!pipe)
		return -ENOMEM;
	flags &= O_NONBLOCK;
	*reader = pipe_file(pipe, flags);
	*writer = pipe_file(pipe, flags | O_WRONLY);
	pipe_put(pipe);
	if (*reader && *writer)
		return 0;
	file_put(*reader);
	file_put(*writer);
	return -ENOMEM;
}

// Opening one end of a named pipe waits for the other.
static i64 fifo_wait(struct thread *thread, struct pipe *pipe, u32 flags)
{
	bool reads = (flags & O_ACCMODE) == 0;
	u32 *openings = reads ? &pipe->writer_openings : &pipe->reader_openings;
	u32 *there = reads ? &pipe->writers : &pipe->readers;
	u32 before = *openings;

	while (!*there && *openings == before) {
		i64 error = wait_sleep(thread, pipe->waiters, 0);

		if (error)
			return error;
	}
	return 0;
}

i64 fifo_open(struct thread *thread, const struct place *place, u32 flags,
	      struct file **out)
{
	struct pipe *pipe = nullptr;
	i64 error = 0;

	LIST_FOR_EACH(node, &named)
	{
		struct pipe *other = CONTAINER_OF(node, struct pipe, node);

		if (other->place.mount == place->mount &&
		    other->place.node == place->node)
			pipe = other;
	}
	if (pipe) {
		pipe->references++;
	} else {
		pipe = pipe_new();
		if (!pipe)
			return -ENOMEM;
		pipe->place = *place;
		list_add_last(&named, &pipe->node);
	}
	if ((flags & O_ACCMODE) == O_WRONLY && (flags & O_NONBLOCK) &&
	    !pipe->readers)
		error = -ENXIO;
	*out = error ? nullptr : pipe_file(pipe, flags);
	if (!error && !*out)
		error = -ENOMEM;
	if (!error) {
		(*out)->place = *place;
		wait_wake(pipe->waiters);
		if (!(flags & O_NONBLOCK) && (flags & O_ACCMODE) != O_RDWR)
			error = fifo_wait(thread, pipe, flags);
		if (error)
			file_put(*out);
	}
	pipe_put(pipe);
	return error;
}

static i64 pipe_flags(u64 to, u32 flags, struct thread *thread)
{
	struct file *reader, *writer;
	i32 fd[2];
	i64 error;

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK | 040000))
		return -EINVAL;
	error = pipe_create(&reader, &writer, flags);
	if (error)
		return error;
	error = files_install(thread, reader, 0, flags & O_CLOEXEC);
	if (error < 0) {
		file_put(writer);
		return error;
	}
	fd[0] = (i32)error;
	error = files_install(thread, writer, 0, flags & O_CLOEXEC);
	fd[1] = (i32)error;
	if (error >= 0 && guest_copy_out(to, fd, sizeof(fd)) == 0)
		return 0;
	(void)files_close(thread, (u64)fd[0]);
	if (error < 0)
		return error;
	(void)files_close(thread, (u64)fd[1]);
	return -EFAULT;
}

i64 call_pipe(struct thread *thread, const u64 *a)
{
	return pipe_flags(a[0], 0, thread);
}

i64 call_pipe2(struct thread *thread, const u64 *a)
{
	return pipe_flags(a[0], (u32)a[1], thread);
}
