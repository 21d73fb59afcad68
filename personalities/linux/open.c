// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// System calls that open, make, remove and rename by path.
#include "lib/base/format.h"
#include "lib/base/string.h"
#include "personalities/linux/call.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/mount.h"
#include "personalities/linux/process.h"

static bool can_write(const struct place *place)
{
	return place->mount->operations->create && !place->mount->read_only;
}

static u32 masked(struct thread *thread, u32 mode)
{
	return mode & 07777 & ~thread->directories->umask;
}

static i64 create_file(struct thread *thread, struct walk *walk, u32 mode)
{
	struct place *parent = &walk->parent;
	i64 error;

	if (!walk->name[0] || walk->trailing_slash)
		return -EISDIR;
	if (!can_write(parent))
		return -EROFS;
	mode = S_IFREG | masked(thread, mode);
	error = parent->mount->operations->create(
		parent->mount, parent->node, walk->name, mode,
		thread->process->euid, thread->process->egid, 0,
		&walk->place.node);
	if (!error)
		walk->place =
			(struct place){parent->mount, walk->place.node, mode};
	return error;
}

static i64 truncate_place(const struct place *place, u64 size)
{
	struct fs_attributes attributes = {.size_bytes = size};

	if (!place->mount->operations->set_attributes ||
	    place->mount->read_only)
		return -EROFS;
	return place->mount->operations->set_attributes(
		place->mount, place->node, FS_SET_SIZE, &attributes);
}

// What the flags ask of a place that exists.
static i64 check_flags(const struct walk *walk, u32 flags)
{
	const struct place *place = &walk->place;
	u32 type = place->mode & S_IFMT;
	bool writes = (flags & O_ACCMODE) != 0 || (flags & O_TRUNC);

	if ((flags & O_DIRECTORY) && type != S_IFDIR)
		return -ENOTDIR;
	if (flags & O_PATH)
		return 0;
	if (type == S_IFLNK)
		return -ELOOP;
	if (type == S_IFDIR && (writes || (flags & O_CREAT)))
		return -EISDIR;
	if (type == S_IFREG && writes && place->mount->read_only)
		return -EROFS;
	return 0;
}

static i64 open_walked(struct thread *thread, struct walk *walk, u32 flags,
		       u32 mode, struct file **out)
{
	bool created = false;
	i64 error;

	if (!walk->place.mount) {
		error = create_file(thread, walk, mode);
		if (error)
			return error;
		created = true;
	} else if ((flags & O_CREAT) && (flags & O_EXCL)) {
		return -EEXIST;
	}
	error = check_flags(walk, flags);
	if (!error && (flags & O_TRUNC) && !created &&
	    (walk->place.mode & S_IFMT) == S_IFREG)
		error = truncate_place(&walk->place, 0);
	if (!error)
		error = place_open(thread, walk, flags, out);
	return error;
}

static i64 open_at(struct thread *thread, i64 dirfd, u64 path, u32 flags,
		   u32 mode)
{
	struct walk *walk = walk_create();
	bool create = (flags & O_CREAT) && !(flags & O_PATH);
	u32 how = (create ? WALK_PARENT : 0) |
		((flags & O_NOFOLLOW) || (create && (flags & O_EXCL))
			 ? 0
			 : WALK_FOLLOW);
	struct file *file;
	i64 error;

	if (!walk)
		return -ENOMEM;
	for (u32 tries = 0; tries < 3; tries++) {
		error = walk_guest(thread, dirfd, path, how, walk);
		if (!error)
			error = open_walked(thread, walk, flags, mode, &file);
		// Somebody else made it meanwhile: then open that.
		if (error != -EEXIST || (flags & O_EXCL))
			break;
	}
	walk_free(walk);
	if (error)
		return error;
	return files_install(thread, file, 0, flags & O_CLOEXEC);
}

i64 call_open(struct thread *thread, const u64 *a)
{
	return open_at(thread, AT_FDCWD, a[0], (u32)a[1], (u32)a[2]);
}

