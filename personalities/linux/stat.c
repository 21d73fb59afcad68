// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls about attributes: stat and its kin, chmod, chown, times, access,
// readlink, statfs. There are no permission checks but read-only mounts: everybody
// is root in here.
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/mount.h"
#include "personalities/linux/process.h"
#include "personalities/linux/time.h"

#define UTIME_NOW 0x3fffffff
#define UTIME_OMIT 0x3ffffffe
#define STATX_BASIC 0x7ff

struct target {
	struct fs_attributes attributes;
	struct place place;
	u32 device;
};

// By path, by descriptor (empty path with AT_EMPTY_PATH), or both.
static i64 target_at(struct thread *thread, i64 dirfd, u64 path, u32 flags,
		     struct target *target)
{
	struct walk *walk;
	u8 first = 1;
	i64 error = 0;

	target->device = 0;
	target->place.mount = nullptr;
	if ((flags & AT_EMPTY_PATH) && path)
		error = guest_copy_in(&first, path, 1);
	if (error)
		return error;
	if (!path || !first) {
		struct file *file = dirfd == AT_FDCWD
			? nullptr
			: files_get(thread, (u64)dirfd);

		if (!file)
			return -EBADF;
		error = file_attributes(thread, file, &target->attributes);
		target->place = file->place;
		target->device =
			file->place.mount ? file->place.mount->number : 0;
		file_put(file);
		return error;
	}
	walk = walk_create();
	if (!walk)
		return -ENOMEM;
	error = walk_guest(thread, dirfd, path,
			   flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW, walk);
	if (!error) {
		struct file *behind = proc_fd_file(&walk->place);

		target->place = walk->place;
		target->device = walk->place.mount->number;
		if (behind && !(flags & AT_SYMLINK_NOFOLLOW))
			error = file_attributes(thread, behind,
						&target->attributes);
		else
			error = walk->place.mount->operations->attributes(
				thread, walk->place.mount, walk->place.node,
				&target->attributes);
		file_put(behind);
	}
	walk_free(walk);
	return error;
}

static i64 stat_out(const struct target *target, u64 to)
{
	const struct fs_attributes *at = &target->attributes;
	struct linux_stat stat = {
		.dev = target->device,
		.ino = at->node,
		.nlink = at->links,
		.mode = at->mode,
		.uid = at->uid,
		.gid = at->gid,
		.rdev = at->device,
		.size = (i64)at->size_bytes,
		.blksize = at->block_bytes ? (i32)at->block_bytes : 4096,
		.blocks = (i64)at->blocks_512,
		.atime = time_spec(at->atime_ns),
		.mtime = time_spec(at->mtime_ns),
		.ctime = time_spec(at->ctime_ns)};

	return guest_copy_out(to, &stat, sizeof(stat));
}

static i64 stat_at(struct thread *thread, i64 dirfd, u64 path, u64 to,
		   u32 flags)
{
	struct target target;
	i64 error = target_at(thread, dirfd, path, flags, &target);

	return error ? error : stat_out(&target, to);
}

i64 call_stat(struct thread *thread, const u64 *a)
{
	return a[0] ? stat_at(thread, AT_FDCWD, a[0], a[1], 0) : -EFAULT;
}

i64 call_lstat(struct thread *thread, const u64 *a)
{
	return a[0] ? stat_at(thread, AT_FDCWD, a[0], a[1], AT_SYMLINK_NOFOLLOW)
		    : -EFAULT;
}

i64 call_fstat(struct thread *thread, const u64 *a)
{
	return stat_at(thread, (i32)a[0], 0, a[1], AT_EMPTY_PATH);
}

i64 call_newfstatat(struct thread *thread, const u64 *a)
{
	if (!a[1])
		return -EFAULT;
	return stat_at(thread, (i32)a[0], a[1], a[2], (u32)a[3]);
}

static struct linux_statx_time statx_time(i64 ns)
{
	struct linux_timespec spec = time_spec(ns);

	return (struct linux_statx_time){spec.seconds, (u32)spec.nanoseconds,
					 0};
}

i64 call_statx(struct thread *thread, const u64 *a)
{
	struct target target;
	const struct fs_attributes *at = &target.attributes;
	i64 error;

	if (!a[1])
		return -EFAULT;
	error = target_at(thread, (i32)a[0], a[1], (u32)a[2], &target);
	if (error)
		return error;
	struct linux_statx out = {.mask = STATX_BASIC,
				  .blksize = at->block_bytes ? at->block_bytes
							     : 4096,
				  .nlink = at->links,
				  .uid = at->uid,
				  .gid = at->gid,
				  .mode = (u16)at->mode,
				  .ino = at->node,
				  .size = at->size_bytes,
				  .blocks = at->blocks_512,
				  .atime = statx_time(at->atime_ns),
				  .ctime = statx_time(at->ctime_ns),
				  .mtime = statx_time(at->mtime_ns),
				  .rdev_major = (u32)(at->device >> 8 & 0xfff),
				  .rdev_minor = (u32)(at->device & 0xff),
				  .dev_minor = target.device};

	return guest_copy_out(a[4], &out, sizeof(out));
}

