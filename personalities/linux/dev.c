// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// /dev: a fixed directory of devices of our own. Node 1 is the directory, node
// 2 + i the i-th entry. Device nodes elsewhere (mknod) are found by number.
#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/container.h"
#include "personalities/linux/file.h"
#include "personalities/linux/mount.h"
#include "personalities/linux/process.h"
#include "personalities/linux/tty.h"

#define DEVICE(major, minor) ((u64)(major) << 8 | (minor))
#define ROOT 1u
#define FIRST 2u

enum device {
	DEV_NULL,
	DEV_ZERO,
	DEV_FULL,
	DEV_RANDOM,
	DEV_TTY,
	DEV_CONSOLE,
	DEV_KOCHAB,
	DEV_LINK
};

struct entry {
	const char *name;
	enum device device;
	u32 mode;
	u64 number;
	const char *target; // of a link
};

static const struct entry entries[] = {
	{"null", DEV_NULL, S_IFCHR | 0666, DEVICE(1, 3), nullptr},
	{"zero", DEV_ZERO, S_IFCHR | 0666, DEVICE(1, 5), nullptr},
	{"full", DEV_FULL, S_IFCHR | 0666, DEVICE(1, 7), nullptr},
	{"random", DEV_RANDOM, S_IFCHR | 0666, DEVICE(1, 8), nullptr},
	{"urandom", DEV_RANDOM, S_IFCHR | 0666, DEVICE(1, 9), nullptr},
	{"tty", DEV_TTY, S_IFCHR | 0666, DEVICE(5, 0), nullptr},
	{"console", DEV_CONSOLE, S_IFCHR | 0600, DEVICE(5, 1), nullptr},
	{"ttyS0", DEV_CONSOLE, S_IFCHR | 0600, DEVICE(4, 64), nullptr},
	{"kochab", DEV_KOCHAB, S_IFCHR | 0600, DEVICE(10, 200), nullptr},
	{"fd", DEV_LINK, S_IFLNK | 0777, 0, "/proc/self/fd"},
	{"stdin", DEV_LINK, S_IFLNK | 0777, 0, "/proc/self/fd/0"},
	{"stdout", DEV_LINK, S_IFLNK | 0777, 0, "/proc/self/fd/1"},
	{"stderr", DEV_LINK, S_IFLNK | 0777, 0, "/proc/self/fd/2"},
};

static i64 lookup(struct thread *thread, struct mount *mount, u64 directory,
		  const char *name, u64 *node, u32 *mode)
{
	(void)thread, (void)mount;
	if (directory != ROOT)
		return -ENOTDIR;
	for (u32 i = 0; i < ARRAY_COUNT(entries); i++) {
		if (!string_equal(entries[i].name, name))
			continue;
		*node = FIRST + i;
		*mode = entries[i].mode;
		return 0;
	}
	return -ENOENT;
}

static i64 attributes(struct thread *thread, struct mount *mount, u64 node,
		      struct fs_attributes *out)
{
	(void)thread, (void)mount;
	*out = (struct fs_attributes){.node = node,
				      .mode = S_IFDIR | 0755,
				      .links = 2,
				      .block_bytes = 4096};
	if (node == ROOT)
		return 0;
	if (node - FIRST >= ARRAY_COUNT(entries))
		return -ENOENT;
	out->mode = entries[node - FIRST].mode;
	out->device = entries[node - FIRST].number;
	out->links = 1;
	if (entries[node - FIRST].target)
		out->size_bytes = strlen(entries[node - FIRST].target);
	return 0;
}

static i64 read_link(struct thread *thread, struct mount *mount, u64 node,
		     char *target, usize size)
{
	(void)thread, (void)mount;
	if (node - FIRST >= ARRAY_COUNT(entries) ||
	    !entries[node - FIRST].target)
		return -EINVAL;
	return (i64)MIN(strlcpy(target, entries[node - FIRST].target, size),
			size - 1);
}

static i64 read_directory(struct thread *thread, struct mount *mount, u64 node,
			  u64 *cookie, void *to, usize size)
{
	usize at = 0;

	(void)thread, (void)mount, (void)node;
	while (*cookie < ARRAY_COUNT(entries)) {
		const struct entry *e = &entries[*cookie];
		usize name = strlen(e->name);
		usize bytes = align_up(sizeof(struct fs_entry) + name, 8);
		struct fs_entry record = {.node = FIRST + *cookie,
					  .next_cookie = *cookie + 1,
					  .mode = e->mode & S_IFMT,
					  .name_bytes = (u16)name,
					  .entry_bytes = (u16)bytes};

		if (at + bytes > size)
			break;
		memcpy((u8 *)to + at, &record, sizeof(record));
		memcpy((u8 *)to + at + sizeof(record), e->name, name);
		at += bytes;
		++*cookie;
	}
	return (i64)at;
}

const struct mount_operations dev_mount_operations = {
	.lookup = lookup,
	.attributes = attributes,
	.read_link = read_link,
	.read_directory = read_directory,
};

// ---- the devices

static i64 read_nothing(struct thread *thread, struct file *file, struct io *io,
			u64 *position)
{
	(void)thread, (void)file, (void)io, (void)position;
	return 0;
}

static i64 write_anything(struct thread *thread, struct file *file,
			  struct io *io, u64 *position)
{
	i64 bytes = (i64)io->left;

	(void)thread, (void)file, (void)position;
	io->address += io->left;
	io->left = 0;
	return bytes;
}

