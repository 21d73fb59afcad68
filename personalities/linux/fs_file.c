// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Open files and directories of mounts. Who moves a file's position, or appends,
// does so alone: the lock is dropped during the transfer, so files have a busy
// mark and appending has one for all.
#include "gen/abi/syscall_stubs.h"
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/mount.h"
#include "personalities/linux/process.h"

#define DOTS 2ull // positions of "." and ".." in every directory
#define HIDDEN (1ull << 62) // positions of mount points without a name below
#define LIST_BYTES 16384u

static struct list open_files = {&open_files, &open_files};
static bool appending;
static struct wait_queue idle = {{&idle.waiters, &idle.waiters}};

static void wait_idle(bool *busy)
{
	while (*busy) {
		struct wait_entry entry;

		wait_enter(&idle, &entry);
		(void)!wait_park(0);
		wait_leave(&entry);
	}
	*busy = true;
}

static void set_idle(bool *busy)
{
	*busy = false;
	wait_wake(&idle);
}

static i64 read_file(struct thread *thread, struct file *file, struct io *io,
		     u64 *position)
{
	struct mount *mount = file->place.mount;
	bool alone = position == &file->position;
	i64 total = 0;

	if (alone)
		wait_idle(&file->busy);
	while (io->left && !(total && thread_interrupted(thread))) {
		i64 done = mount->operations->read(mount, file->place.node,
						   *position, io);

		if (done <= 0) {
			total = total ? total : done;
			break;
		}
		*position += (u64)done;
		total += done;
	}
	if (alone)
		set_idle(&file->busy);
	return total;
}

static i64 write_all(struct thread *thread, struct file *file, struct io *io,
		     u64 *position)
{
	struct mount *mount = file->place.mount;
	struct fs_attributes attributes;
	i64 total = 0;

	if (!mount->operations->write || mount->read_only)
		return -EROFS;
	if (file->flags & O_APPEND) {
		i64 error = mount->operations->attributes(
			nullptr, mount, file->place.node, &attributes);

		if (error)
			return error;
		*position = attributes.size_bytes;
	}
	while (io->left && !(total && thread_interrupted(thread))) {
		i64 done = mount->operations->write(mount, file->place.node,
						    *position, io);

		if (done <= 0)
			return total ? total : done;
		*position += (u64)done;
		total += done;
	}
	return total;
}

static i64 write_file(struct thread *thread, struct file *file, struct io *io,
		      u64 *position)
{
	bool alone = position == &file->position;
	bool append = file->flags & O_APPEND;
	i64 result;

	if (alone)
		wait_idle(&file->busy);
	if (append)
		wait_idle(&appending);
	result = write_all(thread, file, io, position);
	if (append)
		set_idle(&appending);
	if (alone)
		set_idle(&file->busy);
	return result;
}

const struct file_operations fs_file_operations = {
	.kind = "file",
	.read = read_file,
	.write = write_file,
	.seekable = true,
};

const struct file_operations directory_operations = {
	.kind = "directory",
	.seekable = true,
};

static struct file *open_without_hold(const struct place *place)
{
	LIST_FOR_EACH(node, &open_files)
	{
		struct file *file = CONTAINER_OF(node, struct file, open_node);

		if (file->place.mount == place->mount &&
		    file->place.node == place->node && !file->held)
			return file;
	}
	return nullptr;
}

void fs_keep_if_open(const struct place *place)
{
	struct mount *mount = place->mount;
	struct file *file;

	// Holding drops the lock, so look anew each time.
	while (mount->operations->hold && (file = open_without_hold(place))) {
		file->held = true;
		file_get(file);
		if (mount->operations->hold(mount, place->node, true))
			file->held = false;
		file_put(file);
		if (!file->held)
			return;
	}
}

i64 place_open(struct thread *thread, const struct walk *walk, u32 flags,
	       struct file **out)
{
	const struct place *place = &walk->place;
	const struct file_operations *operations = &fs_file_operations;
	struct file *file;
	i64 error = 0;