static i64 access_at(struct thread *thread, i64 dirfd, u64 path, u32 mode,
		     u32 flags)
{
	struct target target;
	i64 error;

	if (mode & ~7u)
		return -EINVAL;
	if (!path)
		return -EFAULT;
	error = target_at(thread, dirfd, path, flags, &target);
	if (error)
		return error;
	if ((mode & 2) && target.place.mount && target.place.mount->read_only)
		return -EROFS;
	if ((mode & 1) && (target.attributes.mode & S_IFMT) == S_IFREG &&
	    !(target.attributes.mode & 0111))
		return -EACCES;
	return 0;
}

i64 call_access(struct thread *thread, const u64 *a)
{
	return access_at(thread, AT_FDCWD, a[0], (u32)a[1], 0);
}

i64 call_faccessat(struct thread *thread, const u64 *a)
{
	return access_at(thread, (i32)a[0], a[1], (u32)a[2], 0);
}

i64 call_faccessat2(struct thread *thread, const u64 *a)
{
	return access_at(thread, (i32)a[0], a[1], (u32)a[2], (u32)a[3]);
}

static i64 change(struct thread *thread, i64 dirfd, u64 path, u32 flags,
		  u32 mask, const struct fs_attributes *attributes)
{
	struct target target;
	i64 error = target_at(thread, dirfd, path, flags, &target);

	if (error)
		return error;
	if (!target.place.mount)
		return 0; // a pipe or the like: nothing keeps it
	if (!target.place.mount->operations->set_attributes ||
	    target.place.mount->read_only)
		return target.place.mount->operations == &dev_mount_operations
			? 0
			: -EROFS;
	return target.place.mount->operations->set_attributes(
		target.place.mount, target.place.node, mask, attributes);
}

static i64 change_mode(struct thread *thread, i64 dirfd, u64 path, u32 mode)
{
	struct fs_attributes attributes = {.mode = mode & 07777};

	return change(thread, dirfd, path, AT_EMPTY_PATH, FS_SET_MODE,
		      &attributes);
}

i64 call_chmod(struct thread *thread, const u64 *a)
{
	return a[0] ? change_mode(thread, AT_FDCWD, a[0], (u32)a[1]) : -EFAULT;
}

i64 call_fchmod(struct thread *thread, const u64 *a)
{
	return change_mode(thread, (i32)a[0], 0, (u32)a[1]);
}

i64 call_fchmodat(struct thread *thread, const u64 *a)
{
	return a[1] ? change_mode(thread, (i32)a[0], a[1], (u32)a[2]) : -EFAULT;
}

static i64 change_owner(struct thread *thread, i64 dirfd, u64 path, u32 uid,
			u32 gid, u32 flags)
{
	struct fs_attributes attributes = {.uid = uid, .gid = gid};
	u32 mask =
		(uid != ~0u ? FS_SET_UID : 0u) | (gid != ~0u ? FS_SET_GID : 0u);

	return change(thread, dirfd, path, flags, mask, &attributes);
}

i64 call_chown(struct thread *thread, const u64 *a)
{
	return a[0]
		? change_owner(thread, AT_FDCWD, a[0], (u32)a[1], (u32)a[2], 0)
		: -EFAULT;
}

i64 call_lchown(struct thread *thread, const u64 *a)
{
	return a[0] ? change_owner(thread, AT_FDCWD, a[0], (u32)a[1], (u32)a[2],
				   AT_SYMLINK_NOFOLLOW)
		    : -EFAULT;
}

i64 call_fchown(struct thread *thread, const u64 *a)
{
	return change_owner(thread, (i32)a[0], 0, (u32)a[1], (u32)a[2],
			    AT_EMPTY_PATH);
}

i64 call_fchownat(struct thread *thread, const u64 *a)
{
	return a[1] ? change_owner(thread, (i32)a[0], a[1], (u32)a[2],
				   (u32)a[3], (u32)a[4])
		    : -EFAULT;
}

static i64 change_times(struct thread *thread, i64 dirfd, u64 path, u32 flags,
			const i64 *atime, const i64 *mtime)
{
	struct fs_attributes attributes = {};
	u32 mask = 0;

	if (atime)
		attributes.atime_ns = *atime, mask |= FS_SET_ATIME;
	if (mtime)
		attributes.mtime_ns = *mtime, mask |= FS_SET_MTIME;
	return change(thread, dirfd, path, flags, mask, &attributes);
}