i64 call_openat(struct thread *thread, const u64 *a)
{
	return open_at(thread, (i32)a[0], a[1], (u32)a[2], (u32)a[3]);
}

i64 call_creat(struct thread *thread, const u64 *a)
{
	return open_at(thread, AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC,
		       (u32)a[1]);
}

// Walk to where a new name goes; -EEXIST when there is one already.
static i64 walk_new(struct thread *thread, i64 dirfd, u64 path, bool directory,
		    struct walk **out)
{
	struct walk *walk = walk_create();
	i64 error;

	if (!walk)
		return -ENOMEM;
	error = walk_guest(thread, dirfd, path, WALK_PARENT, walk);
	if (!error && (walk->place.mount || !walk->name[0]))
		error = -EEXIST;
	if (!error && walk->trailing_slash && !directory)
		error = -ENOENT;
	if (!error && !can_write(&walk->parent))
		error = -EROFS;
	if (error)
		walk_free(walk);
	else
		*out = walk;
	return error;
}

static i64 make_node(struct thread *thread, i64 dirfd, u64 path, u32 mode,
		     u64 device)
{
	struct walk *walk;
	u64 node;
	i64 error = walk_new(thread, dirfd, path, (mode & S_IFMT) == S_IFDIR,
			     &walk);

	if (error)
		return error;
	error = walk->parent.mount->operations->create(
		walk->parent.mount, walk->parent.node, walk->name,
		(mode & S_IFMT) | masked(thread, mode), thread->process->euid,
		thread->process->egid, device, &node);
	walk_free(walk);
	return error;
}

i64 call_mkdir(struct thread *thread, const u64 *a)
{
	return make_node(thread, AT_FDCWD, a[0], S_IFDIR | ((u32)a[1] & 07777),
			 0);
}

i64 call_mkdirat(struct thread *thread, const u64 *a)
{
	return make_node(thread, (i32)a[0], a[1], S_IFDIR | ((u32)a[2] & 07777),
			 0);
}

static i64 make_special(struct thread *thread, i64 dirfd, u64 path, u32 mode,
			u64 device)
{
	if ((mode & S_IFMT) == 0)
		mode |= S_IFREG;
	if ((mode & S_IFMT) == S_IFDIR)
		return -EPERM;
	return make_node(thread, dirfd, path, mode, device);
}

i64 call_mknod(struct thread *thread, const u64 *a)
{
	return make_special(thread, AT_FDCWD, a[0], (u32)a[1], a[2]);
}

i64 call_mknodat(struct thread *thread, const u64 *a)
{
	return make_special(thread, (i32)a[0], a[1], (u32)a[2], a[3]);
}

static i64 remove_at(struct thread *thread, i64 dirfd, u64 path, bool directory)
{
	struct walk *walk = walk_create();
	struct mount *mount;
	i64 error;

	if (!walk)
		return -ENOMEM;
	error = walk_guest(thread, dirfd, path, 0, walk);
	mount = walk->parent.mount;
	if (!error && !walk->name[0])
		error = directory ? -EINVAL : -EISDIR;
	if (!error && walk->place.mount != mount)
		error = -EBUSY; // a mount point
	if (!error && (walk->place.mode & S_IFMT) == S_IFDIR && !directory)
		error = -EISDIR;
	if (!error && (walk->place.mode & S_IFMT) != S_IFDIR && directory)
		error = -ENOTDIR;
	if (!error && !can_write(&walk->parent))
		error = -EROFS;
	if (!error) {
		fs_keep_if_open(&walk->place);
		error = mount->operations->unlink(mount, walk->parent.node,
						  walk->name, directory);
	}
	walk_free(walk);
	return error;
}

i64 call_unlink(struct thread *thread, const u64 *a)
{
	return remove_at(thread, AT_FDCWD, a[0], false);
}

i64 call_rmdir(struct thread *thread, const u64 *a)
{
	return remove_at(thread, AT_FDCWD, a[0], true);
}

