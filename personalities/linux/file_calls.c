// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls on open files: reading, writing, positions, descriptors.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/mount.h"
#include "personalities/linux/process.h"

#define IOVECS_MAX 1024u
#define TRANSFER_MAX 0x7ffff000ull
#define F_DUPFD 0
#define F_GETFD 1
#define F_SETFD 2
#define F_GETFL 3
#define F_SETFL 4
#define F_GETLK 5
#define F_SETLK 6
#define F_SETLKW 7
#define F_SETOWN 8
#define F_GETOWN 9
#define F_DUPFD_CLOEXEC 1030
#define F_SETPIPE_SZ 1031
#define F_GETPIPE_SZ 1032
#define SETTABLE_FLAGS (O_APPEND | O_NONBLOCK)

static i64 finish(struct thread *thread, i64 result)
{
	if (result == -EPIPE) {
		struct linux_siginfo info =
			signal_info(SIGPIPE, SI_USER, thread->process);

		signal_thread(thread, &info);
	}
	return result;
}

static i64 transfer(struct thread *thread, u64 fd, u64 buffer, u64 bytes,
		    bool write)
{
	struct file *file = files_get(thread, fd);
	struct io io = {false, buffer, MIN(bytes, TRANSFER_MAX)};
	i64 result;

	if (!file)
		return -EBADF;
	result = write ? file_write(thread, file, &io)
		       : file_read(thread, file, &io);
	file_put(file);
	return write ? finish(thread, result) : result;
}

i64 call_read(struct thread *thread, const u64 *a)
{
	return transfer(thread, a[0], a[1], a[2], false);
}

i64 call_write(struct thread *thread, const u64 *a)
{
	return transfer(thread, a[0], a[1], a[2], true);
}

// One vector after the other; stops where one was not filled. position NULL: the
// file's own.
static i64 vectors(struct thread *thread, u64 fd, u64 vector, u64 count,
		   bool write, u64 *position)
{
	struct file *file = files_get(thread, fd);
	i64 total = 0, done = 0;

	if (!file)
		return -EBADF;
	if (count > IOVECS_MAX)
		done = -EINVAL;
	if (position && !file->operations->seekable)
		done = -ESPIPE;
	for (u64 i = 0; i < count && done >= 0; i++) {
		struct linux_iovec v;
		struct io io;

		done = guest_copy_in(&v, vector + i * sizeof(v), sizeof(v));
		if (done < 0 || !v.length)
			continue;
		io = (struct io){false, v.base, MIN(v.length, TRANSFER_MAX)};
		if (position)
			done = write ? file->operations->write(thread, file,
							       &io, position)
				     : file->operations->read(thread, file, &io,
							      position);
		else
			done = write ? file_write(thread, file, &io)
				     : file_read(thread, file, &io);
		if (done > 0)
			total += done;
		if (done >= 0 && (u64)done < v.length)
			break;
	}
	file_put(file);
	if (total)
		return total;
	return write ? finish(thread, done) : done;
}

i64 call_readv(struct thread *thread, const u64 *a)
{
	return vectors(thread, a[0], a[1], a[2], false, nullptr);
}

i64 call_writev(struct thread *thread, const u64 *a)
{
	return vectors(thread, a[0], a[1], a[2], true, nullptr);
}

static i64 at_position(struct thread *thread, const u64 *a, bool write)
{
	struct file *file = files_get(thread, a[0]);
	struct io io = {false, a[1], MIN(a[2], TRANSFER_MAX)};
	u64 position = a[3];
	i64 result;

	if (!file)
		return -EBADF;
	if ((i64)position < 0)
		result = -EINVAL;
	else if (!file->operations->seekable)
		result = -ESPIPE;
	else if (write)
		result = (file->flags & O_ACCMODE) == 0 ? -EBADF
			: !file->operations->write
			? -EINVAL
			: file->operations->write(thread, file, &io, &position);
	else
		result = (file->flags & O_ACCMODE) == O_WRONLY ? -EBADF
			: !file->operations->read
			? -EISDIR
			: file->operations->read(thread, file, &io, &position);
	file_put(file);
	return result;
}

i64 call_pread64(struct thread *thread, const u64 *a)
{
	return at_position(thread, a, false);
}

i64 call_pwrite64(struct thread *thread, const u64 *a)
{
	return at_position(thread, a, true);
}

i64 call_preadv(struct thread *thread, const u64 *a)
{
	u64 position = a[3];

	return vectors(thread, a[0], a[1], a[2], false, &position);
}

i64 call_pwritev(struct thread *thread, const u64 *a)
{
	u64 position = a[3];

	return vectors(thread, a[0], a[1], a[2], true, &position);
}

i64 call_lseek(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);
	struct fs_attributes attributes;
	i64 base = 0, result = 0;

	if (!file)
		return -EBADF;
	if (!file->operations->seekable)
		result = -ESPIPE;
	else if (a[2] == 1)
		base = (i64)file->position;
	else if (a[2] >= 2 && a[2] <= 4)
		result = file_attributes(thread, file, &attributes);
	else if (a[2] != 0)
		result = -EINVAL;
	if (!result && a[2] == 2)
		base = (i64)attributes.size_bytes;
	if (!result && a[2] >= 3) { // SEEK_DATA, SEEK_HOLE: no holes are known
		if ((i64)a[1] < 0 || a[1] >= attributes.size_bytes)
			result = -ENXIO;
		else
			base = a[2] == 3 ? 0
					 : (i64)(attributes.size_bytes - a[1]);
	}
	if (!result && __builtin_add_overflow(base, (i64)a[1], &result))
		result = -EOVERFLOW;
	if (result >= 0)
		file->position = (u64)result;
	else if (a[2] <= 2 && file->operations->seekable)
		result = -EINVAL;
	file_put(file);
	return result;
}