i64 call_utimensat(struct thread *thread, const u64 *a)
{
	struct linux_timespec spec[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	i64 now = (i64)realtime_now(), value[2];
	const i64 *given[2];

	if (a[2] && guest_copy_in(spec, a[2], sizeof(spec)))
		return -EFAULT;
	for (u32 i = 0; i < 2; i++) {
		given[i] = &value[i];
		if (spec[i].nanoseconds == UTIME_NOW)
			value[i] = now;
		else if (spec[i].nanoseconds == UTIME_OMIT)
			given[i] = nullptr;
		else if (spec[i].nanoseconds < 0 ||
			 spec[i].nanoseconds > 999999999)
			return -EINVAL;
		else
			value[i] = spec[i].seconds * 1000000000 +
				spec[i].nanoseconds;
	}
	if (!given[0] && !given[1])
		return 0;
	return change_times(thread, (i32)a[0], a[1], (u32)a[3] | AT_EMPTY_PATH,
			    given[0], given[1]);
}

static i64 times_of_values(struct thread *thread, i64 dirfd, u64 path,
			   u64 times)
{
	struct linux_timeval value[2];
	i64 ns[2] = {(i64)realtime_now(), (i64)realtime_now()};

	if (!path)
		return -EFAULT;
	if (times) {
		if (guest_copy_in(value, times, sizeof(value)))
			return -EFAULT;
		for (u32 i = 0; i < 2; i++)
			ns[i] = value[i].seconds * 1000000000 +
				value[i].microseconds * 1000;
	}
	return change_times(thread, dirfd, path, 0, &ns[0], &ns[1]);
}

i64 call_utimes(struct thread *thread, const u64 *a)
{
	return times_of_values(thread, AT_FDCWD, a[0], a[1]);
}

i64 call_futimesat(struct thread *thread, const u64 *a)
{
	return times_of_values(thread, (i32)a[0], a[1], a[2]);
}

i64 call_utime(struct thread *thread, const u64 *a)
{
	i64 seconds[2], ns[2] = {(i64)realtime_now(), (i64)realtime_now()};

	if (!a[0])
		return -EFAULT;
	if (a[1]) {
		if (guest_copy_in(seconds, a[1], sizeof(seconds)))
			return -EFAULT;
		ns[0] = seconds[0] * 1000000000,
		ns[1] = seconds[1] * 1000000000;
	}
	return change_times(thread, AT_FDCWD, a[0], 0, &ns[0], &ns[1]);
}

static i64 readlink_at(struct thread *thread, i64 dirfd, u64 path, u64 to,
		       i64 size)
{
	struct walk *walk = walk_create();
	i64 length;

	if (!walk)
		return -ENOMEM;
	length = size <= 0 ? -EINVAL : walk_guest(thread, dirfd, path, 0, walk);
	if (!length && (walk->place.mode & S_IFMT) != S_IFLNK)
		length = -EINVAL;
	if (!length)
		length = walk->place.mount->operations->read_link(
			thread, walk->place.mount, walk->place.node,
			walk->target, sizeof(walk->target));
	if (length > size)
		length = size;
	if (length > 0 && guest_copy_out(to, walk->target, (usize)length))
		length = -EFAULT;
	walk_free(walk);
	return length;
}

i64 call_readlink(struct thread *thread, const u64 *a)
{
	return readlink_at(thread, AT_FDCWD, a[0], a[1], (i64)a[2]);
}

i64 call_readlinkat(struct thread *thread, const u64 *a)
{
	return readlink_at(thread, (i32)a[0], a[1], a[2], (i32)a[3]);
}

static i64 statfs_out(struct mount *mount, u64 to)
{
	struct fs_statistics s = {.block_bytes = 4096, .name_max = NAME_LIMIT};
	i64 error = 0;

	if (mount->operations->statistics)
		error = mount->operations->statistics(mount, &s);
	if (error)
		return error;
	struct linux_statfs out = {.type = s.type ? s.type : 0x01021994,
				   .bsize = (i64)s.block_bytes,
				   .blocks = (i64)s.blocks,
				   .bfree = (i64)s.blocks_free,
				   .bavail = (i64)s.blocks_free,
				   .files = (i64)s.files,
				   .ffree = (i64)s.files_free,
				   .fsid = {(i32)mount->number, 0},
				   .namelen = s.name_max,
				   .frsize = (i64)s.block_bytes,
				   .flags = mount->read_only ? 1 : 0};

	return guest_copy_out(to, &out, sizeof(out));
}

i64 call_statfs(struct thread *thread, const u64 *a)
{
	struct walk *walk = walk_create();
	i64 error = walk ? walk_guest(thread, AT_FDCWD, a[0], WALK_FOLLOW, walk)
			 : -ENOMEM;

	if (!error)
		error = statfs_out(walk->place.mount, a[1]);
	walk_free(walk);
	return error;
}

i64 call_fstatfs(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);
	i64 error;

	if (!file)
		return -EBADF;
	error = statfs_out(file->place.mount ? file->place.mount : &mounts[0],
			   a[1]);
	file_put(file);
	return error;
}