i64 call_unlinkat(struct thread *thread, const u64 *a)
{
	if (a[2] & ~(u64)AT_REMOVEDIR)
		return -EINVAL;
	return remove_at(thread, (i32)a[0], a[1], a[2] & AT_REMOVEDIR);
}

static i64 rename_walked(struct walk *from, struct walk *to, u32 flags)
{
	struct mount *mount = from->parent.mount;
	bool directory = (from->place.mode & S_IFMT) == S_IFDIR;

	if (!from->name[0] || !to->name[0])
		return -EBUSY;
	if (from->place.mount != mount ||
	    (to->place.mount && to->place.mount != to->parent.mount))
		return -EBUSY;
	if (mount != to->parent.mount)
		return -EXDEV;
	if (!can_write(&from->parent))
		return -EROFS;
	if (directory && path_within(to->path, from->path) &&
	    !string_equal(to->path, from->path))
		return -EINVAL;
	if (to->trailing_slash && !directory)
		return -ENOTDIR;
	if (to->place.mount && (flags & FS_RENAME_NOREPLACE))
		return -EEXIST;
	if (to->place.mount && to->place.node == from->place.node &&
	    !(flags & FS_RENAME_EXCHANGE))
		return 0; // two names of one file
	if (to->place.mount)
		fs_keep_if_open(&to->place);
	return mount->operations->rename(mount, from->parent.node, from->name,
					 to->parent.node, to->name, flags);
}

static i64 rename_at(struct thread *thread, i64 from_dirfd, u64 from_path,
		     i64 to_dirfd, u64 to_path, u32 flags)
{
	struct walk *from = walk_create(), *to = walk_create();
	i64 error = from && to ? 0 : -ENOMEM;

	if (!error)
		error = walk_guest(thread, from_dirfd, from_path, 0, from);
	if (!error)
		error = walk_guest(thread, to_dirfd, to_path, WALK_PARENT, to);
	if (!error)
		error = rename_walked(from, to, flags);
	walk_free(from);
	walk_free(to);
	return error;
}

