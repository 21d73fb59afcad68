// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls about directories and whole mounts: listing, changing to them,
// making them durable.
#include "lib/base/string.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/guest.h"
#include "personalities/linux/mount.h"
#include "personalities/linux/process.h"

i64 call_getdents64(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);
	i64 result;

	if (!file)
		return -EBADF;
	result = file_is_directory(file) && !(file->flags & O_PATH)
		? directory_list(thread, file, a[1], (u32)a[2])
		: -ENOTDIR;
	file_put(file);
	return result;
}

// ---- directories of the process

static i64 change_directory(struct thread *thread, struct directory **slot,
			    const struct place *place, const char *path)
{
	struct directory *now = directory_create(place, path);

	(void)thread;
	if (!now)
		return -ENOMEM;
	directory_put(*slot);
	*slot = now;
	return 0;
}

static i64 change_to_path(struct thread *thread, u64 path, bool root)
{
	struct walk *walk = walk_create();
	i64 error = walk ? walk_guest(thread, AT_FDCWD, path,
				      WALK_FOLLOW | WALK_DIRECTORY, walk)
			 : -ENOMEM;

	if (!error)
		error = change_directory(thread,
					 root ? &thread->directories->root
					      : &thread->directories->current,
					 &walk->place, walk->path);
	walk_free(walk);
	return error;
}

i64 call_chdir(struct thread *thread, const u64 *a)
{
	return change_to_path(thread, a[0], false);
}

i64 call_chroot(struct thread *thread, const u64 *a)
{
	return change_to_path(thread, a[0], true);
}

i64 call_fchdir(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);
	i64 error = -ENOTDIR;

	if (!file)
		return -EBADF;
	if (file_is_directory(file))
		error = change_directory(thread, &thread->directories->current,
					 &file->place, file->path);
	file_put(file);
	return error;
}

i64 call_getcwd(struct thread *thread, const u64 *a)
{
	const char *path = thread->directories->current->path;
	const char *root = thread->directories->root->path;
	usize bytes;

	if (!string_equal(root, "/") && path_within(path, root))
		path += strlen(root);
	if (!*path)
		path = "/";
	bytes = strlen(path) + 1;
	if (bytes > a[1])
		return -ERANGE;
	return guest_copy_out(a[0], path, bytes) ? -EFAULT : (i64)bytes;
}

i64 call_umask(struct thread *thread, const u64 *a)
{
	u32 before = thread->directories->umask;

	thread->directories->umask = (u32)a[0] & 0777;
	return before;
}

// ---- durability

static i64 sync_mount(struct mount *mount, u64 node)
{
	return mount->operations->sync ? mount->operations->sync(mount, node)
				       : 0;
}

i64 call_sync(struct thread *thread, const u64 *a)
{
	(void)thread, (void)a;
	for (u32 i = 0; i < nmounts; i++)
		(void)sync_mount(&mounts[i], 0);
	return 0;
}

static i64 sync_file(struct thread *thread, u64 fd, bool all)
{
	struct file *file = files_get(thread, fd);
	i64 error = -EINVAL;

	if (!file)
		return -EBADF;
	if (file->place.mount)
		error = sync_mount(file->place.mount,
				   all ? 0 : file->place.node);
	file_put(file);
	return error;
}

i64 call_fsync(struct thread *thread, const u64 *a)
{
	return sync_file(thread, a[0], false);
}

i64 call_fdatasync(struct thread *thread, const u64 *a)
{
	return sync_file(thread, a[0], false);
}

i64 call_syncfs(struct thread *thread, const u64 *a)
{
	return sync_file(thread, a[0], true);
}

i64 call_fadvise64(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);

	file_put(file);
	return file ? 0 : -EBADF;
}
