// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Pairs of connected stream sockets: two rings of bytes, one each way.
#include "lib/base/bits.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/pipe.h"
#include "personalities/linux/process.h"

// The two directions of a socket as one of its ends sees them.
struct pair_end {
	struct pipe *in, *out;
};

static i64 pair_read(struct thread *thread, struct file *file, struct io *io,
	u64 *position)
{
	struct pair_end *end = file->object;

	(void)position;
	return pipe_take(thread, end->in, io, file->flags & O_NONBLOCK);
}

static i64 pair_write(struct thread *thread, struct file *file, struct io *io,
	u64 *position)
{
	struct pair_end *end = file->object;

	(void)position;
	return pipe_put_bytes(thread, end->out, io, file->flags & O_NONBLOCK);
}

static u32 pair_poll(struct file *file)
{
	struct pair_end *end = file->object;
	u32 events = 0;

	if (end->in->used)
		events |= POLLIN | POLLRDNORM;
	if (!end->in->writers)
		events |= POLLIN | POLLHUP | POLLRDHUP;
	if (PIPE_BYTES - end->out->used >= PIPE_ATOMIC || !end->out->readers)
		events |= POLLOUT | POLLWRNORM;
	return events;
}

static i64 pair_ioctl(struct thread *thread, struct file *file, u32 command,
	u64 argument)
{
	struct pair_end *end = file->object;

	(void)thread;
	if (command != FIONREAD)
		return -ENOTTY;
	return guest_copy_out(argument, &end->in->used, 4);
}

static void pair_shut(struct pair_end *end, bool in, bool out)
{
	if (in && end->in->readers)
		end->in->readers = 0;
	if (out && end->out->writers)
		end->out->writers = 0;
	wait_wake(&end->in->queue);
	wait_wake(&end->out->queue);
}

static void pair_release(struct file *file)
{
	struct pair_end *end = file->object;

	pair_shut(end, true, true);
	pipe_put(end->in);
	pipe_put(end->out);
	object_free(end);
}

static i64 pair_attributes(struct thread *thread, struct file *file,
	struct fs_attributes *attributes)
{
	(void)thread;
	*attributes = (struct fs_attributes){.node = (u64)file->object >> 4,
		.mode = S_IFSOCK | 0777, .links = 1, .block_bytes = 4096};
	return 0;
}

static const struct file_operations pair_operations = {
	.kind = "socket",
	.read = pair_read,
	.write = pair_write,
	.poll = pair_poll,
	.ioctl = pair_ioctl,
	.attributes = pair_attributes,
	.release = pair_release,
};

static struct file *pair_file(struct pipe *in, struct pipe *out, u32 flags)
{
	struct pair_end *end = object_alloc(sizeof(*end));
	struct file *file = end ? file_create(&pair_operations, flags | O_RDWR, end) :
				  nullptr;

	if (!file) {
		object_free(end);
		return nullptr;
	}
	*end = (struct pair_end){in, out};
	in->readers = out->writers = 1;
	in->references++;
	out->references++;
	file->queue = &in->queue;
	return file;
}

i64 pipe_create_pair(struct file **a, struct file **b, u32 flags)
{
	struct pipe *there = pipe_new(), *back = pipe_new();

	*a = *b = nullptr;
	if (there && back) {
		*a = pair_file(back, there, flags & O_NONBLOCK);
		*b = pair_file(there, back, flags & O_NONBLOCK);
	}
	if (there)
		pipe_put(there);
	if (back)
		pipe_put(back);
	if (*a && *b)
		return 0;
	file_put(*a);
	file_put(*b);
	return -ENOMEM;
}

i64 call_socketpair(struct thread *thread, const u64 *a)
{
	struct file *first, *second;
	u32 flags = (u32)a[1] & (O_CLOEXEC | O_NONBLOCK);
	i32 fd[2];
	i64 error;

	if (a[0] != 1) // AF_UNIX
		return -EAFNOSUPPORT;
	if (((u32)a[1] & 0xf) != 1) // SOCK_STREAM
		return -EPROTOTYPE;
	error = pipe_create_pair(&first, &second, flags);
	if (error)
		return error;
	error = files_install(thread, first, 0, flags & O_CLOEXEC);
	if (error < 0) {
		file_put(second);
		return error;
	}
	fd[0] = (i32)error;
	error = files_install(thread, second, 0, flags & O_CLOEXEC);
	fd[1] = (i32)error;
	if (error >= 0 && guest_copy_out(a[3], fd, sizeof(fd)) == 0)
		return 0;
	(void)files_close(thread, (u64)fd[0]);
	if (error < 0)
		return error;
	(void)files_close(thread, (u64)fd[1]);
	return -EFAULT;
}

i64 call_shutdown(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);
	i64 result = -ENOTSOCK;

	if (!file)
		return -EBADF;
	if (file->operations == &pair_operations) {
		result = a[1] > 2 ? -EINVAL : 0;
		if (!result)
			pair_shut(file->object, a[1] != 1, a[1] != 0);
	}
	file_put(file);
	return result;
}

i64 call_sendto(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);
	struct io io = {false, a[1], a[2]};
	i64 result = -ENOTSOCK;

	if (!file)
		return -EBADF;
	if (file->operations == &pair_operations)
		result = a[4] ? -EISCONN : file_write(thread, file, &io);
	file_put(file);
	if (result == -EPIPE && !(a[3] & 0x4000)) { // MSG_NOSIGNAL
		struct linux_siginfo info = signal_info(SIGPIPE, SI_USER,
			thread->process);

		signal_thread(thread, &info);
	}
	return result;
}

i64 call_recvfrom(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);
	struct io io = {false, a[1], a[2]};
	i64 result = -ENOTSOCK;

	if (!file)
		return -EBADF;
	if (file->operations == &pair_operations)
		result = a[3] & ~0x4000ull ? -EOPNOTSUPP :
					     file_read(thread, file, &io);
	file_put(file);
	return result;
}