i64 call_rename(struct thread *thread, const u64 *a)
{
	return rename_at(thread, AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

i64 call_renameat(struct thread *thread, const u64 *a)
{
	return rename_at(thread, (i32)a[0], a[1], (i32)a[2], a[3], 0);
}

i64 call_renameat2(struct thread *thread, const u64 *a)
{
	if (a[4] & ~3ull || a[4] == 3)
		return -EINVAL;
	return rename_at(thread, (i32)a[0], a[1], (i32)a[2], a[3], (u32)a[4]);
}

static i64 link_at(struct thread *thread, i64 from_dirfd, u64 from_path,
		   i64 to_dirfd, u64 to_path, bool follow)
{
	struct walk *from = walk_create(), *to = nullptr;
	i64 error = from ? 0 : -ENOMEM;

	if (!error)
		error = walk_guest(thread, from_dirfd, from_path,
				   follow ? WALK_FOLLOW : 0, from);
	if (!error)
		error = walk_new(thread, to_dirfd, to_path, false, &to);
	if (!error && from->place.mount != to->parent.mount)
		error = -EXDEV;
	if (!error && (from->place.mode & S_IFMT) == S_IFDIR)
		error = -EPERM;
	if (!error)
		error = to->parent.mount->operations->link(
			to->parent.mount, to->parent.node, to->name,
			from->place.node);
	walk_free(from);
	walk_free(to);
	return error == -EOPNOTSUPP ? -EPERM : error;
}

i64 call_link(struct thread *thread, const u64 *a)
{
	return link_at(thread, AT_FDCWD, a[0], AT_FDCWD, a[1], false);
}

i64 call_linkat(struct thread *thread, const u64 *a)
{
	return link_at(thread, (i32)a[0], a[1], (i32)a[2], a[3],
		       a[4] & AT_SYMLINK_FOLLOW);
}

static i64 symlink_at(struct thread *thread, u64 target, i64 dirfd, u64 path)
{
	char *text = buffer_alloc(PATH_LIMIT);
	struct walk *walk = nullptr;
	i64 error = text ? guest_text_in(text, target, PATH_LIMIT) : -ENOMEM;

	if (error == 0)
		error = -ENOENT; // empty
	if (error > 0)
		error = walk_new(thread, dirfd, path, false, &walk);
	if (!error)
		error = walk->parent.mount->operations->symlink(
			walk->parent.mount, walk->parent.node, walk->name, text,
			thread->process->euid, thread->process->egid);
	walk_free(walk);
	object_free(text);
	return error == -EOPNOTSUPP ? -EPERM : error;
}

i64 call_symlink(struct thread *thread, const u64 *a)
{
	return symlink_at(thread, a[0], AT_FDCWD, a[1]);
}

i64 call_symlinkat(struct thread *thread, const u64 *a)
{
	return symlink_at(thread, a[0], (i32)a[1], a[2]);
}

i64 call_truncate(struct thread *thread, const u64 *a)
{
	struct walk *walk = walk_create();
	i64 error = walk ? 0 : -ENOMEM;

	if ((i64)a[1] < 0)
		error = -EINVAL;
	if (!error)
		error = walk_guest(thread, AT_FDCWD, a[0], WALK_FOLLOW, walk);
	if (!error && (walk->place.mode & S_IFMT) == S_IFDIR)
		error = -EISDIR;
	if (!error && (walk->place.mode & S_IFMT) != S_IFREG)
		error = -EINVAL;
	if (!error)
		error = truncate_place(&walk->place, a[1]);
	walk_free(walk);
	return error;
}

// Space is not reserved: the file is only made as long.
i64 call_fallocate(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);
	struct fs_attributes attributes;
	u64 end;
	i64 error = 0;

	if (!file)
		return -EBADF;
	if ((i64)a[2] < 0 || (i64)a[3] <= 0 ||
	    __builtin_add_overflow(a[2], a[3], &end) || (i64)end < 0)
		error = -EINVAL;
	else if (a[1] & ~1ull) // FALLOC_FL_KEEP_SIZE
		error = -EOPNOTSUPP;
	else if (file->operations != &fs_file_operations)
		error = -ENODEV;
	else if (!(file->flags & O_ACCMODE))
		error = -EBADF;
	else
		error = file_attributes(thread, file, &attributes);
	if (!error && !a[1] && attributes.size_bytes < end)
		error = truncate_place(&file->place, end);
	file_put(file);
	return error;
}

// A file of the root's file system whose name goes before anybody sees it.
i64 call_memfd_create(struct thread *thread, const u64 *a)
{
	static u32 number;
	struct mount *mount = &mounts[0];
	struct walk *walk = walk_create();
	struct file *file = nullptr;
	i64 error = walk ? 0 : -ENOMEM;

	if (a[1] & ~3ull) // MFD_CLOEXEC, MFD_ALLOW_SEALING
		error = -EINVAL;
	if (!error) {
		format_text(walk->name, sizeof(walk->name), ".memfd-%u",
			    number++);
		format_text(walk->path, sizeof(walk->path), "/%s", walk->name);
		walk->parent = (struct place){mount, mount->root, S_IFDIR};
		walk->trailing_slash = false;
		error = create_file(thread, walk, 0777);
	}
	if (!error)
		error = place_open(thread, walk, O_RDWR, &file);
	if (!error) {
		fs_keep_if_open(&walk->place);
		error = mount->operations->unlink(mount, mount->root,
						  walk->name, false);
	}
	walk_free(walk);
	if (error) {
		file_put(file);
		return error;
	}
	return files_install(thread, file, 0, a[1] & 1);
}

i64 call_ftruncate(struct thread *thread, const u64 *a)
{
	struct file *file = files_get(thread, a[0]);
	i64 error = -EINVAL;

	if (!file)
		return -EBADF;
	if ((i64)a[1] >= 0 && file->operations == &fs_file_operations &&
	    (file->flags & O_ACCMODE))
		error = truncate_place(&file->place, a[1]);
	file_put(file);
	return error;
}