i64 call_close(struct thread *thread, const u64 *a)
{
	return files_close(thread, a[0]);
}

i64 call_close_range(struct thread *thread, const u64 *a)
{
	u64 last = MIN(a[1], (u64)thread->files->size - 1);

	if (a[0] > a[1] || (a[2] & ~6ull))
		return -EINVAL;
	if ((a[2] & 2) &&
	    thread->files->references > 1) { // CLOSE_RANGE_UNSHARE
		struct file_table *own = files_copy(thread->files);

		if (!own)
			return -ENOMEM;
		files_put(thread->files);
		thread->files = own;
	}
	for (u64 fd = a[0]; fd <= last; fd++) {
		if (!thread->files->slot[fd].file)
			continue;
		if (a[2] & 4) // CLOSE_RANGE_CLOEXEC
			thread->files->slot[fd].close_on_exec = true;
		else
			(void)files_close(thread, fd);
	}
	return 0;
}

i64 call_dup(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);

	return file ? files_install(thread, file, 0, false) : -EBADF;
}

i64 call_dup2(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);

	if (!file)
		return -EBADF;
	if (a[0] == a[1]) {
		file_put(file);
		return (i64)a[1];
	}
	return files_replace(thread, (u32)MIN(a[1], (u64)FILES_MAX), file,
			     false);
}

i64 call_dup3(struct thread *thread, const u64 *a)
{
	struct file *file;

	if (a[0] == a[1] || (a[2] & ~(u64)O_CLOEXEC))
		return -EINVAL;
	file = files_get(thread, a[0]);
	if (!file)
		return -EBADF;
	return files_replace(thread, (u32)MIN(a[1], (u64)FILES_MAX), file,
			     a[2] & O_CLOEXEC);
}

static i64 control(struct thread *thread, struct file *file, const u64 *a)
{
	struct file_slot *slot = &thread->files->slot[a[0]];
	u16 unlocked = 2; // F_UNLCK

	switch (a[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (a[2] >= FILES_MAX)
			return -EINVAL;
		file_get(file);
		return files_install(thread, file, (u32)a[2],
				     a[1] == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return slot->close_on_exec;
	case F_SETFD:
		slot->close_on_exec = a[2] & 1;
		return 0;
	case F_GETFL:
		return file->flags &
			~(u32)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
	case F_SETFL:
		file->flags = (file->flags & ~(u32)SETTABLE_FLAGS) |
			(a[2] & SETTABLE_FLAGS);
		return 0;
	case F_GETLK: // locks are granted to everybody
		return guest_copy_out(a[2], &unlocked, 2);
	case F_SETLK:
	case F_SETLKW:
	case F_SETOWN:
		return 0;
	case F_GETOWN:
		return 0;
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return string_equal(file->operations->kind, "pipe") ? 65536
								    : -EBADF;
	default:
		return -EINVAL;
	}
}

i64 call_fcntl(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);
	i64 result;

	if (!file)
		return -EBADF;
	result = control(thread, file, a);
	file_put(file);
	return result;
}

i64 call_flock(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);

	file_put(file);
	return file ? 0 : -EBADF;
}

i64 call_ioctl(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);
	struct file_slot *slot;
	u32 value;
	i64 result = -ENOTTY;

	if (!file)
		return -EBADF;
	slot = &thread->files->slot[a[0]];
	switch ((u32)a[1]) {
	case FIONCLEX:
	case FIOCLEX:
		slot->close_on_exec = (u32)a[1] == FIOCLEX;
		result = 0;
		break;
	case FIONBIO:
		result = guest_copy_in(&value, a[2], 4);
		if (!result)
			file->flags = (file->flags & ~(u32)O_NONBLOCK) |
				(value ? O_NONBLOCK : 0);
		break;
	default:
		if (file->operations->ioctl)
			result = file->operations->ioctl(thread, file,
							 (u32)a[1], a[2]);
	}
	file_put(file);
	return result;
}

// Copy between files through a buffer of our own.
static i64 copy_between(struct thread *thread, struct file *out,
			struct file *in, u64 *position, u64 bytes)
{
	const usize size = 65536;
	u8 *buffer = buffer_alloc(size);
	i64 total = 0, done = buffer ? 1 : -ENOMEM;

	while (bytes && done > 0 && !(total && thread_interrupted(thread))) {
		struct io io = {true, (u64)buffer, MIN(bytes, size)};
		struct io put = {true, (u64)buffer, 0};

		done = position
			? in->operations->read(thread, in, &io, position)
			: file_read(thread, in, &io);
		if (done <= 0)
			break;
		put.left = (u64)done;
		bytes -= (u64)done;
		while (put.left && done > 0) {
			done = file_write(thread, out, &put);
			if (done > 0)
				total += done;
		}
	}
	object_free(buffer);
	return total ? total : done < 0 ? done : 0;
}

i64 call_sendfile(struct thread *thread, const u64 *a)
{
	struct file *out = files_get(thread, a[0]),
		    *in = files_get(thread, a[1]);
	u64 position;
	i64 result = out && in ? 0 : -EBADF;

	if (!result && (in->flags & O_ACCMODE) == O_WRONLY)
		result = -EBADF;
	if (!result && (!in->operations->read || !in->operations->seekable))
		result = -EINVAL;
	if (!result && a[2])
		result = guest_copy_in(&position, a[2], 8);
	if (!result)
		result = copy_between(thread, out, in,
				      a[2] ? &position : nullptr,
				      MIN(a[3], TRANSFER_MAX));
	if (result >= 0 && a[2] && guest_copy_out(a[2], &position, 8))
		result = -EFAULT;
	file_put(out);
	file_put(in);
	return finish(thread, result);
}