static i64 write_full(struct thread *thread, struct file *file, struct io *io,
		      u64 *position)
{
	(void)thread, (void)file, (void)io, (void)position;
	return -ENOSPC;
}

static i64 read_zero(struct thread *thread, struct file *file, struct io *io,
		     u64 *position)
{
	i64 bytes = (i64)io->left;

	(void)thread, (void)file, (void)position;
	if (io->native)
		memset((void *)io->address, 0, io->left);
	else if (guest_zero(io->address, io->left))
		return -EFAULT;
	io->address += io->left;
	io->left = 0;
	return bytes;
}

static i64 read_random(struct thread *thread, struct file *file, struct io *io,
		       u64 *position)
{
	i64 total = 0;

	(void)file, (void)position;
	while (io->left && !thread_interrupted(thread)) {
		u8 bytes[256];
		usize part = MIN(io->left, sizeof(bytes));

		random_bytes(bytes, part);
		if (io_put(io, bytes, part))
			return total ? total : -EFAULT;
		total += (i64)part;
	}
	return total ? total : io->left ? -EINTR : 0;
}

static const struct file_operations null_operations = {.kind = "null",
						       .read = read_nothing,
						       .write = write_anything,
						       .seekable = true};
static const struct file_operations zero_operations = {.kind = "zero",
						       .read = read_zero,
						       .write = write_anything,
						       .seekable = true};
static const struct file_operations full_operations = {.kind = "full",
						       .read = read_zero,
						       .write = write_full,
						       .seekable = true};
static const struct file_operations random_operations = {.kind = "random",
							 .read = read_random,
							 .write =
								 write_anything,
							 .seekable = true};

// /dev/kochab: a command is written, then its answer read: exit status as u32,
// then text. One command at a time for each open file.
struct admin {
	char *answer;
	usize bytes;
};

static i64 admin_write(struct thread *thread, struct file *file, struct io *io,
		       u64 *position)
{
	struct admin *admin = file->object;
	char command[512];
	usize bytes = io->left, length = 0;
	char *text = nullptr;
	u32 status;
	i64 result;

	(void)thread;
	if (bytes > sizeof(command))
		return -EINVAL;
	if (io_get(io, command, bytes))
		return -EFAULT;
	mutex_unlock(&container_lock);
	result = engine_command(command, bytes, &text, &length);
	mutex_lock(&container_lock);
	if (result < 0)
		return result;
	status = (u32)result;
	object_free(admin->answer);
	admin->answer = buffer_alloc(length + 4);
	if (admin->answer) {
		memcpy(admin->answer, &status, 4);
		memcpy(admin->answer + 4, text, length);
		admin->bytes = length + 4;
	}
	object_free(text);
	*position = 0;
	return admin->answer ? (i64)bytes : -ENOMEM;
}

static i64 admin_read(struct thread *thread, struct file *file, struct io *io,
		      u64 *position)
{
	struct admin *admin = file->object;
	usize bytes;

	(void)thread;
	if (!admin->answer || *position >= admin->bytes)
		return 0;
	bytes = MIN(io->left, admin->bytes - *position);
	if (io_put(io, admin->answer + *position, bytes))
		return -EFAULT;
	*position += bytes;
	return (i64)bytes;
}

static void admin_release(struct file *file)
{
	struct admin *admin = file->object;

	object_free(admin->answer);
	object_free(admin);
}

static const struct file_operations admin_operations = {.kind = "kochab",
							.read = admin_read,
							.write = admin_write,
							.release =
								admin_release,
							.seekable = true};

static i64 admin_open(u32 flags, struct file **out)
{
	struct admin *admin = object_alloc(sizeof(*admin));

	if (!admin)
		return -ENOMEM;
	*out = file_create(&admin_operations, flags, admin);
	if (*out)
		return 0;
	object_free(admin);
	return -ENOMEM;
}

static i64 open_plain(const struct file_operations *operations, u32 flags,
		      struct file **out)
{
	*out = file_create(operations, flags, nullptr);
	return *out ? 0 : -ENOMEM;
}

static const struct entry *entry_of(struct thread *thread,
				    const struct place *place)
{
	struct fs_attributes found;

	if (place->mount->operations == &dev_mount_operations)
		return place->node - FIRST < ARRAY_COUNT(entries)
			? &entries[place->node - FIRST]
			: nullptr;
	if (place->mount->operations->attributes(thread, place->mount,
						 place->node, &found))
		return nullptr;
	for (u32 i = 0; i < ARRAY_COUNT(entries); i++)
		if (entries[i].number && entries[i].number == found.device)
			return &entries[i];
	return nullptr;
}

i64 dev_open(struct thread *thread, const struct place *place, u32 flags,
	     struct file **out)
{
	const struct entry *entry = entry_of(thread, place);

	if (!entry)
		return -ENXIO;
	switch (entry->device) {
	case DEV_NULL:
		return open_plain(&null_operations, flags, out);
	case DEV_ZERO:
		return open_plain(&zero_operations, flags, out);
	case DEV_FULL:
		return open_plain(&full_operations, flags, out);
	case DEV_RANDOM:
		return open_plain(&random_operations, flags, out);
	case DEV_TTY:
		return thread->process->tty ? tty_open(thread, flags, out)
					    : -ENXIO;
	case DEV_CONSOLE:
		if (container_mode == MODE_EXEC)
			return -ENXIO; // the port carries frames
		return tty_open(thread, flags, out);
	case DEV_KOCHAB:
		return admin_open(flags, out);
	default:
		return -ELOOP;
	}
}
