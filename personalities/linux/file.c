// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Open files and descriptor tables.
#include "personalities/linux/file.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"
#include "personalities/linux/container.h"
#include "personalities/linux/mount.h"
#include "personalities/linux/process.h"

#define TABLE_FIRST 32u

struct file *file_create(const struct file_operations *operations, u32 flags,
			 void *object)
{
	struct file *file = object_alloc(sizeof(*file));

	if (file)
		*file = (struct file){.operations = operations,
				      .references = 1,
				      .flags = flags & ~(u32)O_CLOEXEC,
				      .object = object};
	if (file)
		list_init(&file->open_node);
	return file;
}

void file_get(struct file *file)
{
	file->references++;
}

void file_put(struct file *file)
{
	if (!file || --file->references)
		return;
	if (file->operations->release)
		file->operations->release(file);
	list_remove(&file->open_node);
	if (file->held)
		(void)file->place.mount->operations->hold(
			file->place.mount, file->place.node, false);
	object_free(file->path);
	object_free(file);
}

struct file_table *files_create(void)
{
	struct file_table *files = object_alloc(sizeof(*files));

	if (!files)
		return nullptr;
	files->references = 1;
	files->size = TABLE_FIRST;
	files->slot = object_alloc(TABLE_FIRST * sizeof(*files->slot));
	if (files->slot)
		return files;
	object_free(files);
	return nullptr;
}

struct file_table *files_copy(struct file_table *from)
{
	struct file_table *files = object_alloc(sizeof(*files));

	if (!files)
		return nullptr;
	files->references = 1;
	files->size = from->size;
	files->slot = buffer_alloc(from->size * sizeof(*files->slot));
	if (!files->slot) {
		object_free(files);
		return nullptr;
	}
	memcpy(files->slot, from->slot, from->size * sizeof(*files->slot));
	for (u32 i = 0; i < files->size; i++)
		if (files->slot[i].file)
			file_get(files->slot[i].file);
	return files;
}

void files_put(struct file_table *files)
{
	if (!files || --files->references)
		return;
	for (u32 i = 0; i < files->size; i++)
		file_put(files->slot[i].file);
	object_free(files->slot);
	object_free(files);
}

void files_exec(struct file_table *files)
{
	for (u32 i = 0; i < files->size; i++) {
		struct file *file = files->slot[i].file;

		if (!file || !files->slot[i].close_on_exec)
			continue;
		files->slot[i] = (struct file_slot){};
		file_put(file);
	}
}

struct file *files_get(struct thread *thread, u64 fd)
{
	struct file_table *files = thread->files;
	struct file *file;

	if (fd >= files->size)
		return nullptr;
	file = files->slot[fd].file;
	if (file)
		file_get(file);
	return file;
}

static bool table_grow(struct file_table *files, u32 wanted)
{
	u32 size = files->size;
	struct file_slot *slot;

	while (size <= wanted)
		size *= 2;
	slot = object_alloc(size * sizeof(*slot));
	if (!slot)
		return false;
	memcpy(slot, files->slot, files->size * sizeof(*slot));
	object_free(files->slot);
	files->slot = slot;
	files->size = size;
	return true;
}

static u64 files_limit(struct thread *thread)
{
	return MIN(thread->process->limit[7].soft, (u64)FILES_MAX);
}

i64 files_install(struct thread *thread, struct file *file, u32 first,
		  bool close_on_exec)
{
	struct file_table *files = thread->files;
	u32 fd = first;

	while (fd < files->size && files->slot[fd].file)
		fd++;
	if (fd >= files_limit(thread)) {
		file_put(file);
		return -EMFILE;
	}
	if (fd >= files->size && !table_grow(files, fd)) {
		file_put(file);
		return -ENOMEM;
	}
	files->slot[fd] = (struct file_slot){file, close_on_exec};
	return fd;
}

i64 files_close(struct thread *thread, u64 fd)
{
	struct file_table *files = thread->files;
	struct file *file;

	if (fd >= files->size || !files->slot[fd].file)
		return -EBADF;
	file = files->slot[fd].file;
	files->slot[fd] = (struct file_slot){};
	file_put(file);
	return 0;
}

i64 files_replace(struct thread *thread, u32 fd, struct file *file,
		  bool close_on_exec)
{
	struct file_table *files = thread->files;
	struct file *before;

	if (fd >= files_limit(thread)) {
		file_put(file);
		return -EBADF;
	}
	if (fd >= files->size && !table_grow(files, fd)) {
		file_put(file);
		return -ENOMEM;
	}
	before = files->slot[fd].file;
	files->slot[fd] = (struct file_slot){file, close_on_exec};
	file_put(before);
	return fd;
}

bool file_is_directory(const struct file *file)
{
	return file->place.mount && (file->place.mode & S_IFMT) == S_IFDIR;
}

i64 file_read(struct thread *thread, struct file *file, struct io *io)
{
	if ((file->flags & O_ACCMODE) == O_WRONLY || (file->flags & O_PATH))
		return -EBADF;
	if (!file->operations->read)
		return file_is_directory(file) ? -EISDIR : -EINVAL;
	return file->operations->read(thread, file, io, &file->position);
}

i64 file_write(struct thread *thread, struct file *file, struct io *io)
{
	if ((file->flags & O_ACCMODE) == 0 || (file->flags & O_PATH))
		return -EBADF;
	if (!file->operations->write)
		return -EINVAL;
	return file->operations->write(thread, file, io, &file->position);
}

u32 file_poll(struct file *file)
{
	return file->operations->poll
		? file->operations->poll(file)
		: POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

i64 file_attributes(struct thread *thread, struct file *file,
		    struct fs_attributes *attributes)
{
	if (file->operations->attributes)
		return file->operations->attributes(thread, file, attributes);
	if (file->place.mount)
		return file->place.mount->operations->attributes(
			thread, file->place.mount, file->place.node,
			attributes);
	*attributes = (struct fs_attributes){.node = (u64)file->object >> 4,
					     .mode = S_IFIFO | 0600,
					     .links = 1,
					     .block_bytes = 4096};
	return 0;
}