	if (!(flags & O_PATH)) {
		if (place->mount->operations == &dev_mount_operations &&
		    (place->mode & S_IFMT) != S_IFDIR)
			error = dev_open(thread, place, flags, out);
		else if (place->mount->operations == &proc_mount_operations &&
			 (place->mode & S_IFMT) != S_IFDIR)
			error = proc_open(thread, place, flags, out);
		else if ((place->mode & S_IFMT) == S_IFIFO)
			error = fifo_open(thread, place, flags, out);
		else if ((place->mode & S_IFMT) == S_IFCHR)
			error = dev_open(thread, place, flags, out);
		else if ((place->mode & S_IFMT) == S_IFSOCK ||
			 (place->mode & S_IFMT) == S_IFBLK)
			error = -ENXIO;
		else if ((place->mode & S_IFMT) == S_IFLNK)
			error = -ELOOP;
		else
			goto plain;
		if (!error && !(*out)->path && !(*out)->place.mount) {
			(*out)->place = *place;
			(*out)->path = text_copy(walk->path);
		}
		return error;
	}
plain:
	if ((place->mode & S_IFMT) == S_IFDIR)
		operations = &directory_operations;
	file = file_create(operations, flags, nullptr);
	if (!file)
		return -ENOMEM;
	file->place = *place;
	file->path = text_copy(walk->path);
	list_add_last(&open_files, &file->open_node);
	*out = file;
	return 0;
}

// ---- directories

struct listing {
	u64 to, left;
	u64 written;
};

static u8 directory_type(u32 mode)
{
	return (u8)((mode & S_IFMT) >> 12);
}

// 1: no room any more.
static i64 list_one(struct listing *list, u64 node, u32 mode, const char *name,
		    usize bytes, u64 next)
{
	struct linux_dirent64 entry = {
		.ino = node, .off = (i64)next, .type = directory_type(mode)};
	usize size = align_up(sizeof(entry) + bytes + 1, 8);
	u8 record[sizeof(entry) + NAME_LIMIT + 16] = {};

	if (bytes > NAME_LIMIT)
		return 0;
	if (size > list->left)
		return 1;
	entry.reclen = (u16)size;
	memcpy(record, &entry, sizeof(entry));
	memcpy(record + sizeof(entry), name, bytes);
	if (guest_copy_out(list->to, record, size))
		return -EFAULT;
	list->to += size;
	list->left -= size;
	list->written += size;
	return 0;
}

static i64 list_dots(struct file *file, struct listing *list, u64 *position)
{
	while (*position < DOTS) {
		i64 result = list_one(list, file->place.node, S_IFDIR, "..",
				      *position + 1, *position + 1);

		if (result)
			return result;
		++*position;
	}
	return 0;
}

// Records of the server, as many as fit. *end: there are no more.
static i64 list_served(struct thread *thread, struct file *file,
		       struct listing *list, u64 *position, u8 *buffer,
		       bool *end)
{
	struct mount *mount = file->place.mount;
	u64 cookie = *position - DOTS;
	i64 bytes = mount->operations->read_directory(
		thread, mount, file->place.node, &cookie, buffer, LIST_BYTES);
	usize at = 0;

	*end = bytes == 0;
	while (bytes > 0 && at + sizeof(struct fs_entry) <= (usize)bytes) {
		struct fs_entry entry;
		i64 result;

		memcpy(&entry, buffer + at, sizeof(entry));
		if (entry.entry_bytes < sizeof(entry) + entry.name_bytes ||
		    at + entry.entry_bytes > (usize)bytes)
			return -EIO;
		result = list_one(list, entry.node, entry.mode,
				  (char *)buffer + at + sizeof(entry),
				  entry.name_bytes, entry.next_cookie + DOTS);
		if (result)
			return result;
		*position = entry.next_cookie + DOTS;
		at += entry.entry_bytes;
	}
	return bytes < 0 ? bytes : 0;
}

static i64 list_hidden(struct file *file, struct listing *list, u64 *position)
{
	for (u64 i = *position - HIDDEN; i < nmounts; i++) {
		struct mount *mount = &mounts[i];

		if (mount->hidden_point && mount->below == file->place.mount &&
		    mount->below_node == file->place.node) {
			i64 result = list_one(list, mount->root, S_IFDIR,
					      mount->name, strlen(mount->name),
					      HIDDEN + i + 1);

			if (result)
				return result;
		}
		*position = HIDDEN + i + 1;
	}
	return 0;
}

i64 directory_list(struct thread *thread, struct file *file, u64 to, u64 bytes)
{
	struct listing list = {to, MIN(bytes, 0x40000ull), 0};
	u64 position = file->position;
	u8 *buffer;
	i64 result = list_dots(file, &list, &position);
	bool end = false;

	buffer = result ? nullptr : buffer_alloc(LIST_BYTES);
	if (!result && !buffer)
		return -ENOMEM;
	while (!result && !end && position < HIDDEN)
		result = list_served(thread, file, &list, &position, buffer,
				     &end);
	object_free(buffer);
	if (!result && position < HIDDEN)
		position = HIDDEN;
	if (!result)
		result = list_hidden(file, &list, &position);
	if (result < 0 && !list.written)
		return result;
	if (result == 1 && !list.written)
		return -EINVAL; // not even one entry fits
	file->position = position;
	return (i64)list.written;
}
